"""Clients of every colour, files to download, and a cache for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.colours import each_colour, pytest_pyfunc_call  # noqa: F401 - a fixture and a hook
from support.file_models import asked, client, clients, server  # noqa: F401 - fixtures
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


@pytest.fixture
def blocking(colour: str) -> dict[str, Any]:
    """Give what makes an output one of a blocking client, or not."""
    return {"blocking": colour == "blocking"}
