"""How we talk to the API: colours, sessions, transports, retries, events, pages."""
