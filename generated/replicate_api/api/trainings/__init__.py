"""The operations on trainings, a module each: `build_request` and `parse_response`."""
