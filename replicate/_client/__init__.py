"""The parts that all clients share, apart from their constructors."""
