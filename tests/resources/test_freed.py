"""Predictions are gone as soon as nobody has them: nothing waits for Python's collector of cycles."""

from __future__ import annotations

import gc
import inspect
from typing import TYPE_CHECKING, Any
from weakref import ref

import httpx
import pytest
from support.colours import got, scripted
from support.sample_models import prediction

if TYPE_CHECKING:
    from collections.abc import Iterator

MADE = prediction(
    "succeeded",
    output=["https://replicate.delivery/a.png", {"more": "https://replicate.delivery/b.png"}],
    urls={"get": "https://api.replicate.com/v1/predictions/p1", "web": "https://replicate.com/p/p1"},
    logs="50%|#####     | 5/10 [00:01<00:01,  5.00it/s]",
    metrics={"predict_time": 1.0},
    created_at="2025-01-01T00:00:00Z",
    completed_at="2025-01-01T00:00:01Z",
)


def answer(request: httpx.Request) -> httpx.Response:
    listing = request.method == "GET" and request.url.path.endswith("s")
    return httpx.Response(200, json={"results": [MADE]} if listing else MADE)


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


async def listed(client: Any) -> Any:
    return (await got(client.predictions.list())).results[0]


WAYS: dict[str, Any] = {
    "got": lambda client: got(client.predictions.get("p1")),
    "created": lambda client: got(client.predictions.create("me/model", {"text": "a"})),
    "listed": listed,
}
USES = (
    "urls",
    "output",
    "input",
    "metrics",
    "logs",
    "created_at",
    "timings",
    "progress",
    "__repr__",
    "to_dict",
    "json",
)


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("use", [*USES, "wait", "reload", "cancel", "all of it"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_prediction_that_is_dropped_is_gone(colour: str, way: str, use: str) -> None:
    """Whatever was read of it, and whatever it has done."""
    client = scripted(colour, answer)
    made = await WAYS[way](client)
    for name in USES if use == "all of it" else [use]:
        found = getattr(made, name)
        found = found() if inspect.ismethod(found) else found
        found = await got(found) if inspect.isawaitable(found) else found
        del found
    gone = ref(made)
    del made
    assert gone() is None


@pytest.mark.usefixtures("_no_collector")
async def test_a_file_outlives_its_prediction(colour: str) -> None:
    """A file of the output knows when it expires, as long as it lives, and does not keep its prediction alive."""
    client = scripted(colour, answer)
    made = await got(client.predictions.get("p1"))
    file, gone, completed = made.output[0], ref(made), made.completed_at
    expires = file.expires_at
    assert expires > completed
    del made
    assert gone() is None
    assert file.expires_at == expires


async def test_a_file_of_a_prediction_that_goes_on(colour: str) -> None:
    """A file that came before the end knows when it expires as soon as its prediction does."""
    states = [{**MADE, "status": "processing", "completed_at": None}, MADE]
    client = scripted(colour, lambda _: httpx.Response(200, json=states.pop(0)))
    made = await got(client.predictions.get("p1"))
    file = made.output[0]
    assert file.expires_at is None
    await got(made.reload())
    assert file.expires_at > made.completed_at
