"""Files to download, and where downloads go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.hosts import KEPT, Host, hosted

from replicate._data import disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test a cache of its own."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(disk, "cache", disk.Cache(folder))
    yield folder
    KEPT.clear()


@pytest.fixture
def host() -> Iterator[Host]:
    with hosted() as made:
        yield made
