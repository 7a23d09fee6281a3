"""The connections: the only code that blocks on the outside world or awaits it."""
