"""The number of requests of a call: the create first, lookups only where they decide something, none for mistakes."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from support.colours import Clock, collect, got, scripted
from support.sample_models import VERSION, Script, model, prediction

from replicate import (
    APIConnectionError,
    AuthenticationError,
    InputError,
    ModelError,
    NotFoundError,
    OutputIterator,
    PredictionTimeout,
    UnprocessableEntityError,
)
from replicate._models.descriptions import LATEST_LIVES

if TYPE_CHECKING:
    from collections.abc import Callable

DONE = prediction("succeeded", output="a")
NOT_FOUND = httpx.Response(404, json={"detail": "The requested resource could not be found.", "status": 404})
MODEL, CREATE, CREATE_BY_VERSION = "GET /models/me/model", "POST /models/me/model/predictions", "POST /predictions"
GET, GET_VERSION, UPLOAD = "GET /predictions/p1", f"{MODEL}/versions/{VERSION}", "POST /files"
WORDS = {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator"}
LARGE = b"x" * 300_000


def paths(asked: Any) -> list[str]:
    return [f"{request.method} {request.path.removeprefix('/v1')}" for request in asked()]


def version(output: Any = None) -> dict[str, Any]:
    """Return a version as the API would."""
    return {"id": VERSION, "openapi_schema": model(output=output)["latest_version"]["openapi_schema"]}


def raising(trouble: BaseException) -> Callable[[httpx.Request], httpx.Response]:
    def answer(_: httpx.Request) -> httpx.Response:
        raise trouble

    return answer


def taking(**inputs: Any) -> dict[str, Any]:
    """Return a model with these inputs."""
    made = model()
    made["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"] = {"properties": inputs}
    return made


# ---- by name


async def test_an_official_model_takes_one_request(client: Any, asked: Any) -> None:
    """`run` by name sends only the create, the first time too."""
    for text in ("a", "b", "c"):
        assert await got(client.run("me/official", {"text": text})) == f"{text.upper()}!"
    assert paths(asked) == ["POST /models/me/official/predictions"] * 3


async def test_a_list_of_an_official_model_takes_one_request(client: Any, asked: Any) -> None:
    """The output that an official model makes item by item comes in the response to the create, too."""
    assert str(await got(client.run("me/words", {"text": "one two"}))) == "one two "
    assert paths(asked) == ["POST /models/me/words/predictions"]


async def test_streaming_takes_the_create_and_the_stream(client: Any, asked: Any) -> None:
    """`stream` sends the create and opens the stream, without a lookup."""
    assert "".join(await collect(client.stream("me/words", input={"text": "a"}))) == "a "
    create, events = paths(asked)
    assert create == "POST /models/me/words/predictions"
    assert "/stream" in events


async def test_a_community_model_takes_three_requests_and_then_one(client: Any, asked: Any) -> None:
    """After the 404 of its name, a model's latest version is looked up, once for a client and its copies."""
    for one in (client, client, client.with_options(timeout=30)):
        assert await got(one.run("me/community", {"text": "a"})) == "A!"
    by_name = "POST /models/me/community/predictions"
    assert paths(asked) == [by_name, "GET /models/me/community", *["POST /predictions"] * 3]
    assert len({request.json["version"] for request in asked()[2:]}) == 1


async def test_a_use_takes_two_requests_and_then_one(client: Any, asked: Any) -> None:
    """`use` looks the model up before its first call."""
    official = client.use("me/official")
    for text in ("a", "b", "c"):
        assert await got(official(text=text)) == f"{text.upper()}!"
    create = "POST /models/me/official/predictions"
    assert paths(asked) == ["GET /models/me/official", create, create, create]


async def test_a_use_of_a_community_model_takes_as_many(client: Any, asked: Any) -> None:
    """`use` learns from the lookup that a community model runs by its version."""
    for text in ("a", "b"):
        assert await got(client.use("me/community")(text=text)) == f"{text.upper()}!"
    assert paths(asked) == ["GET /models/me/community", *["POST /predictions"] * 2]


async def test_run_uses_what_use_has_looked_up(client: Any, asked: Any) -> None:
    """`run` uses what `use` has looked up: it does not try a community model by its name."""
    assert await got(client.use("me/community")(text="a")) == "A!"
    assert await got(client.run("me/community", {"text": "a"})) == "A!"
    assert paths(asked) == ["GET /models/me/community", *["POST /predictions"] * 2]


async def test_the_latest_version_is_remembered_for_an_hour(colour: str) -> None:
    """After an hour the model is looked up again, as it may have a newer version."""
    script = Script(model=[model(official=False)], create=[NOT_FOUND, DONE, DONE, NOT_FOUND, DONE])
    client = scripted(colour, script)
    clock = Clock(client)
    for pause in (0.0, LATEST_LIVES - 60, 120.0):
        clock.time += pause
        assert await got(client.run("me/model")) == "a"
    first = [CREATE, MODEL, CREATE_BY_VERSION]
    assert script.asked == [*first, CREATE_BY_VERSION, *first]


async def test_a_response_of_another_version_drops_the_latest(colour: str) -> None:
    """If responses name another version than the lookup did, the model is looked up again, once."""
    newer = prediction("succeeded", output="a", version="c" * 64)
    script = Script(model=[model()], create=[newer])
    client = scripted(colour, script)
    for _ in range(4):
        assert await got(client.use("me/model")()) == "a"
    assert script.asked == [MODEL, CREATE, MODEL, CREATE, CREATE, CREATE]


async def test_an_official_model_that_is_refused_by_its_name(colour: str) -> None:
    """A 404 for the name decides, whatever the lookup says, and is remembered."""
    script = Script(model=[model(official=None)], create=[NOT_FOUND, DONE])
    client = scripted(colour, script)
    for _ in range(2):
        assert await got(client.use("me/model")(text="a")) == "a"
    assert script.asked == [MODEL, CREATE, CREATE_BY_VERSION, CREATE_BY_VERSION]
    assert VERSION in script.requests[-1].content.decode()


# ---- by version


@pytest.mark.parametrize("ref", [f"me/model:{VERSION}", VERSION])
async def test_a_version_takes_one_request(colour: str, ref: str) -> None:
    """A finished output that is no list is not from an iterator, so nothing is looked up."""
    script = Script(create=[DONE])
    client = scripted(colour, script)
    for _ in range(2):
        assert await got(client.run(ref)) == "a"
    assert script.asked == [CREATE_BY_VERSION, CREATE_BY_VERSION]


@pytest.mark.parametrize("ref", [f"me/model:{VERSION}", VERSION])
@pytest.mark.parametrize(
    ("output", "iterator"), [(WORDS, True), ({"type": "array", "items": {"type": "string"}}, False)]
)
async def test_a_version_whose_output_is_a_list_takes_two(
    colour: str, ref: str, output: Any, *, iterator: bool
) -> None:
    """The schema says whether a list is from an iterator. It is looked up once, for a bare id by the answer's model."""
    done = prediction("succeeded", output=["a", "b"], version=VERSION)
    script = Script(model=[version(output)], create=[done])
    client = scripted(colour, script)
    for _ in range(2):
        given = await got(client.run(ref))
        assert isinstance(given, OutputIterator) is iterator
        assert (await collect(given) if iterator else given) == ["a", "b"]
    assert script.asked == [CREATE_BY_VERSION, GET_VERSION, CREATE_BY_VERSION]


async def test_a_version_that_has_not_finished_is_looked_up(colour: str) -> None:
    """An unfinished version may be an iterator whose items are wanted as they come, so it is looked up."""
    script = Script(
        model=[version(WORDS)],
        create=[prediction("processing", output=["a"])],
        get=[prediction("succeeded", output=["a", "b"])],
    )
    client = scripted(colour, script)
    Clock(client)
    assert await collect(await got(client.run(f"me/model:{VERSION}"))) == ["a", "b"]
    assert script.asked == [CREATE_BY_VERSION, GET_VERSION, GET]


async def test_a_hidden_schema_is_looked_up_once(colour: str) -> None:
    """A version whose schema is hidden runs, its list stays a list, and it is looked up once."""
    script = Script(model=[NOT_FOUND], create=[prediction("succeeded", output=["a", "b"], version=VERSION)])
    client = scripted(colour, script)
    for _ in range(2):
        assert await got(client.run(f"me/model:{VERSION}")) == ["a", "b"]
    assert script.asked == [CREATE_BY_VERSION, GET_VERSION, CREATE_BY_VERSION]


async def test_a_known_iterator_is_not_held_back(colour: str) -> None:
    """For a version known as an iterator, no `Prefer` header is sent. An explicit `wait` is sent."""
    script = Script(model=[version(WORDS)], create=[prediction("succeeded", output=["a"], version=VERSION)])
    client = scripted(colour, script)
    for options in ({}, {}, {"wait": 7}):
        await collect(await got(client.run(f"me/model:{VERSION}", **options)))
    creates = [request for request in script.requests if request.method == "POST"]
    assert [request.headers.get("prefer") for request in creates] == ["wait", None, "wait=7"]


# ---- lookups never stop or change a call

TROUBLES: dict[str, Any] = {
    "500": httpx.Response(500),
    "401": httpx.Response(401, json={"detail": "no"}),
    "not found": NOT_FOUND,
    "no answer of the API's": httpx.Response(200, html="<p>"),
    "odd members": {"latest_version": {"id": 7, "openapi_schema": []}, "is_official": "no"},
    "a list": httpx.Response(200, json=[]),
    "late": raising(httpx.ReadTimeout("late")),
    "cut": raising(httpx.ReadError("cut")),
    "a mock that knows no such request": raising(AssertionError("no such request")),
    "any exception": raising(KeyError("odd")),
}
each_trouble = pytest.mark.parametrize("trouble", TROUBLES.values(), ids=list(TROUBLES))


@each_trouble
async def test_a_use_goes_on_without_a_description(colour: str, trouble: Any) -> None:
    """If the lookup of `use` fails in any way, the call is made without it."""
    script = Script(model=[trouble], create=[DONE])
    assert await got(scripted(colour, script, max_retries=0).use("me/model")(text="a")) == "a"
    assert script.asked == [MODEL, CREATE]


@each_trouble
async def test_a_version_goes_on_without_a_description(colour: str, trouble: Any) -> None:
    """If the lookup of a version fails, its list stays a list. The lookup is not retried."""
    script = Script(model=[trouble], create=[prediction("succeeded", output=["a"], version=VERSION)])
    assert await got(scripted(colour, script).run(f"me/model:{VERSION}")) == ["a"]
    assert script.asked == [CREATE_BY_VERSION, GET_VERSION]


@each_trouble
async def test_an_upload_goes_on_without_a_description(colour: str, trouble: Any) -> None:
    """If the lookup before an upload fails, the file is uploaded and the call is made."""
    stored = {"id": "f1", "urls": {"get": "https://api.replicate.com/v1/files/f1"}}
    script = Script(model=[trouble], create=[stored, DONE])
    assert await got(scripted(colour, script, max_retries=0).run("me/model", {"file": LARGE})) == "a"
    assert script.asked == [MODEL, UPLOAD, CREATE]


@pytest.mark.parametrize("trouble", [trouble for name, trouble in TROUBLES.items() if name != "odd members"])
async def test_a_404_is_raised_if_the_lookup_fails(colour: str, trouble: Any) -> None:
    """The error is the 404 of the create, and says what to check."""
    script = Script(model=[trouble], create=[NOT_FOUND])
    with pytest.raises(NotFoundError, match=r"There is no model me/model.*check the name") as raised:
        await got(scripted(colour, script, max_retries=0).run("me/model"))
    assert "base_url" not in str(raised.value.hint)
    assert script.asked == [CREATE, MODEL]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
async def test_an_interrupt_during_a_lookup(colour: str, interrupt: type[BaseException]) -> None:
    """An interrupt during a lookup ends the call and cancels its prediction."""
    if colour != "blocking":
        pytest.skip("event loops end by it")
    script = Script(
        model=[raising(interrupt())],
        create=[prediction("processing", version=VERSION)],
        cancel=[prediction("canceled")],
    )
    with pytest.raises(interrupt):
        await got(scripted(colour, script).run(f"me/model:{VERSION}"))
    assert script.asked == [CREATE_BY_VERSION, GET_VERSION, "POST /predictions/p1/cancel"]


async def test_a_lookup_takes_five_seconds_at_most(colour: str) -> None:
    """A lookup while the prediction runs has a timeout of five seconds."""

    def silent(request: httpx.Request) -> httpx.Response:
        clock.time += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("silence")

    script = Script(model=[silent], create=[prediction("succeeded", output=["a"], version=VERSION)])
    client = scripted(colour, script)
    clock = Clock(client)
    assert await got(client.run(f"me/model:{VERSION}")) == ["a"]
    assert clock.time == 5


async def test_the_deadline_holds_while_a_model_is_looked_up(colour: str) -> None:
    """The call's timeout also limits a lookup."""

    def silent(request: httpx.Request) -> httpx.Response:
        clock.time += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("silence")

    script = Script(
        model=[silent], create=[prediction(version=VERSION)], get=[prediction()], cancel=[prediction("canceled")]
    )
    client = scripted(colour, script)
    clock = Clock(client)
    with pytest.raises(PredictionTimeout):
        await got(client.run(f"me/model:{VERSION}", timeout=2))
    assert clock.time < 4


# ---- before an upload


async def test_a_short_file_takes_no_look_up(client: Any, asked: Any) -> None:
    """A short file is sent inside the create, without a lookup."""
    assert len(await got(client.run("me/digest", {"file": b"abc"}))) == 64
    assert paths(asked) == ["POST /models/me/digest/predictions"]


@pytest.mark.parametrize("way", ["run", "create"])
async def test_a_long_file_is_uploaded_for_a_model_that_is_known(client: Any, asked: Any, way: str) -> None:
    """Before a file is uploaded, its model is looked up, once."""
    for content in (LARGE, LARGE + b"x"):
        inputs = {"file": content}
        await got(
            client.run("me/digest", inputs)
            if way == "run"
            else client.predictions.create(model="me/digest", input=inputs, wait=True)
        )
    create = [UPLOAD, "POST /models/me/digest/predictions"]
    assert paths(asked) == ["GET /models/me/digest", *create, *create]


async def test_a_long_file_that_is_to_go_inside_takes_no_look_up(client: Any, asked: Any) -> None:
    """A long file that is sent inside the create needs no upload, so no lookup."""
    await got(client.run("me/digest", {"file": LARGE}, file_encoding_strategy="base64"))
    assert paths(asked) == ["POST /models/me/digest/predictions"]


async def test_an_array_may_be_a_picture(client: Any, asked: Any) -> None:
    """An array is an image or a list of numbers, and only the schema says which."""
    pixels = np.zeros((2, 2, 3), np.uint8)
    await got(client.run("me/negative", {"image": pixels}))
    assert paths(asked) == ["GET /models/me/negative", "POST /models/me/negative/predictions"]
    assert asked()[1].json["input"]["image"].startswith("data:image/png;base64,")


# ---- mistakes


async def test_an_unknown_model(client: Any, server: Any, asked: Any) -> None:
    """The error of an unknown model names it, and nothing is started."""
    with pytest.raises(NotFoundError, match=r"There is no model me/nothing.*check the name") as raised:
        await got(client.run("me/nothing", {"text": "a"}))
    assert raised.value.status == 404
    assert str(raised.value.hint).endswith(f": check the name, and base_url, which is {server.base_url}.")
    assert paths(asked) == ["POST /models/me/nothing/predictions", "GET /models/me/nothing"]


async def test_a_model_without_a_version_is_asked_again(colour: str) -> None:
    """A model without a version is looked up again, as it may have got one."""
    empty = {"owner": "me", "name": "model", "latest_version": None}
    script = Script(model=[empty, model()], create=[NOT_FOUND, NOT_FOUND, DONE])
    client = scripted(colour, script)
    with pytest.raises(NotFoundError, match=r"no official model me/model.*by a version"):
        await got(client.run("me/model"))
    assert await got(client.run("me/model")) == "a"


async def test_a_wrong_token_takes_one_request(clients: Any, server: Any, asked: Any) -> None:
    """A run ends at its first 401."""
    with pytest.raises(AuthenticationError, match="REPLICATE_API_TOKEN"):
        await got(clients(server, bearer_token="r8_wrong").run("me/official", {"text": "a"}))
    assert len(asked()) == 1


async def test_an_unreachable_api(colour: str) -> None:
    """If the API cannot be reached, the create is retried, and the error says that nothing was sent."""
    refuse = raising(httpx.ConnectError("refused"))
    script = Script(model=[refuse], create=[refuse])
    client = scripted(colour, script)
    Clock(client)
    with pytest.raises(APIConnectionError, match="could not be reached") as raised:
        await got(client.run("me/model"))
    assert not raised.value.sent
    assert script.asked == [CREATE] * 3


@pytest.mark.parametrize("way", ["run", "stream"])
@pytest.mark.parametrize(
    ("ref", "input", "options", "error", "says"),
    [
        ("me/official", {}, {"wait": 0}, ValueError, "1 to 60"),
        ("me/official", {}, {"wait": True, "prefer": "wait"}, TypeError, "prefer and wait|pass one"),
        ("me/official", {}, {"webook": "https://example.com"}, TypeError, "did you mean 'webhook'"),
        ("me/official", {}, {"use_file_outputs": False}, TypeError, "did you mean 'use_file_output'"),
        ("me/official", {}, {"timeout": 0}, ValueError, "positive"),
        ("me/official", {}, {"file_encoding_strategy": "gzip"}, ValueError, "base64"),
        ("me/official", "hi", {}, InputError, "not be str"),
        ("me/official", [("text", "hi")], {}, InputError, "not be list"),
        ("me/official", {"text": float("nan")}, {}, InputError, r"input\['text'\]"),
        ("me/official", {"text": [{"deep": float("inf")}]}, {}, InputError, r"input\['text'\]\[0\]\['deep'\]"),
        ("me/official", {1: "hi"}, {}, InputError, "keys must be str"),
        ("me/official", {"file": open}, {}, InputError, r"input\['file'\]"),
        ("official", {}, {}, ValueError, "owner/name"),
        (None, {}, {}, TypeError, "owner/name"),
    ],
)
async def test_mistakes_are_not_sent(
    client: Any, asked: Any, way: str, ref: Any, input: Any, options: Any, error: type[Exception], says: str
) -> None:
    """Arguments that are recognizably wrong raise before anything is sent."""
    with pytest.raises(error, match=says):
        await (
            got(client.run(ref, input, **options))
            if way == "run"
            else collect(client.stream(ref, input=input, **options))
        )
    assert not asked()


# ---- outdated cache entries


def versioned(named: str) -> dict[str, Any]:
    """Return a community model with another latest version."""
    found = model(official=False)
    found["latest_version"]["id"] = named
    return found


GONE = httpx.Response(422, json={"detail": "The specified version does not exist", "status": 422})


async def test_a_remembered_version_that_is_gone_is_looked_up_again(colour: str) -> None:
    """A remembered version that the API refuses is looked up again. The refused create costs nothing."""
    script = Script(model=[versioned("a" * 64), versioned("b" * 64)], create=[NOT_FOUND, DONE, GONE, DONE])
    client = scripted(colour, script)
    for _ in range(2):
        assert await got(client.run("me/model", {"text": "a"})) == "a"
    by_version = CREATE_BY_VERSION
    assert script.asked == [CREATE, MODEL, by_version, by_version, MODEL, by_version]
    assert b"b" * 64 in script.requests[-1].content


async def test_a_refusal_by_an_unchanged_model(colour: str) -> None:
    """If the model has not changed, the API's refusal of an input is raised after one lookup."""
    refused = httpx.Response(422, json={"detail": "text is too long", "status": 422})
    script = Script(model=[versioned("a" * 64)], create=[NOT_FOUND, DONE, refused])
    client = scripted(colour, script)
    assert await got(client.run("me/model", {"text": "a"})) == "a"
    with pytest.raises(UnprocessableEntityError, match="too long"):
        await got(client.run("me/model", {"text": "b"}))
    assert script.asked == [CREATE, MODEL, CREATE_BY_VERSION, CREATE_BY_VERSION, MODEL]


async def test_an_input_that_is_refused_is_refused_once(colour: str) -> None:
    """A 422 of an official model leads to no lookup, as it says nothing about versions."""
    refused = httpx.Response(422, json={"detail": "text is too long", "status": 422})
    script = Script(model=[model()], create=[refused])
    with pytest.raises(UnprocessableEntityError, match="too long"):
        await got(scripted(colour, script).run("me/model", {"text": "b"}))
    assert script.asked == [CREATE]


# ---- inputs that the model does not have


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"txet": "hi"}, "no input 'txet'; did you mean 'text'"),
        ({"colour": "red"}, "no input 'colour'; it has text, times"),
        ({"wait": 5}, r"no input 'wait'; wait= is an option of run\(\)"),
        ({"text": "hi", "Times": 2}, "no input 'Times'; did you mean 'times'"),
    ],
)
async def test_use_refuses_unknown_inputs(client: Any, asked: Any, inputs: Any, says: str) -> None:
    """`use` names a misspelled input and starts nothing. The API would ignore the input silently."""
    with pytest.raises(InputError, match=says):
        await got(client.use("me/official")(**inputs))
    assert paths(asked) == ["GET /models/me/official"]


@pytest.mark.parametrize("way", ["run", "stream", "create"])
async def test_run_stream_and_create_send_unknown_inputs(client: Any, asked: Any, way: str) -> None:
    """`run`, `stream` and `create` send unknown inputs, as programs send the same inputs to several models."""
    inputs = {"text": "a ", "colour": "red"}
    match way:
        case "run":
            await got(client.run("me/words", inputs))
        case "stream":
            await collect(client.stream("me/words", input=inputs))
        case _:
            await got(client.predictions.create(model="me/words", input=inputs))
    assert asked()[0].json["input"] == inputs


async def test_use_sends_unknown_inputs_without_validation(client: Any, asked: Any) -> None:
    """With `validate=False`, `use` sends unknown inputs."""
    assert await got(client.use("me/official", validate=False)(text="a", colour="red")) == "A!"
    assert asked()[-1].json["input"] == {"text": "a", "colour": "red"}


async def test_unknown_inputs_are_warned_of_once(client: Any, asked: Any) -> None:
    """An unknown input is warned of once per model and name, at the caller's line, if the schema is known."""
    assert await got(client.use("me/official")(text="a")) == "A!"
    with pytest.warns(UserWarning, match="me/official has no input 'txet'; did you mean 'text'") as caught:
        await got(client.run("me/official", {"txet": "b"}))
    await got(client.run("me/official", {"txet": "c"}))
    await got(client.predictions.create(model="me/official", input={"txet": "d"}))
    assert Path(caught[0].filename).name in ("test_request_counts.py", "colours.py")  # colours.py awaits the call


async def test_a_warning_that_is_an_error_ends_the_call_before_it(client: Any, asked: Any) -> None:
    """With `-W error` nothing is sent. With the filter of docs/migration.md the call is made."""
    assert await got(client.use("me/official")(text="a")) == "A!"
    before = len(asked())
    with warnings.catch_warnings(action="error"):
        with pytest.raises(UserWarning, match="no input 'txet'"):
            await got(client.run("me/official", {"txet": "b"}))
        assert len(asked()) == before
        warnings.filterwarnings("ignore", ".* has no input", UserWarning)
        await got(client.run("me/official", {"text": "b", "colour": "red"}))
    assert len(asked()) == before + 1


async def test_an_input_may_be_new(colour: str) -> None:
    """An input that the remembered schema does not have is refused only after another lookup."""
    script = Script(model=[taking(text={}), taking(text={}, seed={})], create=[DONE])
    client = scripted(colour, script)
    assert await got(client.use("me/model")(text="a")) == "a"
    assert await got(client.use("me/model")(text="a", seed=1)) == "a"
    assert script.asked == [MODEL, CREATE, MODEL, CREATE]
    with pytest.raises(InputError, match="no input 'sed'; did you mean 'seed'"):
        await got(client.use("me/model")(sed=1))
    assert script.asked[4:] == [MODEL]


@pytest.mark.parametrize("schema", [{}, {"properties": {}}, {"properties": {"a": {}}, "additionalProperties": True}, 7])
async def test_a_schema_that_says_nothing_refuses_nothing(colour: str, schema: Any) -> None:
    """A schema without usable properties refuses no input."""
    made = model()
    made["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"] = schema
    with warnings.catch_warnings(action="error"):
        assert await got(scripted(colour, Script(model=[made], create=[DONE])).use("me/model")(text="a")) == "a"


# ---- the type of a result does not depend on the cache


@pytest.mark.parametrize("output", [None, "text", {"a": 1}, 7, ["a"]])
@pytest.mark.parametrize("status", ["succeeded", "failed"])
async def test_a_version_returns_the_same_type_each_time(colour: str, output: Any, status: str) -> None:
    """A version's result has the same type, whether the version is known as an iterator or not."""
    script = Script(model=[version(WORDS)], create=[prediction(status, output=output, version=VERSION)])
    client, kinds = scripted(colour, script), []
    for _ in range(3):
        try:
            kinds.append(type(await got(client.run(f"me/model:{VERSION}"))))
        except ModelError as error:
            kinds.append(type(error))
    assert len({*kinds}) == 1, kinds


# ---- inputs that only look unknown


@pytest.mark.parametrize(
    ("schema", "inputs"),
    [
        ({"properties": {"self": {}}}, {"self": "x"}),
        ({"properties": {"ref": {}, "validate": {}, "streaming": {}}}, {"ref": "x", "validate": 1, "streaming": 2}),
        ({"properties": {"input": {"type": "object"}}}, {"input": {"a": 1}}),
        ({"properties": {"input": {"type": "object"}, "b": {}}}, {"input": {"b": "1"}}),
        ({"properties": {"a": {}}, "allOf": [{"$ref": "#/components/schemas/Base"}]}, {"b": 1}),
        ({"properties": {"a": {}}, "anyOf": [{"properties": {"b": {}}}]}, {"b": 1}),
        ({"properties": {"a": {}}, "patternProperties": {"^b": {}}}, {"b": 1}),
        ({"properties": {"a": {}}, "additionalProperties": {}}, {"b": 1}),
        ({"properties": {"a": {"type": "string", "format": "uri", "default": "none"}}}, {"a": "none"}),
        ({"properties": {"a": {"type": "string", "format": "uri", "enum": ["none"]}}}, {"a": "none"}),
    ],
)
async def test_inputs_that_the_schema_allows_are_sent_unchanged(colour: str, schema: Any, inputs: Any) -> None:
    """`use` refuses no input that the schema allows, whatever its name, and changes none."""
    made = model()
    made["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"] = schema
    script = Script(model=[made], create=[DONE])
    assert await got(scripted(colour, script).use("me/model")(**inputs)) == "a"
    assert json.loads(script.requests[-1].content) == {"input": inputs}
