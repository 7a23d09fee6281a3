"""A prediction costs money: it is started exactly once, or not at all, or the error says that it is not known."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.colours import Clock, got, scripted
from support.faults import CLOSE_READ, RESET_READ, SILENCE, Faults, answer, refusing_url
from support.sample_models import Script, model, prediction

from replicate import AmbiguousCreateError, APIConnectionError, APITimeoutError, NotFoundError, RateLimitError

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
    """When the request went out and what became of it is not known, the error says so, and what to do."""
    with Faults(fault) as api:
        client = clients(base_url=api.base_url, timeout=0.05 if fault is SILENCE else 20)
        Clock(client)
        with pytest.raises(AmbiguousCreateError, match=SAYS):
            await got(create(client, way))
        assert sum(request.startswith(b"POST") for request in api.requests) == 1


async def test_a_run_is_not_sent_again(colour: str) -> None:
    """`run` starts once, too: what follows the description is tried once."""
    script = Script(model=[model()], create=[httpx.Response(502)])
    client = scripted(colour, script)
    Clock(client)
    with pytest.raises(AmbiguousCreateError, match=SAYS):
        await got(client.run("me/model"))
    assert script.asked == ["GET /models/me/model", "POST /models/me/model/predictions", *["GET /predictions"] * 3]


@pytest.mark.parametrize("way", ["create", "create_official", "post"])
@pytest.mark.parametrize(
    "refusal",
    [httpx.Response(429, headers={"Retry-After": "3"}), httpx.ConnectError("refused"), httpx.ConnectTimeout("")],
)
async def test_what_was_refused_is_sent_again(colour: str, way: str, refusal: Any) -> None:
    """Where certainly nothing was started, it is tried again, after the time that was asked for."""

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


async def test_refusals_end(colour: str) -> None:
    """What is refused every time raises what it was refused with."""
    client = scripted(colour, Script(create=[httpx.Response(429, json={"detail": "slower", "retry_after": 2})]))
    Clock(client)
    with pytest.raises(RateLimitError, match="slower") as raised:
        await got(client.predictions.create("me/model", {}, max_retries=1))
    assert raised.value.retry_after == 2


async def test_nobody_listens(clients: Any) -> None:
    """A connection that is never made is an APIConnectionError, not an ambiguous one."""
    client = clients(base_url=refusing_url())
    clock = Clock(client)
    with pytest.raises(APIConnectionError, match="could not be reached"):
        await got(client.predictions.create("me/model", {}))
    assert len(clock.sleeps) == 2


async def test_a_low_level_post_is_not_sent_again(clients: Any) -> None:
    """`client.post` may be a create of any kind."""
    with Faults(RESET_READ) as api:
        client = clients(base_url=api.base_url)
        with pytest.raises(APIConnectionError, match="broke off"):
            await got(create(client, "post"))
        assert len(api.requests) == 1


async def test_a_read_is_sent_again(colour: str) -> None:
    """What only reads is tried again after any transient trouble."""
    script = Script(get=[httpx.Response(500), httpx.Response(429), prediction("succeeded")])
    client = scripted(colour, script)
    Clock(client)
    assert (await got(client.predictions.get("p1"))).status == "succeeded"
    assert len(script.requests) == 3


async def test_an_unreadable_answer_to_a_create_is_in_doubt(colour: str) -> None:
    """Success that is no prediction may be a proxy's: the error does not invite to try again."""
    script = Script(model=[model()], create=[httpx.Response(200, text="<html>Welcome</html>")])
    client = scripted(colour, script)
    Clock(client)
    with pytest.raises(AmbiguousCreateError, match=SAYS):
        await got(client.run("me/model"))
    assert script.asked == ["GET /models/me/model", "POST /models/me/model/predictions", *["GET /predictions"] * 3]


async def test_nothing_is_uploaded_for_a_model_that_does_not_exist(colour: str) -> None:
    """A model is looked up before its files are sent."""
    script = Script(model=[httpx.Response(404, json={"detail": "Not found.", "status": 404})])
    client = scripted(colour, script)
    with pytest.raises(NotFoundError):
        await got(client.run("me/model", {"file": bytes(300_000)}))
    assert script.asked == ["GET /models/me/model"]


@pytest.mark.parametrize(
    "answered", [httpx.Response(408), httpx.Response(201, json={"status": "starting"})], ids=["408", "no id"]
)
async def test_other_doubts(colour: str, answered: httpx.Response) -> None:
    """A request that timed out at the server, or a prediction without an id, may be running as well."""
    script = Script(model=[model()], create=[answered])
    client = scripted(colour, script)
    Clock(client)
    with pytest.raises(AmbiguousCreateError, match=SAYS):
        await got(client.run("me/model"))
    assert script.asked.count("POST /models/me/model/predictions") == 1


async def test_nothing_is_started_after_the_timeout(colour: str) -> None:
    """When looking up the model took all the time, the error says that nothing was started; and so it is."""

    def slow(request: httpx.Request) -> dict[str, Any]:
        clock.time += 6
        return model()

    script = Script(model=[slow], create=[prediction("succeeded", output="a")])
    client = scripted(colour, script)
    clock = Clock(client)
    with pytest.raises(APITimeoutError, match="nothing was started"):
        await got(client.run("me/model", timeout=5))
    assert script.asked == ["GET /models/me/model"]


async def test_a_retry_asks_to_wait_for_less(colour: str) -> None:
    """What is asked for with `Prefer` shrinks with the time left, for whatever asked for it and at each attempt."""
    busy = httpx.Response(429, headers={"Retry-After": "8"})
    script = Script(model=[model()], create=[busy, prediction("succeeded", output="a")])
    client = scripted(colour, script)
    Clock(client)
    assert await got(client.run("me/model", timeout=20, wait=60)) == "a"
    first, second = [int(each.headers["prefer"].removeprefix("wait=")) for each in script.requests[1:]]
    assert first == 16
    assert 8 <= second <= 9
    assert second < script.requests[2].extensions["timeout"]["read"]
