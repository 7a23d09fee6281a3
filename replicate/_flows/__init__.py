"""What people call: run, stream and use."""
