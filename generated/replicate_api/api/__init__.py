"""The operations of the API, grouped by the noun that they are about."""
