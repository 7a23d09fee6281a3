"""One definition, two colours: methods that block on one client and are awaited on the other."""
