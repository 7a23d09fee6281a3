"""Files to download, and where downloads go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.hosts import Host, hosted

from replicate._data import outputs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a cache of its own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(outputs, "cache_folder", lambda: folder)
    return folder


@pytest.fixture
def host() -> Iterator[Host]:
    with hosted() as made:
        yield made
