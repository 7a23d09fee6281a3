"""Webhooks: reading deliveries, and verifying their signatures."""
