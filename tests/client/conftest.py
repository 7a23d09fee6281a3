"""Fixtures: clients of every colour, and a local server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support.colours import connect, each_colour, pytest_pyfunc_call  # noqa: F401 - a fixture and a hook
from support.sample_models import MODELS, Held

from replicate.local import server as local_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from replicate.local import Server


@pytest.fixture(scope="session")
def shared_server() -> Iterator[Server]:
    with local_server(MODELS, page_size=2) as srv:
        yield srv


@pytest.fixture
def asked(shared_server: Server) -> Callable[[], list[Any]]:
    """Return a function that returns the requests of this test."""
    before = len(shared_server.requests)
    return lambda: shared_server.requests[before:]


@pytest.fixture
def server(shared_server: Server, asked: Any) -> Server:
    """Return the server of the sample models."""
    return shared_server


@pytest.fixture
def clients(colour: str) -> Iterator[Callable[..., Any]]:
    """Yield a function that makes clients of a server."""
    made: list[Any] = []

    def make(srv: Server | None = None, **options: Any) -> Any:
        place = {"bearer_token": srv.token, "base_url": srv.base_url} if srv else {}
        made.append(connect(colour, **{**place, **options}))
        return made[-1]

    yield make
    if colour == "blocking":  # the event loop closes the connections of the other colours
        for client in made:
            client.close()


@pytest.fixture
def client(clients: Callable[..., Any], server: Server) -> Any:
    """Return a client of the server."""
    return clients(server)


@pytest.fixture
def held() -> Iterator[Held]:
    """Yield models that wait for the test."""
    model = Held()
    yield model
    model.go.set()
