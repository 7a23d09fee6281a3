"""Trainings: all forms of creating one, exactly once, and following it."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from support.colours import Clock, got, scripted

from replicate import AmbiguousCreateError, PredictionTimeout

INPUT = {"data": "https://example.com/data.zip"}
OUTPUT = {"version": "me/mine:abc", "weights": "https://example.com/weights"}


def training(status: str = "starting", **members: Any) -> dict[str, Any]:
    """Return a training as the API would."""
    return {"id": "t1", "model": "o/n", "version": "v", "status": status, "input": {}, "logs": "", **members}


class Server:
    """Responds with trainings in order, and repeats the last one."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.requests = list(answers or [training()]), list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer if isinstance(answer, httpx.Response) else httpx.Response(201, json=answer)


@pytest.mark.parametrize(
    ("positional", "words"),
    [
        (("o/n:v", INPUT, "me/mine"), {}),
        (("o/n:v", "me/mine", INPUT), {}),
        (("o/n:v", INPUT), {"destination": ("me", "mine")}),
        (("o/n:v",), {"input": INPUT, "destination": SimpleNamespace(owner="me", name="mine")}),
        (("o/n", "v", INPUT), {"destination": "me/mine"}),
        (("o/n", "v", INPUT, "me/mine"), {}),
        ((("o", "n"), SimpleNamespace(id="v"), INPUT, "me/mine"), {}),
        ((), {"version": "o/n:v", "input": INPUT, "destination": "me/mine"}),
        ((), {"model": "o/n", "version": "v", "input": INPUT, "destination": "me/mine"}),
        ((), {"model": ("o", "n"), "version": SimpleNamespace(id="v"), "input": INPUT, "destination": "me/mine"}),
        ((), {"model_owner": "o", "model_name": "n", "version_id": "v", "input": INPUT, "destination": "me/mine"}),
    ],
    ids=repr,
)
async def test_every_form_of_creating_one(colour: str, positional: Any, words: Any) -> None:
    """Version, input and destination are given in the order or with the keywords of any version."""
    server = Server()
    made = await got(scripted(colour, server).trainings.create(*positional, **words))
    [request] = server.requests
    assert (request.method, request.url.path) == ("POST", "/v1/models/o/n/versions/v/trainings")
    assert json.loads(request.read()) == {"destination": "me/mine", "input": INPUT}
    assert (made.id, made.finished) == ("t1", False)


async def test_webhooks_by_position_and_files(colour: str) -> None:
    """Webhooks follow the destination, as in version 1; files in the input are encoded, as for a prediction."""
    server = Server()
    create = scripted(colour, server).trainings.create
    hooks = ("https://a.test", "https://b.test", ["completed"])
    await got(create("o/n:v", {"file": io.BytesIO(b"abc")}, "me/mine", *hooks, file_encoding_strategy="base64"))
    assert json.loads(server.requests[0].read()) == {
        "destination": "me/mine",
        "input": {"file": "data:application/octet-stream;base64,YWJj"},
        "webhook": "https://a.test",
        "webhook_completed": "https://b.test",
        "webhook_events_filter": ["completed"],
    }


@pytest.mark.parametrize(
    ("positional", "words", "error", "says"),
    [
        ((), {"version": "o/n:v", "destination": "me/mine"}, TypeError, "input is missing"),
        (("o/n:v", INPUT), {}, TypeError, "destination is missing"),
        ((INPUT,), {"destination": "me/mine"}, TypeError, "version is missing"),
        (("o/n", INPUT), {"destination": "me/mine"}, TypeError, "version is missing"),
        ((), {"version": "o/n", "input": INPUT, "destination": "me/mine"}, TypeError, "version is missing"),
        ((), {"version": "v", "input": INPUT, "destination": "me/mine"}, TypeError, "model is missing"),
        (("o/n:v", INPUT, "me/mine"), {"input": INPUT}, TypeError, "input is given more than once"),
        (("o/n:v", INPUT, "me/mine"), {"destination": "a/b"}, TypeError, "destination is given more than once"),
        (("o/n:v", INPUT, "me/mine"), {"model": "o/n"}, TypeError, "model is given more than once"),
        (("o/n:v", INPUT, "me/mine", "a", "b", "c", "d"), {}, TypeError, "at most version, destination"),
        (("o/n:v", INPUT, "me/mine"), {"webook": "x"}, TypeError, "did you mean 'webhook'"),
        (("o/n:v", INPUT, "me/mine"), {"wait": True}, TypeError, "unexpected keyword argument 'wait'"),
        pytest.param(("o/n:v", {"a": object()}, "me/mine"), {}, TypeError, "'a'", id="an object"),
    ],
    ids=repr,
)
async def test_invalid_arguments_are_not_sent(
    colour: str, positional: Any, words: Any, error: type[Exception], says: str
) -> None:
    """Missing, duplicate, unknown and invalid arguments are named, and nothing is sent."""
    server = Server()
    with pytest.raises(error, match=says):
        await got(scripted(colour, server).trainings.create(*positional, **words))
    assert server.requests == []


async def test_a_training_is_created_once(colour: str) -> None:
    """A create whose result is unknown is not repeated, and the error says where to look."""
    server = Server(httpx.Response(500, json={"detail": "oops"}))
    client = scripted(colour, server)
    Clock(client)
    with pytest.raises(AmbiguousCreateError, match=r"whether the training was started.*client\.trainings\.list"):
        await got(client.trainings.create("o/n:v", INPUT, "me/mine"))
    assert [each.method for each in server.requests].count("POST") == 1


async def test_following_a_training(colour: str) -> None:
    """A training is waited for, reloaded and canceled in place, and has its destination."""
    server = Server(training(), training("processing"), training("succeeded", output=OUTPUT))
    client = scripted(colour, server)
    Clock(client)
    made = await got(client.trainings.get("t1"))
    assert made.destination is None
    assert await got(made.wait()) is made
    assert (made.status, made.finished, made.destination, made.output["version"]) == (
        "succeeded", True, "me/mine", "me/mine:abc",
    )  # fmt: skip
    assert await got(made.reload()) is made
    assert await got(made.cancel()) is made
    assert server.requests[-1].url.path == "/v1/trainings/t1/cancel"
    assert (await got(client.trainings.wait(training=made))).id == "t1"
    assert (await got(client.trainings.wait(training_id="t1"))).id == "t1"


async def test_waiting_ends_at_its_timeout(colour: str) -> None:
    """The error names the training, and says how to continue."""
    client = scripted(colour, Server(training("processing")))
    Clock(client)
    with pytest.raises(PredictionTimeout, match=r"Training t1 is still processing.*client\.trainings\.wait\('t1'\)"):
        await got(client.trainings.wait("t1", timeout=3))


async def test_a_destination_of_the_api(colour: str) -> None:
    """A destination in the response takes precedence."""
    client = scripted(colour, Server(training(destination="me/other", output=OUTPUT)))
    assert (await got(client.trainings.get("t1"))).destination == "me/other"


async def test_a_derived_destination_is_in_the_data(colour: str) -> None:
    """If the response has no destination, `dict()`, `json()` and items have the derived one, like the attribute."""
    made = await got(scripted(colour, Server(training("succeeded", output=OUTPUT))).trainings.get("t1"))
    for data in (made.dict(), dict(made), json.loads(made.json()), made.to_dict(), made.model_dump()):
        assert data["destination"] == made.destination == made["destination"] == "me/mine"
    assert type(made)(**made.dict()) == made
    assert "destination='me/mine'" in repr(made)
    early = await got(scripted(colour, Server(training())).trainings.get("t1"))
    assert (early.dict()["destination"], "destination" in early.to_dict()) == (None, False)
