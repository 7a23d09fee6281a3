"""The operations on deployments, a module each: `build_request` and `parse_response`."""
