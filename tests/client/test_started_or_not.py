"""Errors say correctly whether a call has started something, in cases where that is easily mistaken."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.colours import TOKEN, Clock, collect, got, scripted
from support.sample_models import Script, prediction

from replicate import (
    AmbiguousCreateError,
    InputError,
    ReplicateError,
    RunError,
    UnprocessableEntityError,
)

DONE = prediction("succeeded", output="a")
BROKEN = httpx.Response(502)
REFUSED = httpx.Response(422, json={"detail": "no", "status": 422})
SURROGATE, LONG = "\udcff", 10**5000


@pytest.mark.parametrize(
    "options",
    [
        {"webhook": f"https://x/{SURROGATE}"},
        {"webhook": LONG},
        {"extra_body": {"a": [SURROGATE]}},
        {"extra_body": {SURROGATE: 1}},
        {"extra_body": {"a": LONG}},
        {"extra_body": {"a": float("nan")}},
        {"extra_body": {float("nan"): 1}},
    ],
    ids=[*map(str, range(7))],
)
@pytest.mark.parametrize("way", ["run", "create", "version", "training"])
async def test_a_body_that_is_no_json_starts_nothing(colour: str, options: Any, way: str) -> None:
    """A body that JSON cannot express is refused. Nothing is sent, searched for or canceled."""
    script = Script(create=[DONE], list=[{"results": [prediction("processing", created_at="2100-01-01T00:00:00Z")]}])
    client = scripted(colour, script)
    calls = {
        "run": lambda: client.run("me/model", {}, **options),
        "create": lambda: client.predictions.create(model="me/model", input={}, **options),
        "version": lambda: client.predictions.create("me/model:v1", {}, **options),
        "training": lambda: client.trainings.create("me/model:v1", {}, "me/mine", **options),
    }
    with pytest.raises((TypeError, ValueError)):
        await got(calls[way]())
    assert script.asked == []


@pytest.mark.parametrize("trouble", [lambda: "", lambda: 1 / 0, httpx.ConnectError("no"), TimeoutError("vault")])
@pytest.mark.parametrize("way", ["run", "create"])
async def test_a_create_that_was_found_is_not_lost(colour: str, trouble: Any, way: str) -> None:
    """A create that was found after a lost answer is returned, even if the request for its state fails."""
    asked = 0

    def token() -> str:
        """Return the token for the create and the search, and fail after that."""
        nonlocal asked
        asked += 1
        if asked <= 2:
            return TOKEN
        if isinstance(trouble, Exception):
            raise trouble
        return str(trouble())

    found = prediction("processing", created_at="2100-01-01T00:00:00Z")
    script = Script(create=[BROKEN], list=[{"results": [found]}], get=[DONE], cancel=[prediction("canceled")])
    client = scripted(colour, script, bearer_token=token)
    Clock(client)
    if way == "create":
        assert (await got(client.predictions.create(model="me/model", input={}))).id == "p1"
    else:
        with pytest.raises((RunError, ZeroDivisionError)) as caught:
            await got(client.run("me/model", {}))
        assert isinstance(caught.value, ZeroDivisionError) or caught.value.prediction.id == "p1"
    assert script.asked.count("POST /models/me/model/predictions") == 1


@pytest.mark.parametrize(
    "error", [httpx.ReadError("mine"), TimeoutError("mine"), InputError("mine"), ReplicateError("mine")], ids=repr
)
async def test_a_callbacks_error_becomes_a_run_error(colour: str, error: Exception) -> None:
    """A callback's error after which a loop would call again causes a RunError, and the prediction is canceled."""

    def on_update(_: Any) -> None:
        raise error

    script = Script(create=[prediction("processing")], cancel=[prediction("canceled")])
    with pytest.raises(RunError) as caught:
        await got(scripted(colour, script).run("me/model", {}, on_update=on_update))
    assert caught.value.__cause__ is error
    assert (caught.value.prediction.id, caught.value.prediction.status) == ("p1", "canceled")
    assert not isinstance(caught.value, (ReplicateError, httpx.HTTPError, OSError, TypeError))


async def test_a_stream_after_an_ambiguous_create(colour: str) -> None:
    """After an ambiguous create, the stream's error does not say that nothing was started."""
    script = Script(create=[BROKEN], list=[{"results": []}])
    client = scripted(colour, script)
    Clock(client)
    stream = client.stream("me/model", input={})
    with pytest.raises(AmbiguousCreateError):
        await collect(stream)
    with pytest.raises(AmbiguousCreateError):
        _ = stream.prediction
    with pytest.raises(AmbiguousCreateError):
        await got(stream.cancel())


async def begun(client: Any, way: str) -> Any:
    """Return an object that starts a prediction once it is awaited or read."""
    return client.stream("me/model", input={}) if way == "stream" else client.run("me/model", {})


@pytest.mark.parametrize("way", ["stream", "coroutine"])
@pytest.mark.parametrize("outer", ["run", "create"])
async def test_a_prediction_that_an_input_starts_counts(colour: str, way: str, outer: str) -> None:
    """If an input has started a prediction, the error of the refused call does not say that nothing was started."""
    if way == "coroutine" and colour == "blocking":
        pytest.skip("a blocking call has none")
    script = Script(create=[DONE, REFUSED], get=[DONE])
    client = scripted(colour, script)
    inputs = {"text": await begun(client, way)}
    with pytest.raises(RunError) as caught:
        await got(
            client.run("me/other", inputs)
            if outer == "run"
            else client.predictions.create(model="me/other", input=inputs)
        )
    assert isinstance(caught.value.__cause__, UnprocessableEntityError)
    assert (caught.value.status, str(caught.value)) == (422, str(caught.value.__cause__))
    if way == "stream":
        assert caught.value.prediction.id == "p1"


async def test_a_prediction_of_an_earlier_call_does_not_count(colour: str) -> None:
    """A prediction passed as an input was started by an earlier call, so the refused call has started nothing."""
    script = Script(create=[DONE, REFUSED], get=[DONE])
    client = scripted(colour, script)
    earlier = await got(client.predictions.create(model="me/model", input={}))
    with pytest.raises(UnprocessableEntityError):
        await got(client.run("me/other", {"text": earlier}))
