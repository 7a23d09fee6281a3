"""The operations on webhooks, a module each: `build_request` and `parse_response`."""
