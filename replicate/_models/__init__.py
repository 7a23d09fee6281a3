"""Which model a reference names, and what is known of it."""
