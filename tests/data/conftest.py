"""Files to download, and where downloads go."""

from support.hosts import cache, host  # noqa: F401 - fixtures
