"""Select the tests for the client: a published one runs those of its own version, this one runs all."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

import replicate

sys.path.insert(0, str(Path(__file__).parent))

PUBLISHED = {"1": "1.x", "2": "2.0"}.get(metadata.version("replicate").partition(".")[0])


def pytest_configure(config: pytest.Config) -> None:
    for marker in (
        "generation(*names): the published clients that pass this test as it stands",
        "differs(reason): a known difference: passes with the published client, and must fail with ours",
    ):
        config.addinivalue_line("markers", marker)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if PUBLISHED:
        items[:] = [item for item in items if PUBLISHED in item.get_closest_marker("generation").args]
        return
    for item in items:
        if differs := item.get_closest_marker("differs"):
            item.add_marker(pytest.mark.xfail(reason=differs.args[0], strict=True))


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_test")


@pytest.fixture(autouse=True)
def _default_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test its own default client, as a test in another folder may have closed the last one."""
    if not PUBLISHED:
        monkeypatch.delitem(vars(replicate), "default_client", raising=False)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Make `time.sleep` return at once, and record the seconds."""
    asked: list[float] = []
    monkeypatch.setattr("time.sleep", asked.append)
    return asked
