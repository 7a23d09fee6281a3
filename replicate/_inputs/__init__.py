"""From Python values to the JSON of a request."""
