"""How many requests a run takes, and that mistakes take none."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.colours import Clock, collect, got, scripted
from support.sample_models import VERSION, Script, model, prediction

from replicate import (
    APIConnectionError,
    APIResponseValidationError,
    APITimeoutError,
    AuthenticationError,
    NotFoundError,
    UnprocessableEntityError,
)

DONE = prediction("succeeded", output="a")
NOT_FOUND = httpx.Response(404, json={"detail": "The requested resource could not be found.", "status": 404})
MODEL, CREATE, CREATE_BY_VERSION = "GET /models/me/model", "POST /models/me/model/predictions", "POST /predictions"


def paths(asked: Any) -> list[str]:
    return [f"{request.method} {request.path.removeprefix('/v1')}" for request in asked()]


@pytest.mark.parametrize("way", ["run", "use"])
async def test_an_official_model_takes_two_requests_and_then_one(client: Any, asked: Any, way: str) -> None:
    """The first run describes the model and starts it; each one after that only starts it."""
    for text in ("a", "b", "c"):
        call = client.run("me/official", {"text": text}) if way == "run" else client.use("me/official")(text=text)
        assert await got(call) == f"{text.upper()}!"
    create = "POST /models/me/official/predictions"
    assert paths(asked) == ["GET /models/me/official", create, create, create]


async def test_a_community_model_takes_as_many(client: Any, asked: Any) -> None:
    """The description names the version to run, once for the life of a client and those derived from it."""
    for one in (client, client, client.with_options(timeout=30)):
        assert await got(one.run("me/community", {"text": "a"})) == "A!"
    assert paths(asked) == ["GET /models/me/community", *["POST /predictions"] * 3]
    assert len({request.json["version"] for request in asked()[1:]}) == 1


async def test_what_kind_a_model_is_may_show_at_the_first_attempt(colour: str) -> None:
    """Where the description does not say whether a model is official, a 404 does; that is remembered."""
    script = Script(model=[model(official=None)], create=[NOT_FOUND, DONE])
    client = scripted(colour, script)
    for _ in range(2):
        assert await got(client.run("me/model", {"text": "a"})) == "a"
    assert script.asked == [MODEL, CREATE, CREATE_BY_VERSION, CREATE_BY_VERSION]
    assert VERSION in script.requests[-1].content.decode()


@pytest.mark.parametrize("schema", ["known", "hidden"])
async def test_a_version_is_described_once(colour: str, schema: str) -> None:
    """A named version is run as it is, also if its schema may not be seen."""
    described: Any = NOT_FOUND if schema == "hidden" else {"id": VERSION, "openapi_schema": {"components": {}}}
    script = Script(model=[described], create=[DONE])
    client = scripted(colour, script)
    for _ in range(2):
        assert await got(client.run(f"me/model:{VERSION}")) == "a"
    assert script.asked == [f"{MODEL}/versions/{VERSION}", CREATE_BY_VERSION, CREATE_BY_VERSION]


async def test_a_bare_version_takes_one_request(colour: str) -> None:
    """The id alone names no model that could be described."""
    script = Script(create=[DONE])
    assert await got(scripted(colour, script).run(VERSION)) == "a"
    assert script.asked == [CREATE_BY_VERSION]


async def test_there_is_no_such_model(client: Any, server: Any, asked: Any) -> None:
    """The error names the model, and nothing is started or uploaded."""
    with pytest.raises(NotFoundError, match=r"There is no model me/nothing.*check the name") as raised:
        await got(client.run("me/nothing", {"file": b"abc"}))
    assert raised.value.status == 404
    assert paths(asked) == ["GET /models/me/nothing"]


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (httpx.Response(200, html="<p>"), APIResponseValidationError),
        (httpx.ReadTimeout("late"), APITimeoutError),
        (httpx.ReadError("cut"), APIConnectionError),
    ],
)
async def test_nothing_is_started_where_the_api_does_not_answer(colour: str, trouble: Any, error: Any) -> None:
    """Who cannot be asked about a model is not sent an input, let alone charged work."""

    def describe(request: httpx.Request) -> httpx.Response:
        if isinstance(trouble, Exception):
            raise trouble
        return trouble

    script = Script(model=[describe], create=[DONE])
    with pytest.raises(error):
        await got(scripted(colour, script, max_retries=0).run("me/model", {"text": "a"}))
    assert script.asked == [MODEL]


async def test_a_model_runs_without_being_described(colour: str) -> None:
    """Trouble with the description does not keep a model from running, once, and it is asked for the next time."""
    script = Script(model=[httpx.Response(500)], create=[DONE])
    client = scripted(colour, script, max_retries=0)
    assert await got(client.run("me/model", {"text": "a"})) == "a"
    assert script.asked == [MODEL, CREATE]
    script.answers["model"] = [model()]
    assert await got(client.run("me/model", {"text": "a"})) == "a"
    assert await got(client.run("me/model", {"text": "a"})) == "a"
    assert script.asked == [MODEL, CREATE, MODEL, CREATE, CREATE]


async def test_a_model_that_cannot_be_found_out_about(colour: str) -> None:
    """Where neither description nor version is there, the 404 says what could be done."""
    script = Script(model=[httpx.Response(500)], create=[NOT_FOUND])
    with pytest.raises(NotFoundError, match=r"no official model me/model.*by a version"):
        await got(scripted(colour, script, max_retries=0).run("me/model"))
    assert script.asked == [MODEL, CREATE]


async def test_a_model_without_a_version_is_asked_again(colour: str) -> None:
    """A model may get its first version at any time."""
    script = Script(model=[{"owner": "me", "name": "model", "latest_version": None}, model()], create=[NOT_FOUND, DONE])
    client = scripted(colour, script)
    with pytest.raises(NotFoundError):
        await got(client.run("me/model"))
    assert await got(client.run("me/model")) == "a"


async def test_a_refusal_is_not_trouble(clients: Any, server: Any, asked: Any) -> None:
    """A wrong token ends a run at its first request."""
    with pytest.raises(AuthenticationError, match="REPLICATE_API_TOKEN"):
        await got(clients(server, bearer_token="r8_wrong").run("me/official", {"text": "a"}))
    assert len(asked()) == 1


async def test_an_unreachable_api(colour: str) -> None:
    """Without a connection both requests are tried, and the error says that nothing was reached."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    script = Script(model=[refuse], create=[refuse])
    client = scripted(colour, script)
    Clock(client)
    with pytest.raises(APIConnectionError, match="could not be reached") as raised:
        await got(client.run("me/model"))
    assert not raised.value.sent


@pytest.mark.parametrize("way", ["run", "stream"])
@pytest.mark.parametrize(
    ("ref", "input", "options", "error", "says"),
    [
        ("me/official", {}, {"wait": 0}, ValueError, "1 to 60"),
        ("me/official", {}, {"wait": True, "prefer": "wait"}, TypeError, "pass one"),
        ("me/official", {}, {"webook": "https://example.com"}, TypeError, "did you mean 'webhook'"),
        ("me/official", {}, {"use_file_outputs": False}, TypeError, "did you mean 'use_file_output'"),
        ("me/official", {}, {"timeout": 0}, ValueError, "positive"),
        ("me/official", {}, {"file_encoding_strategy": "gzip"}, ValueError, "base64"),
        ("me/official", "hi", {}, TypeError, "not be str"),
        ("me/official", [("text", "hi")], {}, TypeError, "not be list"),
        ("me/official", {"text": float("nan")}, {}, ValueError, r"input\['text'\]"),
        ("me/official", {"text": [{"deep": float("inf")}]}, {}, ValueError, r"input\['text'\]\[0\]\['deep'\]"),
        ("me/official", {1: "hi"}, {}, TypeError, "keys must be str"),
        ("me/official", {"file": open}, {}, TypeError, r"input\['file'\]"),
        ("official", {}, {}, ValueError, "owner/name"),
        (None, {}, {}, TypeError, "owner/name"),
    ],
)
async def test_mistakes_are_not_sent(
    client: Any, asked: Any, way: str, ref: Any, input: Any, options: Any, error: type[Exception], says: str
) -> None:
    """What is wrong here is raised before anything is asked of the API."""
    with pytest.raises(error, match=says):
        await (
            got(client.run(ref, input, **options))
            if way == "run"
            else collect(client.stream(ref, input=input, **options))
        )
    assert not asked()


def versioned(version: str) -> dict[str, Any]:
    """Give a community model with another latest version."""
    found = model(official=False)
    found["latest_version"]["id"] = version
    return found


async def test_a_remembered_version_that_is_gone_is_looked_up_again(colour: str) -> None:
    """What is remembered of a model ends where the API refuses it; a refusal is not charged."""
    gone = httpx.Response(422, json={"detail": "The specified version does not exist", "status": 422})
    script = Script(model=[versioned("a" * 64), versioned("b" * 64)], create=[DONE, gone, DONE])
    client = scripted(colour, script)
    assert await got(client.run("me/model", {"text": "a"})) == "a"
    assert await got(client.run("me/model", {"text": "a"})) == "a"
    assert script.asked == [MODEL, CREATE_BY_VERSION, CREATE_BY_VERSION, MODEL, CREATE_BY_VERSION]
    assert b"b" * 64 in script.requests[-1].content


async def test_a_refusal_without_news_stands(colour: str) -> None:
    """An input that the API refuses is refused once, after a look whether the model has changed."""
    refused = httpx.Response(422, json={"detail": "text is too long", "status": 422})
    script = Script(model=[versioned("a" * 64)], create=[DONE, refused])
    client = scripted(colour, script)
    assert await got(client.run("me/model", {"text": "a"})) == "a"
    with pytest.raises(UnprocessableEntityError, match="too long"):
        await got(client.run("me/model", {"text": "a"}))
    assert script.asked == [MODEL, CREATE_BY_VERSION, CREATE_BY_VERSION, MODEL]


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"txet": "a"}, "has no input 'txet'; did you mean 'text'?"),
        ({"text": "a", "timeout": 3}, r"has no input 'timeout'; timeout= is an option of run\(\) and use\(\)"),
        ({"prompt": "a"}, "has no input 'prompt'; it has text, times"),
    ],
)
async def test_an_input_that_the_model_does_not_have(client: Any, asked: Any, inputs: Any, says: str) -> None:
    """The API would leave out a misspelt input without a word; here it is named, and nothing is started."""
    with pytest.raises(TypeError, match=says):
        await got(client.use("me/official")(**inputs))
    assert paths(asked) == ["GET /models/me/official"]


async def test_a_model_may_get_another_input(colour: str) -> None:
    """An input that the remembered schema does not have may be new: the model is looked up again first."""
    old, new = model(), model()
    old["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"] = {"properties": {"text": {}}}
    new["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"] = {"properties": {"text": {}, "seed": {}}}
    script = Script(model=[old, new], create=[DONE])
    client = scripted(colour, script)
    assert await got(client.run("me/model", {"text": "a"})) == "a"
    assert await got(client.run("me/model", {"text": "a", "seed": 1})) == "a"
    assert script.asked == [MODEL, CREATE, MODEL, CREATE]
