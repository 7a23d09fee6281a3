"""Models: which one a reference names, and what is known of it."""
