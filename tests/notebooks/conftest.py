"""Tests run in each colour that they ask for, with a cache of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.colours import each_colour, pytest_pyfunc_call  # noqa: F401 - a fixture and a hook

from replicate._files import cache as copies

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own cache."""
    folder: Path = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(copies, "cache", copies.Cache(folder))
