"""A prediction costs money: it is started once, or not at all, or the error says that this is not known."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.colours import Clock, collect, got, scripted
from support.faults import CLOSE_READ, RESET_READ, SILENCE, Faults, answer, refusing_url
from support.sample_models import Script, model, prediction

from replicate import (
    AmbiguousCreateError,
    APIConnectionError,
    APITimeoutError,
    NotFoundError,
    RateLimitError,
    ReplicateError,
    RunError,
)

SAYS = r"not known whether the prediction was started.*not sent again.*predictions\.list\(\).*before you start another"


def create(client: Any, way: str) -> Any:
    match way:
        case "create":
            return client.predictions.create("me/model", {"text": "a"})
        case "create_official":
            return client.models.predictions.create("me/model", {"text": "a"})
        case _:
            return client.post("/predictions", json={"version": "me/model", "input": {}})


@pytest.mark.parametrize("way", ["create", "create_official"])
@pytest.mark.parametrize(
    "fault",
    [
        RESET_READ,
        CLOSE_READ,
        SILENCE,
        *[answer(f"{status} Trouble", b"") for status in (500, 502, 503, 504, 520)],
        answer("201 Created", b'{"id": "p', "Content-Length: 999"),
    ],
    ids=["reset", "closed", "silence", "500", "502", "503", "504", "520", "cut"],
)
async def test_what_may_have_started_is_not_sent_again(clients: Any, way: str, fault: Any) -> None:
    """A create whose outcome is unknown is not sent again. The error says so, and what to do."""
    with Faults(fault) as api:
        client = clients(base_url=api.base_url, timeout=0.05 if fault is SILENCE else 20)
        Clock(client)
        with pytest.raises(AmbiguousCreateError, match=SAYS):
            await got(create(client, way))
        assert sum(request.startswith(b"POST") for request in api.requests) == 1


BY_NAME, BY_VERSION, LOOKS = "POST /models/me/model/predictions", "POST /predictions", ["GET /predictions"] * 3
RUNS: dict[str, list[str]] = {
    "run": [BY_NAME],
    "version": [BY_VERSION],
    "stream": [BY_NAME],
    "use": ["GET /models/me/model", BY_NAME],
    "streaming use": ["GET /models/me/model", BY_NAME],
    "Run": ["GET /models/me/model", BY_NAME],
}
"""The requests up to the create, by the way to run a model."""


async def run(client: Any, way: str, **options: Any) -> Any:
    """Run a model in one of several ways."""
    match way:
        case "run":
            return await got(client.run("me/model", **options))
        case "version":
            return await got(client.run("a" * 64, **options))
        case "stream":
            return await collect(client.stream("me/model", **options))
        case "Run":
            return await got((await got(client.use("me/model", **options).create())).output())
        case _:
            return await got(client.use("me/model", streaming=way == "streaming use", **options)())


@pytest.mark.parametrize("way", RUNS)
@pytest.mark.parametrize(
    "answered", [httpx.Response(502), httpx.Response(200, text="<html>Welcome</html>")], ids=["502", "a proxy's page"]
)
async def test_a_run_is_not_sent_again(colour: str, way: str, answered: httpx.Response) -> None:
    """Every way to run a model sends one create. The error is no ReplicateError, after which a loop may call again."""
    script = Script(model=[model()], create=[answered])
    client = scripted(colour, script)
    Clock(client)
    with pytest.raises(AmbiguousCreateError, match=SAYS) as raised:
        await run(client, way)
    assert isinstance(raised.value, RunError)
    assert not isinstance(raised.value, ReplicateError)
    assert script.asked == [*RUNS[way], *LOOKS]


@pytest.mark.parametrize("way", ["create", "create_official", "post"])
@pytest.mark.parametrize(
    "refusal",
    [httpx.Response(429, headers={"Retry-After": "3"}), httpx.ConnectError("refused"), httpx.ConnectTimeout("")],
)
async def test_a_refused_create_is_sent_again(colour: str, way: str, refusal: Any) -> None:
    """A create that certainly started nothing is sent again, after the time that the API asks for."""

    def refuse(request: httpx.Request) -> httpx.Response:
        if isinstance(refusal, Exception):
            raise refusal
        return httpx.Response(refusal.status_code, headers=refusal.headers)

    script = Script(create=[refuse, refuse, prediction()])
    client = scripted(colour, script)
    clock = Clock(client)
    await got(create(client, way))
    assert len(script.requests) == 3
    assert isinstance(refusal, Exception) or clock.time >= 6


async def test_repeated_refusals_end(colour: str) -> None:
    """A create that is refused every time raises the last refusal."""
    client = scripted(colour, Script(create=[httpx.Response(429, json={"detail": "slower", "retry_after": 2})]))
    Clock(client)
    with pytest.raises(RateLimitError, match="slower") as raised:
        await got(client.predictions.create("me/model", {}, max_retries=1))
    assert raised.value.retry_after == 2


async def test_a_refused_connection(clients: Any) -> None:
    """A connection that was never made raises an APIConnectionError, not an AmbiguousCreateError."""
    client = clients(base_url=refusing_url())
    clock = Clock(client)
    with pytest.raises(APIConnectionError, match="could not be reached"):
        await got(client.predictions.create("me/model", {}))
    assert len(clock.sleeps) == 2


async def test_a_low_level_post_is_not_sent_again(clients: Any) -> None:
    """`client.post` may be a create of any kind, so it is not sent again."""
    with Faults(RESET_READ) as api:
        client = clients(base_url=api.base_url)
        with pytest.raises(APIConnectionError, match="broke off"):
            await got(create(client, "post"))
        assert len(api.requests) == 1


async def test_a_read_is_sent_again(colour: str) -> None:
    """A read is retried after any transient failure."""
    script = Script(get=[httpx.Response(500), httpx.Response(429), prediction("succeeded")])
    client = scripted(colour, script)
    Clock(client)
    assert (await got(client.predictions.get("p1"))).status == "succeeded"
    assert len(script.requests) == 3


async def test_a_model_that_is_not_found_may_run(colour: str) -> None:
    """A model whose lookup returns 404 gets its upload and its create, once each. The create's response decides."""
    missing = httpx.Response(404, json={"detail": "Not found.", "status": 404})
    stored = {"id": "f1", "urls": {"get": "https://api.replicate.com/v1/files/f1"}}
    script = Script(model=[missing], create=[stored, missing])
    client = scripted(colour, script)
    with pytest.raises(NotFoundError, match="There is no model me/model"):
        await got(client.run("me/model", {"file": bytes(300_000)}))
    assert script.asked == ["GET /models/me/model", "POST /files", BY_NAME, "GET /models/me/model"]


@pytest.mark.parametrize(
    "answered", [httpx.Response(408), httpx.Response(201, json={"status": "starting"})], ids=["408", "no id"]
)
async def test_other_ambiguous_responses(colour: str, answered: httpx.Response) -> None:
    """After a 408, or a prediction without an id, the prediction may be running as well."""
    script = Script(create=[answered])
    client = scripted(colour, script)
    Clock(client)
    with pytest.raises(AmbiguousCreateError, match=SAYS):
        await got(client.run("me/model"))
    assert script.asked == [BY_NAME, *LOOKS]


STORED = {"id": "f1", "urls": {"get": "https://api.replicate.com/v1/files/f1"}}


@pytest.mark.parametrize(
    ("way", "input", "answers", "asked"),
    [
        ("use", {}, [], ["GET /models/me/model"]),
        ("run", {"file": bytes(300_000)}, [STORED], ["GET /models/me/model", "POST /files"]),
        ("run", {}, [httpx.Response(404)], [BY_NAME, "GET /models/me/model"]),
    ],
    ids=["a use", "a long file", "a community model"],
)
async def test_nothing_is_started_after_the_timeout(
    colour: str, way: str, input: Any, answers: list[Any], asked: list[str]
) -> None:
    """If the lookup takes all the time, the error says that nothing was started, and nothing is sent."""

    def slow(request: httpx.Request) -> dict[str, Any]:
        clock.time += 6
        return model(official=None)

    script = Script(model=[slow], create=[*answers, prediction("succeeded", output="a")])
    client = scripted(colour, script)
    clock = Clock(client)
    with pytest.raises(APITimeoutError, match="nothing was started") as raised:
        await got(client.run("me/model", input, timeout=5) if way == "run" else client.use("me/model", timeout=5)())
    assert isinstance(raised.value, ReplicateError)
    assert raised.value.sent is False
    assert script.asked == asked


async def test_a_retry_asks_to_wait_for_less(colour: str) -> None:
    """The `Prefer` wait shrinks with the time left at each attempt, also an explicit one."""
    busy = httpx.Response(429, headers={"Retry-After": "8"})
    script = Script(create=[busy, prediction("succeeded", output="a")])
    client = scripted(colour, script)
    Clock(client)
    assert await got(client.run("me/model", timeout=20, wait=60)) == "a"
    first, second = [int(each.headers["prefer"].removeprefix("wait=")) for each in script.requests]
    assert first == 16
    assert 8 <= second <= 9
    assert second < script.requests[1].extensions["timeout"]["read"]
