"""What all clients share, apart from their constructors."""
