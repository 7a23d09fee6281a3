"""Telling a create's own prediction from others: repeated responses, lists, and other programs."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import Clock, collect, connect, got, scripted
from support.faults import Faults, answer
from support.relay import DROP, Relay
from support.sample_models import Held, Script, prediction

from replicate import AmbiguousCreateError, PredictionTimeout
from replicate._jobs import create_registry as registry_module
from replicate._jobs import ownership, recovery
from replicate.local import Model, Server
from replicate.local import server as local_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOST = httpx.Response(502)
SOON = "2999-01-01T00:00:00Z"


def shout(text: str = "hi", times: int = 1) -> str:
    """Say it louder."""
    return text.upper() + "!" * times


@pytest.fixture
def place(held: Held) -> Iterator[Server]:
    def wait(text: str = "a") -> str:
        return held.text() + text

    models = {"me/official": Model(shout, official=True), "me/held": Model(wait, official=True)}
    with local_server(models, page_size=2) as srv:
        yield srv
        held.go.set()


# ---- repeated responses


class Repeating(Relay):
    """A cache that passes each create on, and answers all of them with the response to the first."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.first = b""

    def _hand_on(self, request: bytes, connection: socket.socket, fault: str | None) -> None:
        if not request.startswith(b"POST"):
            super()._hand_on(request, connection, fault)
            return
        near, far = socket.socketpair()
        with near, far:
            super()._hand_on(request, near, None)
            near.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := far.recv(65536):
                answer += chunk
        self.first = self.first or answer
        connection.sendall(self.first)


async def test_an_answer_that_is_repeated(clients: Any, place: Server) -> None:
    """The second call gets its own prediction, not the first one's, and no prediction runs unnoticed."""
    with Repeating(place.port) as relay:
        client = clients(place, base_url=relay.base_url)
        Clock(client)
        made = [await got(client.predictions.create("me/official", {"text": text}, wait=5)) for text in ("one", "two")]
        assert [each.input["text"] for each in made] == ["one", "two"]
        assert len({each.id for each in made}) == 2
        assert await got(client.run("me/official", {"text": "three"})) == "THREE!"
        assert await got(client.use("me/official")(text="four")) == "FOUR!"
        assert len(place.predictions) == relay.creates == 4


async def test_a_repeated_answer_without_a_prediction(clients: Any, place: Server) -> None:
    """If the list does not show the prediction of a repeated response, the create is ambiguous; the error says why."""
    with Repeating(place.port) as relay:
        client = clients(place, base_url=relay.base_url)
        Clock(client)
        first = await got(client.predictions.create("me/official", {"text": "one"}, wait=5))
        relay.faults = [relay.first]  # the create is not passed on
        with pytest.raises(AmbiguousCreateError, match=rf"its id, {first.id}, is another prediction's"):
            await got(client.predictions.create("me/official", {"text": "two"}, wait=5))


async def test_two_equal_creates_may_be_one(clients: Any, place: Server) -> None:
    """Two equal creates with the same response cannot be told from one."""
    with Repeating(place.port) as relay:
        client = clients(place, base_url=relay.base_url)
        both = [await got(client.predictions.create("me/official", {"text": "one"}, wait=5)) for _ in range(2)]
        assert both[0].id == both[1].id


@pytest.mark.parametrize("shown", [{}, {"text": "fixed"}], ids=["no input", "a fixed input"])
async def test_a_mock_with_one_id(colour: str, shown: dict[str, str]) -> None:
    """A mock transport may give every create the same id."""
    answer = prediction("succeeded", output="a", input=shown)
    client = scripted(colour, Script(create=[answer]))
    made = [await got(client.predictions.create("me/model", {"text": text})) for text in ("one", "two")]
    assert [each.id for each in made] == ["p1", "p1"]
    assert await got(client.run("me/model", {"text": "three"})) == "a"


@pytest.mark.parametrize("shown", [{}, {"seed": 1}, {"text": "*****"}], ids=["nothing", "what was added", "a mask"])
async def test_a_mock_server_with_one_id(colour: str, shown: dict[str, Any]) -> None:
    """A mock server may give every create the same id, unless its responses show other inputs."""
    body = httpx.Response(201, json=prediction("succeeded", output="a", input=shown)).content
    with Faults(answer("201 Created", body)) as server:
        client = connect(colour, base_url=server.base_url)
        for text in ("one", "two"):
            assert await got(client.run("me/model", {"text": text})) == "a"
        assert len(server.requests) == 2


# ---- found in a list


def found(colour: str, create: Any = LOST, *, exact: bool = True) -> tuple[Any, Script]:
    """Return a client whose create is lost, while another has the same inputs, or the same and more."""
    inputs = {"text": "a"} if exact else {"text": "a", "seed": 7}
    theirs = prediction("processing", created_at=SOON, input=inputs)
    canceled = {**theirs, "status": "canceled"}
    script = Script(create=[create], list=[{"results": [theirs]}], get=[theirs], cancel=[canceled])
    return scripted(colour, script), script


def canceled(script: Script) -> list[str]:
    return [each for each in script.asked if each.endswith("/cancel")]


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


async def waited(client: Any) -> Any:
    made = await got(client.predictions.create("me/model", {"text": "a"}))
    return await got(made.wait(timeout=30))


WAYS: dict[str, Callable[[Any], Any]] = {
    "run": lambda client: got(client.run("me/model", {"text": "a"}, timeout=30)),
    "use": lambda client: got(client.use("me/model", timeout=30, validate=False)(text="a")),
    "stream": lambda client: collect(client.stream("me/model", {"text": "a"}, timeout=30)),
    "create": waited,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("exact", [True, False])
async def test_a_deadline_cancels_no_other_prediction(colour: str, way: str, *, exact: bool) -> None:
    """A call at its deadline does not cancel a prediction that it has only found, as it may be another program's."""
    client, script = found(colour, exact=exact)
    Clock(client)
    with pytest.raises(PredictionTimeout, match="It goes on, and is charged for"):
        await WAYS[way](client)
    assert canceled(script) == []


async def test_another_program_s_goes_on(
    clients: Any, place: Server, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two programs with equal creates, the one whose create was lost does not cancel the other's prediction."""
    theirs = await got(clients(place).predictions.create("me/held", {"text": "a"}))
    monkeypatch.setattr(
        recovery, "create_registry", registry_module.CreateRegistry()
    )  # another program has its own registry
    monkeypatch.setattr(ownership, "create_registry", recovery.create_registry)
    with Relay(place.port, DROP) as relay:
        client = clients(place, base_url=relay.base_url)
        Clock(client)
        with pytest.raises(PredictionTimeout) as raised:
            await got(client.run("me/held", {"text": "a"}, wait=False, timeout=30))
        assert raised.value.prediction.id == theirs.id
    assert [each.status for each in place.predictions] == ["processing"]
    held.finish(place)
    assert [each.status for each in place.predictions] == ["succeeded"]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("stage", ["it waits", "it is looked for"])
async def test_an_interrupt_cancels_an_exact_match_only(
    colour: str, stage: str, caplog: pytest.LogCaptureFixture, *, exact: bool
) -> None:
    """An interrupt cancels a prediction that was found only if its inputs are exactly equal."""
    client, script = found(colour, LOST if stage == "it waits" else interrupt, exact=exact)
    Clock(client, interrupt)
    with caplog.at_level(logging.WARNING), pytest.raises(KeyboardInterrupt):
        await got(client.run("me/model", {"text": "a"}))
    assert canceled(script) == (["POST /predictions/p1/cancel"] if exact else [])
    if stage == "it is looked for" and not exact:
        assert "prediction p1 may be what an interrupted call has started, and goes on" in caplog.text


async def test_a_prediction_that_is_listed_twice(colour: str) -> None:
    """New predictions may move a match to the next page, where it is listed again. It is still returned."""
    made = prediction("succeeded", output="a", created_at=SOON)
    pages = [{"results": [made], "next": "https://api.replicate.com/v1/predictions?cursor=2"}, {"results": [made]}]
    client = scripted(colour, Script(create=[LOST], list=pages, get=[made]))
    Clock(client)
    assert await got(client.run("me/model", {})) == "a"


async def test_masked_inputs(colour: str) -> None:
    """Masked secrets and omitted inputs in the list do not count as differences."""
    made = prediction("succeeded", output="a", created_at=SOON, input={"key": "********"})
    client = scripted(colour, Script(create=[LOST], list=[{"results": [made]}], get=[made]))
    Clock(client)
    assert await got(client.run("me/model", {"key": "r8_secret", "text": "a"})) == "a"


def test_found_predictions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest predictions found in lists are forgotten if there are too many."""
    monkeypatch.setattr(registry_module, "REMEMBERED", 2)
    books = registry_module.CreateRegistry()
    for number in range(4):
        books.adopt(f"p{number}", exact=False)
    assert [books.may_cancel(f"p{number}", late=False) for number in range(4)] == [True, True, False, False]
