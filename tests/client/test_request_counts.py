"""How many requests a call takes: the create first, look-ups only where they decide something; mistakes take none."""

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
    """Give a version as the API would."""
    return {"id": VERSION, "openapi_schema": model(output=output)["latest_version"]["openapi_schema"]}


def raising(trouble: BaseException) -> Callable[[httpx.Request], httpx.Response]:
    def answer(_: httpx.Request) -> httpx.Response:
        raise trouble

    return answer


def taking(**inputs: Any) -> dict[str, Any]:
    """Give a model with these inputs."""
    made = model()
    made["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"] = {"properties": inputs}
    return made


# ---- by name


async def test_an_official_model_takes_one_request(client: Any, asked: Any) -> None:
    """`run` by name sends the create and nothing else, the first time too."""
    for text in ("a", "b", "c"):
        assert await got(client.run("me/official", {"text": text})) == f"{text.upper()}!"
    assert paths(asked) == ["POST /models/me/official/predictions"] * 3


async def test_a_list_of_an_official_model_takes_one_request(client: Any, asked: Any) -> None:
    """What a model makes item by item comes in the answer to the create as well."""
    assert str(await got(client.run("me/words", {"text": "one two"}))) == "one two "
    assert paths(asked) == ["POST /models/me/words/predictions"]


async def test_streaming_takes_the_create_and_the_stream(client: Any, asked: Any) -> None:
    """`stream` looks nothing up either."""
    assert "".join(await collect(client.stream("me/words", input={"text": "a"}))) == "a "
    create, events = paths(asked)
    assert create == "POST /models/me/words/predictions"
    assert "/stream" in events


async def test_a_community_model_takes_three_requests_and_then_one(client: Any, asked: Any) -> None:
    """The 404 of its name says that it goes by a version: the latest is looked up, once for a client and its copies."""
    for one in (client, client, client.with_options(timeout=30)):
        assert await got(one.run("me/community", {"text": "a"})) == "A!"
    by_name = "POST /models/me/community/predictions"
    assert paths(asked) == [by_name, "GET /models/me/community", *["POST /predictions"] * 3]
    assert len({request.json["version"] for request in asked()[2:]}) == 1


async def test_a_use_takes_two_requests_and_then_one(client: Any, asked: Any) -> None:
    """`use` describes the model before its first call."""
    official = client.use("me/official")
    for text in ("a", "b", "c"):
        assert await got(official(text=text)) == f"{text.upper()}!"
    create = "POST /models/me/official/predictions"
    assert paths(asked) == ["GET /models/me/official", create, create, create]


async def test_a_use_of_a_community_model_takes_as_many(client: Any, asked: Any) -> None:
    """The description says that it goes by a version."""
    for text in ("a", "b"):
        assert await got(client.use("me/community")(text=text)) == f"{text.upper()}!"
    assert paths(asked) == ["GET /models/me/community", *["POST /predictions"] * 2]


async def test_what_use_has_learned_serves_run(client: Any, asked: Any) -> None:
    """A model that was described is not tried by its name, if it goes by a version."""
    assert await got(client.use("me/community")(text="a")) == "A!"
    assert await got(client.run("me/community", {"text": "a"})) == "A!"
    assert paths(asked) == ["GET /models/me/community", *["POST /predictions"] * 2]


async def test_the_latest_version_is_believed_for_an_hour(colour: str) -> None:
    """Then the model is asked for anew: it may have a newer one."""
    script = Script(model=[model(official=False)], create=[NOT_FOUND, DONE, DONE, NOT_FOUND, DONE])
    client = scripted(colour, script)
    clock = Clock(client)
    for pause in (0.0, LATEST_LIVES - 60, 120.0):
        clock.time += pause
        assert await got(client.run("me/model")) == "a"
    first = [CREATE, MODEL, CREATE_BY_VERSION]
    assert script.asked == [*first, CREATE_BY_VERSION, *first]


async def test_an_answer_of_another_version_takes_the_latest_back(colour: str) -> None:
    """A model whose answers name another version than its description is described anew, once."""
    newer = prediction("succeeded", output="a", version="c" * 64)
    script = Script(model=[model()], create=[newer])
    client = scripted(colour, script)
    for _ in range(4):
        assert await got(client.use("me/model")()) == "a"
    assert script.asked == [MODEL, CREATE, MODEL, CREATE, CREATE, CREATE]


async def test_an_official_model_that_is_refused_by_its_name(colour: str) -> None:
    """A 404 decides, whatever the description says; that is remembered."""
    script = Script(model=[model(official=None)], create=[NOT_FOUND, DONE])
    client = scripted(colour, script)
    for _ in range(2):
        assert await got(client.use("me/model")(text="a")) == "a"
    assert script.asked == [MODEL, CREATE, CREATE_BY_VERSION, CREATE_BY_VERSION]
    assert VERSION in script.requests[-1].content.decode()


# ---- by version


@pytest.mark.parametrize("ref", [f"me/model:{VERSION}", VERSION])
async def test_a_version_takes_one_request(colour: str, ref: str) -> None:
    """One whose output is there, and no list, is no iterator: there is nothing to look up."""
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
    """Whether it is an iterator its schema says, which is looked up once; a bare version by the answer's model."""
    done = prediction("succeeded", output=["a", "b"], version=VERSION)
    script = Script(model=[version(output)], create=[done])
    client = scripted(colour, script)
    for _ in range(2):
        given = await got(client.run(ref))
        assert isinstance(given, OutputIterator) is iterator
        assert (await collect(given) if iterator else given) == ["a", "b"]
    assert script.asked == [CREATE_BY_VERSION, GET_VERSION, CREATE_BY_VERSION]


async def test_a_version_that_has_not_finished_is_looked_up(colour: str) -> None:
    """It may be an iterator, whose items are wanted as they come."""
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
    """A version that is not shown runs all the same, and its list is a list."""
    script = Script(model=[NOT_FOUND], create=[prediction("succeeded", output=["a", "b"], version=VERSION)])
    client = scripted(colour, script)
    for _ in range(2):
        assert await got(client.run(f"me/model:{VERSION}")) == ["a", "b"]
    assert script.asked == [CREATE_BY_VERSION, GET_VERSION, CREATE_BY_VERSION]


async def test_a_known_iterator_is_not_held_back(colour: str) -> None:
    """Once a version is known to make its output item by item, the API answers at once; a `wait` is sent as given."""
    script = Script(model=[version(WORDS)], create=[prediction("succeeded", output=["a"], version=VERSION)])
    client = scripted(colour, script)
    for options in ({}, {}, {"wait": 7}):
        await collect(await got(client.run(f"me/model:{VERSION}", **options)))
    creates = [request for request in script.requests if request.method == "POST"]
    assert [request.headers.get("prefer") for request in creates] == ["wait", None, "wait=7"]


# ---- look-ups never stop or change a call

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
    """Whatever goes wrong with the look-up, the call is made as if there had been none."""
    script = Script(model=[trouble], create=[DONE])
    assert await got(scripted(colour, script, max_retries=0).use("me/model")(text="a")) == "a"
    assert script.asked == [MODEL, CREATE]


@each_trouble
async def test_a_version_goes_on_without_a_description(colour: str, trouble: Any) -> None:
    """The list of a version that cannot be looked up is a list; it is asked for once, without retries."""
    script = Script(model=[trouble], create=[prediction("succeeded", output=["a"], version=VERSION)])
    assert await got(scripted(colour, script).run(f"me/model:{VERSION}")) == ["a"]
    assert script.asked == [CREATE_BY_VERSION, GET_VERSION]


@each_trouble
async def test_an_upload_goes_on_without_a_description(colour: str, trouble: Any) -> None:
    """So does a call with a long file."""
    stored = {"id": "f1", "urls": {"get": "https://api.replicate.com/v1/files/f1"}}
    script = Script(model=[trouble], create=[stored, DONE])
    assert await got(scripted(colour, script, max_retries=0).run("me/model", {"file": LARGE})) == "a"
    assert script.asked == [MODEL, UPLOAD, CREATE]


@pytest.mark.parametrize("trouble", [trouble for name, trouble in TROUBLES.items() if name != "odd members"])
async def test_a_404_stands_where_nothing_can_be_found_out(colour: str, trouble: Any) -> None:
    """The error is that of the create, and says what to check."""
    script = Script(model=[trouble], create=[NOT_FOUND])
    with pytest.raises(NotFoundError, match=r"There is no model me/model.*check the name") as raised:
        await got(scripted(colour, script, max_retries=0).run("me/model"))
    assert "base_url" not in str(raised.value.hint)
    assert script.asked == [CREATE, MODEL]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
async def test_an_interrupt_is_no_trouble(colour: str, interrupt: type[BaseException]) -> None:
    """What is no Exception ends the call, and cancels what it has started."""
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


async def test_a_look_up_that_holds_up_a_prediction_takes_five_seconds_at_most(colour: str) -> None:
    """The prediction runs meanwhile."""

    def silent(request: httpx.Request) -> httpx.Response:
        clock.time += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("silence")

    script = Script(model=[silent], create=[prediction("succeeded", output=["a"], version=VERSION)])
    client = scripted(colour, script)
    clock = Clock(client)
    assert await got(client.run(f"me/model:{VERSION}")) == ["a"]
    assert clock.time == 5


async def test_the_deadline_holds_while_a_model_is_looked_up(colour: str) -> None:
    """The look-up has no more time than the call."""

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
    """What goes inside the request costs nothing to send."""
    assert len(await got(client.run("me/digest", {"file": b"abc"}))) == 64
    assert paths(asked) == ["POST /models/me/digest/predictions"]


@pytest.mark.parametrize("way", ["run", "create"])
async def test_a_long_file_is_uploaded_for_a_model_that_is_known(client: Any, asked: Any, way: str) -> None:
    """A model is looked up, once, before a file is uploaded for it."""
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
    """Nothing is uploaded then."""
    await got(client.run("me/digest", {"file": LARGE}, file_encoding_strategy="base64"))
    assert paths(asked) == ["POST /models/me/digest/predictions"]


async def test_an_array_may_be_a_picture(client: Any, asked: Any) -> None:
    """Only the schema tells an array that is a picture from one that is a list of numbers."""
    pixels = np.zeros((2, 2, 3), np.uint8)
    await got(client.run("me/negative", {"image": pixels}))
    assert paths(asked) == ["GET /models/me/negative", "POST /models/me/negative/predictions"]
    assert asked()[1].json["input"]["image"].startswith("data:image/png;base64,")


# ---- mistakes


async def test_there_is_no_such_model(client: Any, server: Any, asked: Any) -> None:
    """The error names the model, and nothing is started."""
    with pytest.raises(NotFoundError, match=r"There is no model me/nothing.*check the name") as raised:
        await got(client.run("me/nothing", {"text": "a"}))
    assert raised.value.status == 404
    assert str(raised.value.hint).endswith(f": check the name, and base_url, which is {server.base_url}.")
    assert paths(asked) == ["POST /models/me/nothing/predictions", "GET /models/me/nothing"]


async def test_a_model_without_a_version_is_asked_again(colour: str) -> None:
    """A model may get its first version at any time."""
    empty = {"owner": "me", "name": "model", "latest_version": None}
    script = Script(model=[empty, model()], create=[NOT_FOUND, NOT_FOUND, DONE])
    client = scripted(colour, script)
    with pytest.raises(NotFoundError, match=r"no official model me/model.*by a version"):
        await got(client.run("me/model"))
    assert await got(client.run("me/model")) == "a"


async def test_a_wrong_token_takes_one_request(clients: Any, server: Any, asked: Any) -> None:
    """A run ends at its first refusal."""
    with pytest.raises(AuthenticationError, match="REPLICATE_API_TOKEN"):
        await got(clients(server, bearer_token="r8_wrong").run("me/official", {"text": "a"}))
    assert len(asked()) == 1


async def test_an_unreachable_api(colour: str) -> None:
    """Without a connection the create is tried again, and the error says that nothing was reached."""
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
    """What is wrong here is raised before anything is asked of the API."""
    with pytest.raises(error, match=says):
        await (
            got(client.run(ref, input, **options))
            if way == "run"
            else collect(client.stream(ref, input=input, **options))
        )
    assert not asked()


# ---- what is remembered may be out of date


def versioned(named: str) -> dict[str, Any]:
    """Give a community model with another latest version."""
    found = model(official=False)
    found["latest_version"]["id"] = named
    return found


GONE = httpx.Response(422, json={"detail": "The specified version does not exist", "status": 422})


async def test_a_remembered_version_that_is_gone_is_looked_up_again(colour: str) -> None:
    """What is remembered of a model ends where the API refuses it; a refusal is not charged."""
    script = Script(model=[versioned("a" * 64), versioned("b" * 64)], create=[NOT_FOUND, DONE, GONE, DONE])
    client = scripted(colour, script)
    for _ in range(2):
        assert await got(client.run("me/model", {"text": "a"})) == "a"
    by_version = CREATE_BY_VERSION
    assert script.asked == [CREATE, MODEL, by_version, by_version, MODEL, by_version]
    assert b"b" * 64 in script.requests[-1].content


async def test_a_refusal_without_news_stands(colour: str) -> None:
    """An input that the API refuses is refused once, after a look whether the model has changed."""
    refused = httpx.Response(422, json={"detail": "text is too long", "status": 422})
    script = Script(model=[versioned("a" * 64)], create=[NOT_FOUND, DONE, refused])
    client = scripted(colour, script)
    assert await got(client.run("me/model", {"text": "a"})) == "a"
    with pytest.raises(UnprocessableEntityError, match="too long"):
        await got(client.run("me/model", {"text": "b"}))
    assert script.asked == [CREATE, MODEL, CREATE_BY_VERSION, CREATE_BY_VERSION, MODEL]


async def test_an_input_that_is_refused_is_refused_once(colour: str) -> None:
    """A 422 of an official model says nothing of its versions."""
    refused = httpx.Response(422, json={"detail": "text is too long", "status": 422})
    script = Script(model=[model()], create=[refused])
    with pytest.raises(UnprocessableEntityError, match="too long"):
        await got(scripted(colour, script).run("me/model", {"text": "b"}))
    assert script.asked == [CREATE]


# ---- inputs that a model does not have


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"txet": "hi"}, "no input 'txet'; did you mean 'text'"),
        ({"colour": "red"}, "no input 'colour'; it has text, times"),
        ({"wait": 5}, r"no input 'wait'; wait= is an option of run\(\)"),
        ({"text": "hi", "Times": 2}, "no input 'Times'; did you mean 'times'"),
    ],
)
async def test_use_refuses_them(client: Any, asked: Any, inputs: Any, says: str) -> None:
    """The API would leave out a misspelt input without a word; here it is named, and nothing is started."""
    with pytest.raises(InputError, match=says):
        await got(client.use("me/official")(**inputs))
    assert paths(asked) == ["GET /models/me/official"]


@pytest.mark.parametrize("way", ["run", "stream", "create"])
async def test_others_send_them(client: Any, asked: Any, way: str) -> None:
    """`run`, `stream` and `create` send what they are given: programs send one set of inputs to every model."""
    inputs = {"text": "a ", "colour": "red"}
    match way:
        case "run":
            await got(client.run("me/words", inputs))
        case "stream":
            await collect(client.stream("me/words", input=inputs))
        case _:
            await got(client.predictions.create(model="me/words", input=inputs))
    assert asked()[0].json["input"] == inputs


async def test_use_sends_them_if_told_to(client: Any, asked: Any) -> None:
    """`validate=False` leaves it to the API."""
    assert await got(client.use("me/official", validate=False)(text="a", colour="red")) == "A!"
    assert asked()[-1].json["input"] == {"text": "a", "colour": "red"}


async def test_they_are_warned_of_once_where_the_schema_is_remembered(client: Any, asked: Any) -> None:
    """One warning a model and name; it points at the caller's line."""
    assert await got(client.use("me/official")(text="a")) == "A!"
    with pytest.warns(UserWarning, match="me/official has no input 'txet'; did you mean 'text'") as caught:
        await got(client.run("me/official", {"txet": "b"}))
    await got(client.run("me/official", {"txet": "c"}))
    await got(client.predictions.create(model="me/official", input={"txet": "d"}))
    assert Path(caught[0].filename).name in ("test_request_counts.py", "colours.py")  # which awaits it


async def test_a_warning_that_is_an_error_ends_the_call_before_it(client: Any, asked: Any) -> None:
    """Under `-W error` nothing is sent; with the filter of docs/migration.md, the call goes on."""
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
    """An input that the remembered schema does not have is refused only after another look at the model."""
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
    """An odd schema never blocks."""
    made = model()
    made["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"] = schema
    with warnings.catch_warnings(action="error"):
        assert await got(scripted(colour, Script(model=[made], create=[DONE])).use("me/model")(text="a")) == "a"


# ---- what is given back depends on nothing that is remembered


@pytest.mark.parametrize("output", [None, "text", {"a": 1}, 7, ["a"]])
@pytest.mark.parametrize("status", ["succeeded", "failed"])
async def test_a_version_gives_the_same_each_time(colour: str, output: Any, status: str) -> None:
    """Whether the version is known to give its output item by item or not, what comes is of one type."""
    script = Script(model=[version(WORDS)], create=[prediction(status, output=output, version=VERSION)])
    client, kinds = scripted(colour, script), []
    for _ in range(3):
        try:
            kinds.append(type(await got(client.run(f"me/model:{VERSION}"))))
        except ModelError as error:
            kinds.append(type(error))
    assert len({*kinds}) == 1, kinds


# ---- what only looks like an input that there is not


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
async def test_what_a_schema_allows_is_sent_as_it_is(colour: str, schema: Any, inputs: Any) -> None:
    """`use` refuses nothing that the schema allows, whatever an input is called, and changes nothing."""
    made = model()
    made["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"] = schema
    script = Script(model=[made], create=[DONE])
    assert await got(scripted(colour, script).use("me/model")(**inputs)) == "a"
    assert json.loads(script.requests[-1].content) == {"input": inputs}
