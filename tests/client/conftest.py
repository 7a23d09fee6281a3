"""Clients of every colour, and a local server to talk to."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from replicate.local import server as local_server

sys.path.insert(0, str(Path(__file__).parent))

from colours import RUN, connect
from sample_models import MODELS, Held

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from replicate.local import Server


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function in its colour."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    RUN[pyfuncitem.callspec.params["colour"]](pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture(params=list(RUN))
def colour(request: pytest.FixtureRequest) -> str:
    """Every colour in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def shared_server() -> Iterator[Server]:
    with local_server(MODELS, page_size=2) as srv:
        yield srv


@pytest.fixture
def asked(shared_server: Server) -> Callable[[], list[Any]]:
    """Give the requests of this test."""
    before = len(shared_server.requests)
    return lambda: shared_server.requests[before:]


@pytest.fixture
def server(shared_server: Server, asked: Any) -> Server:
    """Serve the models of these tests."""
    return shared_server


@pytest.fixture
def clients(colour: str) -> Iterator[Callable[..., Any]]:
    """Give a function that makes clients of a server."""
    made: list[Any] = []

    def make(srv: Server | None = None, **options: Any) -> Any:
        place = {"bearer_token": srv.token, "base_url": srv.base_url} if srv else {}
        made.append(connect(colour, **{**place, **options}))
        return made[-1]

    yield make
    if colour == "blocking":  # the connections of others are closed with their event loop
        for client in made:
            client.close()


@pytest.fixture
def client(clients: Callable[..., Any], server: Server) -> Any:
    """Give a client of the server."""
    return clients(server)


@pytest.fixture
def held() -> Iterator[Held]:
    """Give models that wait for the test."""
    model = Held()
    yield model
    model.go.set()
