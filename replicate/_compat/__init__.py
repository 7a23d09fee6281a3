"""What earlier versions of this package had, and this one has elsewhere or does in another way."""
