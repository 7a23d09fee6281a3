"""What a webhook brings, and whether Replicate has signed it."""
