"""The operations on predictions, a module each: `build_request` and `parse_response`."""
