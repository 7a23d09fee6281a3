"""The operations on files, a module each: `build_request` and `parse_response`."""
