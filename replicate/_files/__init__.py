"""Bytes by URL: how files are read, named, uploaded, downloaded and written."""
