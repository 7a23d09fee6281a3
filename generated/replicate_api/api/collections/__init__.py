"""The operations on collections, a module each: `build_request` and `parse_response`."""
