"""Odd values of each kind that answers have been seen to hold, or could: what becomes of them."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from support.colours import Clock, collect, connect, got, leaves_streams, scripted
from support.faults import Faults, answer
from support.sample_models import VERSION, Script, model, model_or_version, prediction

from replicate import (
    AmbiguousCreateError,
    InputError,
    Prediction,
    PredictionTimeout,
    ReplicateError,
    ReplicateException,
    ServerSentEvent,
    async_paginate,
    paginate,
)
from replicate._json import parse
from replicate._models.reference import is_name
from replicate._objects.cursors import EMPTY
from replicate_api.types import DEEPEST, MalformedResponse, decode

pytestmark = leaves_streams

NINES = "9" * 5000
FAR = 100_000


def wrapped(text: str, depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + text + closing * depth


def depth_of(value: Any) -> tuple[int, Any]:
    """Return how deeply lists and objects with one item are nested, and what is in the innermost."""
    depth = 0
    while isinstance(value, list | dict):
        depth, value = depth + 1, next(iter(value.values() if isinstance(value, dict) else value), None)
    return depth, value


def sent(data: Any) -> httpx.Response:
    """Return a response that may hold any text."""
    return httpx.Response(200, content=json.dumps(data))


def content(**members: str) -> bytes:
    """Return a prediction that has succeeded, with members given as JSON text."""
    rest = json.dumps(prediction("succeeded"))[:-1]
    return f"{rest}, {', '.join(f'{json.dumps(name)}: {text}' for name, text in members.items())}}}".encode()


# ---- JSON


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (f'{{"a": {NINES}, "b": -{NINES}, "c": 1}}', {"a": NINES, "b": f"-{NINES}", "c": 1}),
        (f'["{NINES}", 0.{NINES}, 1e-5]', [NINES, 1.0, 1e-5]),
        (f'[{NINES}, "\\"{NINES}, [", -{NINES}.5]', [NINES, f'"{NINES}, [', float("-inf")]),
        ("[1e400, -Infinity]", [float("inf"), float("-inf")]),
        (r'"\ud800"', "\ud800"),
        ('{"a": 1, "a": 2}', {"a": 2}),
        (f'["{"[" * 1000}", "\\"[{{"]', ["[" * 1000, '"[{']),
        (json.dumps([[[]]] * 500 + [{"a": {}}] * 500), [[[]]] * 500 + [{"a": {}}] * 500),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_json_that_python_cannot_hold(text: str, value: Any) -> None:
    """An int of too many digits is its text; everything else stays what it is. So it is in every encoding of JSON."""
    assert parse(text) == value
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32-be"):
        assert parse(text.encode(encoding)) == value


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a": ', "}"), ('[{"a": [', "]}]")], ids=repr)
@pytest.mark.parametrize("times", [1, 60, 67, 199, 200, 201, 900, FAR])
def test_json_that_is_nested_deeply(opening: str, closing: str, times: int) -> None:
    """What is nested too deeply is the text of its JSON."""
    levels = sum(each in "[{" for each in opening)
    value = parse(f'{{"id": "p1", "other": 1, "deep": {wrapped("0", times, opening, closing)}}}')
    assert (value["id"], value["other"]) == ("p1", 1)
    depth, innermost = depth_of(value["deep"])
    assert depth == min(times * levels, DEEPEST - 1)
    assert innermost == 0 or (innermost[0] in "[{" and len(innermost) > (times * levels - DEEPEST) * 2)
    if times <= 201 and innermost != 0:
        assert depth + depth_of(json.loads(innermost))[0] == times * levels


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        wrapped("", 900, closing=""),
        wrapped("", FAR, closing=""),
        f'["{"[" * 9}',
        '["' + r"\"" * FAR,
        "\\" * FAR,
        NINES + "x",
    ],
    ids=lambda text: text[:9],
)
def test_what_is_no_json(text: str) -> None:
    """What is not JSON is a ValueError, quickly, however long it is."""
    with pytest.raises(ValueError):  # noqa: PT011 - Python's own texts
        parse(text)
    with pytest.raises(MalformedResponse):
        decode(text.encode(), list)


@pytest.mark.parametrize("value", [None, 5, [b"a"]])
def test_what_is_no_text(value: Any) -> None:
    with pytest.raises(TypeError):
        Prediction.model_validate_json(value)
    assert Prediction.model_validate_json(bytearray(b'{"id": "p1"}')).id == "p1"


@pytest.mark.parametrize(
    "output",
    [wrapped("1", 900), wrapped("1", FAR), wrapped("1", FAR, '{"a": ', "}"), NINES, "[1e400, NaN]", r'["\ud800"]'],
    ids=lambda text: text[:9],
)
async def test_a_result_is_never_lost(colour: str, output: str) -> None:
    """Whatever a model has returned, the call returns, and the prediction can be copied, pickled, shown and dumped."""
    body = content(output=output, error="null")
    client = scripted(colour, lambda _: httpx.Response(201, content=body))
    result = await got(client.run("me/model", {}))
    expected = repr(parse(body)["output"])
    assert repr(result) == expected
    made = await got(client.predictions.create(VERSION, {}))
    for other in (made, copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert repr(other.output) == expected
        assert other.id == json.loads(other.to_json())["id"] == json.loads(other.json())["id"] == "p1"
        assert "p1" in repr(other) + other._repr_mimebundle_()["text/html"]


# ---- ids and states


NAMELESS: list[Any] = [None, 5, True, [], {}, "", " ", ".", "..", "a/b", "../account", "\ud800"]


@pytest.mark.parametrize("odd", NAMELESS, ids=ascii)
async def test_an_odd_id_is_never_part_of_a_path(colour: str, odd: Any) -> None:
    """A create whose answer has no usable id is searched for. Objects without one do not request anything."""
    assert not is_name(odd)
    page = {"results": [{**prediction(id=odd), "created_at": "2999-01-01T00:00:00Z"}]}
    script = Script(create=[sent(prediction(id=odd))], list=[sent(page)], get=[{}], cancel=[{}])
    client = scripted(colour, script)
    Clock(client)
    with pytest.raises(AmbiguousCreateError):
        await got(client.run("me/model", {"a": 1}, timeout=60))
    assert {*script.asked} == {"POST /models/me/model/predictions", "GET /predictions"}
    listed = (await got(client.predictions.list())).results[0]
    before = len(script.asked)
    for method in (listed.reload, listed.cancel, listed.wait):
        with pytest.raises(ReplicateError):
            await got(method())
    for call in (client.predictions.get, client.predictions.cancel, client.trainings.get):
        with pytest.raises(InputError) as raised:
            await got(call(listed))
        assert isinstance(raised.value, TypeError)
        assert isinstance(raised.value, ValueError)
    assert script.asked[before:] == []


@pytest.mark.parametrize("odd", NAMELESS, ids=ascii)
async def test_an_odd_name_of_a_model(colour: str, odd: Any) -> None:
    """A model or a deployment without a usable name requests nothing."""
    script = Script(model=[sent({**model(), "owner": odd})])
    client = scripted(colour, script)
    found = await got(client.models.get("me/model"))
    for call in (
        found.reload,
        lambda: found.versions,
        lambda: client.models.versions.list(found),
        lambda: client.models.readme.get(found),
        lambda: client.models.predictions.create(found, {}),
        lambda: client.run(found, {}),
        lambda: client.use(found),
    ):
        with pytest.raises(InputError):
            await got(call())
    assert script.asked == ["GET /models/me/model"]


@pytest.mark.parametrize("odd", [None, 1, [], {}, [["succeeded"]], "", "SUCCEEDED", "queued", float("nan")], ids=repr)
async def test_an_odd_status_is_not_final(colour: str, odd: Any) -> None:
    """A prediction with a status that is unknown goes on: it is polled until it ends, and canceled if it is left."""
    text = json.dumps(prediction(odd))
    script = Script(
        create=[lambda _: httpx.Response(201, content=text)],
        get=[lambda _: httpx.Response(200, content=text), prediction("succeeded", output="done")],
        cancel=[prediction("canceled")],
    )
    client = scripted(colour, script)
    Clock(client)
    assert await got(client.run("me/model", {})) == "done"
    script.answers["get"] = [lambda _: httpx.Response(200, content=text)]
    with pytest.raises(PredictionTimeout) as raised:
        await got(client.run("me/model", {}, timeout=5))
    assert raised.value.prediction.id == "p1"
    assert script.asked[-1] == "POST /predictions/p1/cancel"


# ---- streams


STREAMED = f"https://stream.test/{'x' * 20}"


@pytest.mark.parametrize(
    "odd",
    [None, 5, [], {}, "", "..", "/predictions", "ftp://a.test/x", "https:///x", "https://\ud800.test/"],
    ids=ascii,
)
async def test_an_odd_url_of_a_stream(colour: str, odd: Any) -> None:
    """A prediction whose stream has no usable URL is polled."""
    schema = {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator"}
    script = Script(
        model=[model_or_version(output=schema)],
        create=[sent(prediction("processing", urls={"stream": odd}))],
        get=[prediction("succeeded", output=["a", "b"])],
    )
    client = scripted(colour, script)
    Clock(client)
    assert [str(each) for each in await collect(client.stream("me/model", {}))] == ["a", "b", ""]
    assert await collect(await got(client.run(f"me/model:{VERSION}", {}))) == ["a", "b"]
    assert not [asked for asked in script.asked if "predictions" not in asked and "model" not in asked]


EVENTS = [
    "event: output\nid: \u4e2d\u00e4\ndata: a\n\n",
    "event: output\nid: \x1b\x7f\ndata: a\n\n",
    f"retry: {'9' * 400}\nevent: output\nid: 1\ndata: a\n\n",
    f"retry: {'9' * 18}\nevent: output\nid: 1\ndata: a\n\n",
    f"event: output\nid: {'x' * 100_000}\ndata: a\n\n",
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: ascii(event)[:30])
async def test_an_odd_event_before_a_break(colour: str, event: str) -> None:
    """A stream that breaks off after an event is resumed, or else the prediction is polled: over real connections."""
    rest = "event: output\nid: 2\ndata: b\n\nevent: done\ndata: {}\n\n"

    def respond(request: bytes) -> bytes:
        if b"/stream " not in request:
            urls = {"stream": f"{server.origin}/stream"}
            made = prediction("succeeded" if request.startswith(b"GET") else "processing", output=["a", "b"], urls=urls)
            return answer("200 OK", json.dumps(made).encode(), "Content-Type: application/json")
        text = rest if b"last-event-id" in request.lower() else event
        return answer("200 OK", text.encode(), "Content-Type: text/event-stream")

    with Faults(respond) as server:
        client = connect(colour, base_url=server.base_url, allow_private_hosts=True)
        Clock(client)
        made = await got(client.predictions.get("p1"))
        made.status = "processing"
        events = await collect(made.stream())
        assert "".join(events) == "ab"
        assert events[-1].event == "done"
        await got(client.close())


@pytest.mark.parametrize(
    "data",
    [
        wrapped("", 900),
        wrapped("", FAR),
        wrapped("", FAR, closing=""),
        NINES,
        f'{{"reason": {NINES}}}',
        '{"reason": {}}',
        r'{"reason": "\ud800"}',
        "5",
        "",
    ],
    ids=lambda text: text[:15],
)
async def test_an_odd_end_of_a_stream(colour: str, data: str) -> None:
    """The data of `done` may be anything: a failure is what it says, if it says so."""
    stream = f"event: output\nid: 1\ndata: a\n\nevent: done\ndata: {data}\n\n"
    script = Script(
        create=[prediction("processing", urls={"stream": STREAMED})],
        get=[
            lambda request: (
                httpx.Response(200, content=stream)
                if request.url.host == "stream.test"
                else httpx.Response(200, json=prediction("succeeded", output=["a"]))
            )
        ],
    )
    client = scripted(colour, script)
    Clock(client)
    events: list[ServerSentEvent] = []
    if "reason" not in data:
        await collect(client.stream("me/model", {}), events)
    else:
        with pytest.raises(ReplicateException) as raised:
            await collect(client.stream("me/model", {}), events)
        assert raised.value.prediction.id == "p1"
        assert str(raised.value).isprintable()
    assert [str(each.event) for each in events] == ["output", "done"]


# ---- lists


def endless(request: httpx.Request) -> httpx.Response:
    """Return a page without items, and another one after it."""
    number = int(request.url.params.get("cursor", 0)) + 1
    following = str(request.url.copy_set_param("cursor", number))
    return httpx.Response(200, json={"results": [], "next": following, "previous": None})


async def test_pages_without_items_come_to_an_end(colour: str) -> None:
    """A list that goes on without any items is given up after some pages. The error says where it can go on."""
    asked: list[httpx.Request] = []
    client = scripted(colour, lambda request: asked.append(request) or endless(request))
    page = await got(client.predictions.list())
    pages = paginate if colour == "blocking" else async_paginate
    for call in (lambda: page, page.iter_pages, client.models.list, lambda: pages(client.predictions.list)):
        asked.clear()
        with pytest.raises(ReplicateError, match="100 pages in a row had no items") as raised:
            await collect(call())
        assert EMPTY - 1 <= len(asked) <= EMPTY
        assert raised.value.cursor is not None
        again = await got(client.predictions.list(raised.value.cursor))
        assert again.next.endswith(str(EMPTY + 1))


async def test_pages_without_items_are_passed_over(colour: str) -> None:
    """Pages without items are no reason to stop before the last page, unless they are many in a row."""

    def respond(request: httpx.Request) -> httpx.Response:
        page = endless(request).json()
        number = int(page["next"].rpartition("=")[2])
        results = [{"id": str(number)}] if number % EMPTY == 0 else []
        return httpx.Response(200, json={**page, "results": results, "next": page["next"] if number < 300 else None})

    items = await collect(await got(scripted(colour, respond).predictions.list()))
    assert [each.id for each in items] == ["100", "200", "300"]


@pytest.mark.parametrize(
    "odd", [5, True, [1], {"a": 1}, "..", "a/b", "ftp://a.test", "https:///x", "/\ud800"], ids=ascii
)
async def test_an_odd_next_page(colour: str, odd: Any) -> None:
    """A page whose `next` is no URL has its items, and is not followed."""
    asked: list[httpx.Request] = []
    text = json.dumps({"results": [prediction()], "next": odd, "previous": odd})
    client = scripted(colour, lambda request: asked.append(request) or httpx.Response(200, content=text))
    page = await got(client.predictions.list())
    pages = paginate if colour == "blocking" else async_paginate
    assert (len(page), page.next) == (1, odd)
    for call in (lambda: page, page.iter_pages):
        with pytest.raises(ReplicateError):
            await collect(call())
    for call in (page.get_next_page, lambda: client.predictions.list(page.next)):
        with pytest.raises(ReplicateException):
            await got(call())
    assert len(asked) == 1
    with pytest.raises(ReplicateException):
        await collect(pages(client.predictions.list))
    assert len(asked) == 2


async def test_items_that_are_no_objects(colour: str) -> None:
    """What is in a list and no object stays what it is."""
    odd = [None, 5, "a", [], {"sku": "cpu", "name": {}}]
    client = scripted(
        colour, lambda request: httpx.Response(200, json=odd if "hardware" in str(request.url) else {"results": odd})
    )
    for items in (await got(client.hardware.list()), (await got(client.models.list())).results):
        assert items[:4] == odd[:4]
        assert items[4].to_dict() == odd[4]


# ---- outputs, times and texts


@pytest.mark.parametrize(
    ("output", "shape"),
    [
        (None, ""),
        ("abc", "abc"),
        (["a", None, 5, {}], "a5{}"),
        (1.5, 1.5),
        (True, True),
        ({"a": ["b"]}, {"a": ["b"]}),
        ([], ""),
    ],
    ids=repr,
)
async def test_a_text_in_pieces_that_is_none(colour: str, output: Any, shape: Any) -> None:
    """A model of `use` whose schema promises pieces of a text returns another output as it is."""
    schema = {
        "type": "array",
        "items": {"type": "string"},
        "x-cog-array-type": "iterator",
        "x-cog-array-display": "concatenate",
    }
    client = scripted(colour, Script(model=[model(output=schema)], create=[prediction("succeeded", output=output)]))
    assert await got(client.use("me/model")()) == shape


@pytest.mark.parametrize("odd", ["NaN", r'"\ud800"', "[1e400]", wrapped("1", 900)], ids=ascii)
async def test_an_output_that_cannot_be_sent(colour: str, odd: str) -> None:
    """The output of a prediction that JSON cannot express is an InputError as an input, or is sent as it came."""
    client = scripted(colour, lambda _: httpx.Response(200, content=content(output=odd)))
    made = await got(client.predictions.get("p1"))
    if odd.startswith("[["):
        assert (await got(client.run("me/model", {"a": made}))) == made.output
        return
    with pytest.raises(InputError, match=r"input\['a'\]"):
        await got(client.run("me/model", {"a": made}))


FIRST, LAST = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"


@pytest.mark.parametrize("odd", [FIRST, LAST, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_times_at_the_ends(colour: str, odd: str) -> None:
    """Times that Python can just express can be used, also where something is added to them."""
    members = {name: json.dumps(odd) for name in ("created_at", "started_at", "completed_at")}
    body = content(output='["https://replicate.delivery/a.png"]', **members)
    client = scripted(colour, lambda _: httpx.Response(200, content=body))
    made = await got(client.predictions.get("p1"))
    assert made.timings == (0, 0, 0)
    [file] = made.output
    assert abs(file.expires_at - datetime.fromisoformat(odd)).total_seconds() in (0, 3600)
    assert pickle.loads(pickle.dumps(file)) == file
    assert str(made.completed_at) == odd
    assert odd[:4] in made._repr_mimebundle_()["text/html"] + repr(made)


@pytest.mark.parametrize("odd", [FIRST, LAST, None, 5, "soon"])
async def test_an_upload_that_expires_at_an_odd_time(colour: str, odd: Any) -> None:
    """A file whose upload has an odd expiry is sent. It is uploaded once more only if its expiry has passed."""
    stored = {"id": "f", "urls": {"get": "https://api.replicate.com/v1/files/f"}, "expires_at": odd}
    asked: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(
            201, json=stored if request.url.path.endswith("/files") else prediction("succeeded", output="a")
        )

    client = scripted(colour, respond)
    for _ in range(2):
        assert await got(client.run("me/model", {"file": b"abc"}, file_encoding_strategy="url")) == "a"
    assert asked.count("/v1/files") == (1 if odd == LAST else 2)


@pytest.mark.parametrize("odd", [None, 5, "", "..", "ftp://a.test", "https:///x", "https://a.test/\ud800"], ids=ascii)
async def test_an_upload_with_an_odd_address(colour: str, odd: Any) -> None:
    """If an upload has no address, nothing is started."""
    text = json.dumps({**prediction("succeeded"), "urls": {"get": odd}})
    asked: list[str] = []
    client = scripted(colour, lambda request: asked.append(request.url.path) or httpx.Response(201, content=text))
    with pytest.raises(ReplicateError, match="did not answer with its address"):
        await got(client.run("me/model", {"file": b"abc"}, file_encoding_strategy="url"))
    assert asked == ["/v1/files"]


@pytest.mark.parametrize("date", ["Mon, 01 Jan 0001 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 +2300", "", "x"])
async def test_a_lost_create_and_an_odd_date(colour: str, date: str) -> None:
    """A create whose answer is lost is found, whatever the date of the list is."""
    now = datetime.now(UTC).isoformat()
    page = {"results": [{**prediction("succeeded", output="a", input={"a": 1}), "created_at": now}]}
    script = Script(
        create=[lambda _: httpx.Response(200, content=b"<html>")],
        list=[lambda _: httpx.Response(200, json=page, headers={"date": date})],
        get=[prediction("succeeded", output="a")],
    )
    client = scripted(colour, script)
    Clock(client)
    assert await got(client.run("me/model", {"a": 1})) == "a"


@pytest.mark.parametrize("odd", [None, 5, [], {}, "..", "", "weights", "ftp://a.test/x"], ids=repr)
async def test_odd_weights_are_no_file(colour: str, odd: Any) -> None:
    """The weights of a training are a file only if they are its URL."""
    text = json.dumps({"id": "t1", "status": "succeeded", "output": {"weights": odd, "version": 5}})
    trained = await got(scripted(colour, lambda _: httpx.Response(200, content=text)).trainings.get("t1"))
    assert trained.output.weights == odd
    assert not hasattr(trained.output.weights, "read")


CHARSETS = [
    "utf-16",
    "utf-32",
    "nonsense",
    "hex",
    "bz2",
    "zlib",
    "punycode",
    "idna",
    "undefined",
    "a\0b",
    "rot13",
    "utf-8",
    "",
]


@pytest.mark.parametrize("charset", CHARSETS, ids=ascii)
async def test_an_odd_charset(colour: str, charset: str) -> None:
    """The text of a response is decoded, whatever its charset is said to be."""
    headers = {"content-type": f"application/json; charset={charset}"}
    client = scripted(colour, lambda _: httpx.Response(200, content=b'{"username": "a"}', headers=headers))
    response = await got(client.account.with_raw_response.get())
    assert isinstance(await got(response.text()), str)
    assert isinstance("".join(await collect(response.iter_text())), str)
    assert (await got(response.json()))["username"] == (await got(response.parse())).username == "a"
    assert isinstance(await got(client.get("/account", cast_to=str)), str)


# ---- schemas


CYCLE = {"$ref": "#/components/schemas/Output"}
SCHEMAS: list[Any] = [
    CYCLE,
    {"allOf": [CYCLE]},
    {"type": "array", "items": CYCLE, "x-cog-array-type": "iterator"},
    {"type": "object", "properties": {"a": CYCLE}, "additionalProperties": CYCLE},
    {"properties": [], "x-order": "a", "default": {}, "enum": [{"a": 1}, []], "allOf": None, "type": [{}, 5]},
    {"properties": {"text": {"x-order": [], "default": [{}], "enum": {}, "allOf": {}, "type": {}, "format": []}}},
    {"x-cog-array-type": [], "x-cog-array-display": {}, "items": 5, "$ref": 7, "anyOf": [None, 1, {}]},
    {"$ref": "#/components/schemas/" + "x" * 10_000},
    None, 5, "", [], [[]], True,
]  # fmt: skip


@pytest.mark.parametrize("odd", SCHEMAS, ids=lambda odd: json.dumps(odd)[:40])
@pytest.mark.parametrize("where", ["Input", "Output", "schemas", "components", "openapi_schema"])
async def test_an_odd_schema(colour: str, where: str, odd: Any) -> None:
    """A model with any schema can be called."""
    document: Any = {"components": {"schemas": {"Output": {"type": "string"}, "Input": {"type": "object"}}}}
    match where:
        case "Input" | "Output":
            document["components"]["schemas"][where] = odd
        case "schemas":
            document["components"]["schemas"] = odd
        case "components":
            document["components"] = odd
        case _:
            document = odd
    version = {"id": VERSION, "openapi_schema": document}
    output = {"a": ["b", "https://a.test/b"]}
    described = {**model(), "latest_version": version, **version}
    script = Script(
        model=[described], create=[prediction("succeeded", output=output, version=VERSION)], list=[{"results": [{}]}]
    )
    client = scripted(colour, script)
    function = client.use("me/model", validate=False)
    await got(function.openapi_schema())
    assert (await got(function(text="x", file=b"abc")))["a"][0] == "b"
    for validate in (True, False):
        try:
            await got(client.use("me/model", validate=validate)(text="a"))
        except InputError:
            assert validate
    await got(client.predictions.create(f"me/model:{VERSION}", {"text": "x"}))
    found = await got(client.models.get("me/model"))
    assert json.loads(found.to_json())["latest_version"]["openapi_schema"] == document
