"""The operations on search, a module each: `build_request` and `parse_response`."""
