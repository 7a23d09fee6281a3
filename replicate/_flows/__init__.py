"""What people call: run, stream and use, on clients of both colours."""
