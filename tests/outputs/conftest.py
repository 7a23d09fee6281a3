"""Fixtures: a local server of models for every kind of output, and clients of every colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from outputs.kinds import MODELS
from support.colours import each_colour, pytest_pyfunc_call  # noqa: F401 - a fixture and a hook

from replicate.local import server as local_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replicate.local import Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with local_server(MODELS) as srv:
        yield srv
