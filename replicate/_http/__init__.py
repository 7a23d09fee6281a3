"""One request and its response: what is sent, when it is retried, and what the response means."""
