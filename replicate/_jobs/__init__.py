"""A prediction or a training, from its create to its result."""
