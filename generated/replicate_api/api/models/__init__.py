"""The operations on models, a module each: `build_request` and `parse_response`."""
