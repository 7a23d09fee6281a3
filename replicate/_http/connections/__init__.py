"""How bytes travel: the only code that blocks or awaits the outside world."""
