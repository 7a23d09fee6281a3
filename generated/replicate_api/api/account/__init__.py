"""The operations on account, a module each: `build_request` and `parse_response`."""
