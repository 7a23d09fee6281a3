"""Fixtures for downloads: a file host and a private cache folder."""

from support.hosts import cache, host  # noqa: F401 - fixtures
