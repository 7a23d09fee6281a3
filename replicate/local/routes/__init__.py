"""The endpoints, with one file for each noun of the API."""
