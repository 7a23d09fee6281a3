"""Fixtures: clients of every colour, files to download, and a cache for each test."""

from __future__ import annotations

from typing import Any

import pytest
from support.colours import each_colour, pytest_pyfunc_call  # noqa: F401 - a fixture and a hook
from support.file_models import asked, client, clients, server  # noqa: F401 - fixtures
from support.hosts import cache, host  # noqa: F401 - as above


@pytest.fixture
def blocking(colour: str) -> dict[str, Any]:
    """Return the option that makes an output one of a blocking client, or not."""
    return {"blocking": colour == "blocking"}
