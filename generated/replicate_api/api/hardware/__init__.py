"""The operations on hardware, a module each: `build_request` and `parse_response`."""
