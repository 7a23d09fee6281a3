"""What all clients share, apart from how each is made."""
