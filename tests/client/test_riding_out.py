"""Waiting for a prediction and reading a list survive transient failures."""

from __future__ import annotations

import json
import pickle
from contextlib import nullcontext
from typing import Any

import httpx
import pytest
from support.colours import Clock, collect, connect, got, scripted
from support.faults import CLOSE_READ, RESET_READ, SILENCE, Faults, answer, refusing_url
from support.sample_models import Script, model, prediction

from replicate import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    Prediction,
    PredictionTimeout,
    Training,
)
from replicate._jobs.wait import FAILURES

DONE = answer("200 OK", json.dumps(prediction("succeeded", output="done")).encode())
HTML = answer("200 OK", b"<html>Back soon</html>", "Content-Type: text/html")
TROUBLE: dict[str, bytes | str] = {
    "html": HTML,
    "nothing": answer("200 OK", b""),
    "500": answer("500 Internal Server Error"),
    "502": answer("502 Bad Gateway", b"<html>"),
    "408": answer("408 Request Timeout"),
    "429": answer("429 Too Many Requests", b'{"detail": "Your rate limit resets in ~7s."}'),
    "cut": answer("200 OK", b'{"id": ', "Content-Length: 900"),
    "reset": RESET_READ,
    "closed": CLOSE_READ,
    "silent": SILENCE,
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=list(TROUBLE))
@pytest.mark.parametrize("timeout", [None, 3600])
async def test_waiting_survives(colour: str, trouble: bytes | str, timeout: float | None) -> None:
    """Waiting returns the result after several failed polls in a row, also from the first poll on.

    This does not depend on the client's own retries.
    """
    then = answer("200 OK", json.dumps(prediction()).encode())
    read = 0.2 if trouble is SILENCE else 20
    with Faults(*[trouble] * 2, then, *[trouble] * 4, DONE) as server:
        client = connect(colour, base_url=server.base_url, timeout=httpx.Timeout(5, read=read), max_retries=0)
        clock = Clock(client)
        told = list[str]()
        found = await got(client.predictions.wait("p1", timeout=timeout, on_update=lambda now: told.append(now.status)))
        await got(client.close())
    assert (found.status, found.output) == ("succeeded", "done")
    assert told == ["starting", "succeeded"]
    assert server.connections == 8
    assert clock.time > 2


OTHERS: dict[str, Any] = {
    "another one": prediction("succeeded", id="p2", output="not yours"),
    "an empty object": {},
    "words": {"detail": "Back soon"},
    "nulls": dict.fromkeys(prediction()),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=list(OTHERS))
@pytest.mark.parametrize("way", ["run", "version", "wait", "id", "output_iterator", "training"])
async def test_a_poll_with_another_id(colour: str, other: Any, way: str) -> None:
    """A poll that returns another id, or none, is ignored, and the next one follows."""
    script = Script(model=[model()], create=[prediction()], get=[prediction("processing"), other, other])
    script.answers["get"].append(prediction("succeeded", output="mine"))
    client = scripted(colour, script)
    Clock(client)
    if way in ("run", "version"):
        assert await got(client.run("me/model" if way == "run" else "a" * 64, wait=False)) == "mine"
    elif way == "output_iterator":
        made = await got(client.predictions.create("v", {}))
        assert await collect(made.output_iterator()) == ["mine"]
    else:
        noun = client.trainings if way == "training" else client.predictions
        found = await got(noun.wait("p1") if way == "id" else (await got(noun.get("p1"))).wait())
        assert (found.id, found.output) == ("p1", "mine")
    assert script.answers["get"] == [prediction("succeeded", output="mine")]


async def test_a_single_response_with_another_id(colour: str) -> None:
    """Reload and cancel raise if the response has another id, and leave the prediction unchanged."""
    other = OTHERS["another one"]
    client = scripted(colour, Script(create=[prediction()], get=[other], cancel=[other]))
    made = await got(client.predictions.create("v", {}))
    for ask in (made.reload, made.cancel):
        with pytest.raises(APIResponseValidationError, match="its id is not p1"):
            await got(ask())
    assert (made.id, made.status) == ("p1", "starting")


async def test_a_poll_after_a_429_waits(colour: str) -> None:
    """After a 429, the next poll waits for as long as the API asks."""
    with Faults(answer("200 OK", json.dumps(prediction()).encode()), TROUBLE["429"], DONE) as server:
        client = connect(colour, base_url=server.base_url)
        clock = Clock(client)
        await got(client.predictions.wait("p1"))
        await got(client.close())
    assert 7 <= clock.time < 10


async def test_failing_polls_become_less_frequent(colour: str) -> None:
    """The pauses between failed polls grow to seconds, however short the poll interval was."""
    script = Script(get=[prediction(), httpx.Response(500)])
    client = scripted(colour, script)
    clock = Clock(client)
    with pytest.raises(PredictionTimeout):
        await got(client.predictions.wait("p1", timeout=60))
    assert clock.time == pytest.approx(60, abs=0.1)
    assert 8 <= len(script.asked) <= 20


async def test_lasting_failures_end_a_wait_without_a_timeout(colour: str) -> None:
    """Without a timeout, lasting failures end the wait with the API's error, with the prediction and how to go on."""
    script = Script(get=[prediction(), httpx.Response(200, html="<p>")])
    client = scripted(colour, script)
    clock = Clock(client)
    with pytest.raises(APIResponseValidationError, match=r"client.predictions.wait\('p1'\)") as raised:
        await got(client.predictions.wait("p1"))
    assert raised.value.prediction.id == "p1"
    assert len(script.asked) == 1 + FAILURES
    assert clock.time > 20


async def test_a_permanent_error_ends_the_wait(colour: str) -> None:
    """A permanent error, such as a 404, ends the wait at once, and carries the prediction's id."""
    for answers in ([prediction(), httpx.Response(404)], [httpx.Response(404)], [httpx.Response(401)]):
        for noun in ("predictions", "trainings"):
            script = Script(get=[*answers])
            client = scripted(colour, script)
            clock = Clock(client)
            with pytest.raises(APIStatusError) as raised:
                await got(getattr(client, noun).wait("p1", timeout=60))
            assert raised.value.status_code == answers[-1].status_code
            assert vars(raised.value)["prediction"].id == "p1"
            never = raised.value.status_code == 404 and len(answers) == 1
            notes = "\n".join(raised.value.__notes__)
            assert (f"may go on: client.{noun}.wait('p1') gives its result" in notes) is not never
            assert len(script.asked) == len(answers)
            assert clock.time < 1


async def test_a_prediction_that_is_never_seen(colour: str) -> None:
    """A wait in which every poll fails ends at its timeout, and the error carries the id."""
    client = scripted(colour, Script(get=[httpx.Response(502)]))
    clock = Clock(client)
    with pytest.raises(PredictionTimeout, match="p1") as raised:
        await got(client.predictions.wait("p1", timeout=60))
    assert raised.value.prediction.id == "p1"
    assert clock.time == pytest.approx(60, abs=0.1)


async def test_waits_share_a_pause(colour: str) -> None:
    """A pause that the API asks for applies to later waits with the same token, too."""
    refused = httpx.Response(429, headers={"Retry-After": "30"})
    script = Script(get=[prediction(), refused, prediction("succeeded"), prediction(), prediction("succeeded")])
    client = scripted(colour, script)
    clock = Clock(client)
    with pytest.raises(PredictionTimeout):
        await got(client.predictions.wait("p1", timeout=5))
    other = await got(client.predictions.get("p1"))
    assert other.status == "succeeded"
    assert clock.time == pytest.approx(5, abs=0.1)
    await got(client.predictions.wait("p1"))
    assert clock.time >= 30


@pytest.mark.parametrize("trouble", [value for name, value in TROUBLE.items() if name != "429"])
async def test_a_list_survives(colour: str, trouble: bytes | str) -> None:
    """A page of a list that fails or is not JSON is fetched again, whether the first one or a later one."""
    with Faults() as server:
        more = {"results": [{"id": "a"}], "next": f"{server.base_url}/predictions?cursor=2", "previous": None}
        last = {"results": [{"id": "b"}], "next": None, "previous": None}
        pages = [answer("200 OK", json.dumps(each).encode()) for each in (more, last)]
        server.behaviours[:] = [trouble, pages[0], trouble, pages[1]]
        read = 0.2 if trouble is SILENCE else 20
        client = connect(colour, base_url=server.base_url, timeout=httpx.Timeout(5, read=read))
        Clock(client)
        assert [each.id for each in await collect(await got(client.predictions.list()))] == ["a", "b"]
        await got(client.close())
    assert server.connections == 4


async def test_a_list_that_stays_in_trouble(colour: str) -> None:
    """After the retries, the error carries the cursor from which to go on."""
    more = {"results": [{"id": "a"}], "next": "https://api.replicate.com/v1/predictions?cursor=2", "previous": None}
    script = Script(list=[more, httpx.Response(200, html="<p>")])
    client = scripted(colour, script)
    Clock(client)
    with pytest.raises(APIResponseValidationError) as raised:
        await collect(await got(client.predictions.list()))
    assert raised.value.cursor == more["next"]
    assert len(script.asked) == 1 + 3


async def test_a_wait_that_never_connects(colour: str) -> None:
    """Without a timeout, a wait that never connects ends with an error."""
    client = connect(colour, base_url=refusing_url())
    Clock(client)
    with pytest.raises(APIConnectionError):
        await got(client.predictions.wait("p1"))
    await got(client.close())


async def test_a_timeout_names_the_last_failure(colour: str) -> None:
    """The timeout error names the status last seen and the last failure. It does not call that status current."""

    def gone(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    client = scripted(colour, Script(create=[prediction("processing")], get=[prediction("processing"), gone]))
    Clock(client)
    with pytest.raises(PredictionTimeout) as raised:
        await got(client.run("me/model", {}, wait=False, timeout=30, cancel_on_exit=False))
    error = raised.value
    assert str(error).startswith("Prediction p1 had not been seen to finish after 30 s. It was processing when it was")
    assert "connection refused" in str(error)
    assert "It may go on" in str(error.hint)
    assert pickle.loads(pickle.dumps(error)).message == error.message


@pytest.mark.parametrize("end", ["succeeded", "processing"])
async def test_a_create_that_takes_all_of_the_time(colour: str, end: str) -> None:
    """What had finished by the deadline is given, though the deadline passed before the first look."""
    script = Script(create=[prediction("processing")], get=[prediction(end, output="done")], cancel=[prediction()])

    def respond(request: httpx.Request) -> httpx.Response:
        clock.time += 31 * (script.asked == [])
        return script(request)

    client = scripted(colour, respond)
    clock = Clock(client)
    with nullcontext() if end == "succeeded" else pytest.raises(PredictionTimeout):
        assert await got(client.run("me/model", {}, timeout=30)) == "done"
    assert script.asked.count("GET /predictions/p1") == 1


@pytest.mark.parametrize("kind", [Prediction, Training])
async def test_a_subclass_is_of_the_same_kind(colour: str, kind: Any) -> None:
    """Errors call a prediction or a training of a program's own class what the API calls it."""
    own = type("Own", (kind,), {})
    noun = kind.__name__.lower()
    client = scripted(colour, Script(get=[httpx.Response(403)]))
    Clock(client)
    with pytest.raises(APIStatusError) as raised:
        await got(own.bind(prediction("processing"), client._session).wait())
    assert f"The {noun} may go on: client.{noun}s.wait('p1') gives its result." in str(raised.value.hint)
    late = PredictionTimeout(own.bind(prediction("processing"), client._session), 3)
    assert late.hint.endswith(
        f"wait for it with client.{noun}s.wait('p1'), or stop it with client.{noun}s.cancel('p1')."
    )
