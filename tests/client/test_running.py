"""The results and errors of `client.run`."""

from __future__ import annotations

import hashlib
import io
import pickle
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image
from support.colours import Clock, collect, each, got, leaves_streams, scripted
from support.sample_models import VERSION, Held, Script, model, model_or_version, prediction, version_of

from replicate import (
    APIConnectionError,
    APITimeoutError,
    FileOutput,
    InternalServerError,
    ModelError,
    NotFoundError,
    OutputIterator,
    PredictionCanceled,
    PredictionTimeout,
    ReplicateError,
    RunError,
)
from replicate._jobs.follow import unseen
from replicate._models.schema import OutputSchema
from replicate._outputs.output_list import OutputList
from replicate.local import Model

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = leaves_streams

WORDS = {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator"}


async def test_text(client: Any) -> None:
    """A model whose output is text returns it. `input` is passed by position or by name."""
    assert await got(client.run("me/official", {"text": "a"})) == "A!"
    assert await got(client.run("me/community", input={"text": "a", "times": 2})) == "A!!"
    assert await got(client.run("me/official")) == "HI!"


@pytest.mark.parametrize("spelling", ["{id}", "me/community:{id}", "https://replicate.com/me/community"])
async def test_every_reference(client: Any, spelling: str) -> None:
    """`run` accepts every form of a model or version."""
    version = (await got(client.models.get("me/community"))).latest_version
    assert await got(client.run(spelling.format(id=version.id), {"text": "a"})) == "A!"
    assert await got(client.run(version, {"text": "a"})) == "A!"


ITEMS = ["version", "use"]
"""The calls that return an iterator."""


async def items_of(client: Any, way: str, ref: str = f"me/model:{VERSION}", **options: Any) -> Any:
    """Run a model that makes its output item by item, and return the iterator."""
    if way == "version":
        return await got(client.run(ref, wait=False, **options))
    return await got(client.use(ref.partition(":")[0], streaming=True, **options)())


@pytest.mark.parametrize("way", [*ITEMS, "known version"])
async def test_items_come_as_they_are_made(clients: Any, held: Held, way: str) -> None:
    """An iterator yields the first item while the model still runs.

    A version known as an iterator returns one without `wait=False`.
    """
    with held.served({"me/held": held.words}) as srv:
        client, ref = clients(srv), f"me/held:{version_of(srv, 'me/held')}"
        if way == "known version":
            assert await got(client.use(ref).openapi_schema())
            output = await got(client.run(ref))
        else:
            output = await items_of(client, way, ref)
        assert isinstance(output, OutputIterator)
        seen = []
        async with aclosing(each(output)) as items:
            async for item in items:
                seen.append((item, held.go.is_set()))
                held.go.set()
        assert seen == [("first ", False), ("second", True)]
        assert output.prediction.status == "succeeded"
        assert output.prediction.output == ["first ", "second"]
        assert [item async for item in each(output)] == []


async def test_items_of_a_model_by_its_name_come_whole(clients: Any, held: Held) -> None:
    """`run` by name waits for the end and returns a list, whatever is known of the model."""
    with held.served({"me/held": Model(held.words, official=True)}) as srv:
        client = clients(srv)
        held.go.set()
        for _ in range(2):
            output = await got(client.run("me/held"))
            assert isinstance(output, OutputList)
            assert output == ["first ", "second"]
            assert str(output) == "first second"
            assert await got(client.use("me/held").openapi_schema())


async def test_items_without_a_stream_come_from_polls(client: Any, server: Any) -> None:
    """Items that are not text come from polls, each once."""
    output = await got(client.run(version_of(server, "me/numbers"), {"until": 4}, wait=False))
    assert [item async for item in each(output)] == [0, 1, 2, 3]
    assert repr(output) == f"<OutputIterator of prediction {output.prediction.id}, 4 items so far>"


async def test_the_text_of_an_iterator(client: Any, server: Any, colour: str) -> None:
    """`str` of an iterator is the whole text. An asynchronous iterator must be awaited first."""
    numbers = version_of(server, "me/numbers")
    for output, text, whole in (
        (await got(client.use("me/words", streaming=True)(text="a b")), "a b ", "a b "),
        (await got(client.run(numbers, wait=False)), "012", [0, 1, 2]),
    ):
        if colour == "blocking":
            assert str(output) == text
        else:
            assert str(output) == repr(output)
            assert await output == whole
            assert str(output) == text


@pytest.mark.parametrize("way", ITEMS)
async def test_an_iterator_can_be_canceled(clients: Any, held: Held, way: str) -> None:
    """Canceling an iterator cancels the prediction, and iteration raises PredictionCanceled."""
    with held.served({"me/held": held.words}) as srv:
        output = await items_of(clients(srv), way, f"me/held:{version_of(srv, 'me/held')}")

        async def stop_at_the_first() -> None:
            async with aclosing(each(output)) as items:
                async for item in items:
                    assert item == "first "
                    await got(output.cancel())

        with pytest.raises(PredictionCanceled):
            await stop_at_the_first()
        assert output.prediction.status == "canceled"


async def test_an_output_without_items_comes_whole(colour: str) -> None:
    """An output that is not made item by item is yielded at the end only, as it may change until then."""
    states = [prediction("processing", output={"n": 1}), prediction("succeeded", output={"n": 2})]
    script = Script(model=[model(output={"type": "object"})], create=[prediction()], get=states)
    client = scripted(colour, script)
    Clock(client)
    assert await collect(await got(client.use("me/model", streaming=True)())) == [{"n": 2}]


@pytest.mark.parametrize("way", [*ITEMS, "name"])
async def test_items_are_polled_at_the_poll_interval(colour: str, way: str) -> None:
    """`poll_interval` applies to iterators, too."""
    states = [prediction("processing", output=["a"]), prediction("succeeded", output=["a", "b"])]
    script = Script(model=[model_or_version(output=WORDS)], create=[prediction()], get=states)
    client = scripted(colour, script, poll_interval=2)
    clock = Clock(client)
    output = await got(client.run("me/model")) if way == "name" else await collect(await items_of(client, way))
    assert output == ["a", "b"]
    assert clock.sleeps == [2, 2]


@pytest.mark.parametrize("way", ITEMS)
async def test_a_failing_iterator_raises_at_its_end(colour: str, way: str) -> None:
    """A failing iterator yields the items that were made, then raises the error."""
    failed = prediction("failed", output=["a", "b"], error="no more")
    script = Script(model=[model_or_version(output=WORDS)], create=[prediction()], get=[failed])
    client = scripted(colour, script)
    Clock(client)
    output = await items_of(client, way)
    seen: list[Any] = []
    with pytest.raises(ModelError, match="no more"):
        await collect(output, seen)
    assert seen == ["a", "b"]
    with pytest.raises(ModelError, match="no more"):  # and again, as the output is incomplete
        await collect(output, seen)
    with pytest.raises(ModelError, match="no more"):
        str(output) if colour == "blocking" else await output
    assert seen == ["a", "b"]
    if colour != "blocking":
        assert str(output) == repr(output)


def picture(colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 3), colour).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("form", ["path", "handle", "bytes", "output"])
async def test_a_picture_goes_in_and_a_picture_comes_out(client: Any, tmp_path: Path, form: str) -> None:
    """A PNG is sent as a file, and the result is a file that opens as an image."""
    path = tmp_path / "in.png"
    path.write_bytes(picture())
    with path.open("rb") as handle:
        given: Any = {"path": path, "handle": handle, "bytes": picture(), "output": FileOutput(as_data(picture()))}[
            form
        ]
        result = await got(client.run("me/negative", {"image": given}))
    assert isinstance(result, FileOutput)
    assert str(result) == result.url
    saved = await got(result.save(tmp_path / "out.png"))
    with Image.open(saved) as opened:
        assert (opened.size, opened.getpixel((1, 1))) == ((4, 3), (0, 255, 255))
    assert await got(result.read()) == saved.read_bytes()


def as_data(content: bytes) -> str:
    import base64

    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


async def test_a_large_file_is_uploaded(client: Any, asked: Any, tmp_path: Path) -> None:
    """A file that is too large for a data URI is uploaded first, once."""
    content = bytes(range(256)) * 2000
    path = tmp_path / "large.bin"
    path.write_bytes(content)
    assert await got(client.run("me/digest", {"file": path})) == hashlib.sha256(content).hexdigest()
    assert [request.path for request in asked() if request.method == "POST"] == [
        "/v1/files",
        "/v1/models/me/digest/predictions",
    ]


@pytest.mark.parametrize("strategy", ["base64", "url"])
async def test_how_a_file_is_sent_can_be_chosen(client: Any, asked: Any, strategy: Any) -> None:
    """`file_encoding_strategy` sets whether a file is sent inside the input or uploaded."""
    await got(client.run("me/digest", {"file": b"abc"}, file_encoding_strategy=strategy))
    sent = asked()[-1].json["input"]["file"]
    assert sent.startswith("data:" if strategy == "base64" else "http")


async def test_files_as_plain_urls(client: Any) -> None:
    """With `use_file_output=False` files are URLs."""
    url = await got(client.run("me/negative", {"image": picture()}, use_file_output=False))
    assert type(url) is str
    assert url.startswith("http")


async def test_text_that_looks_like_a_file(client: Any) -> None:
    """`run` takes a text that is one URL for a file. `use` follows the schema, which says that it is text."""
    url = "https://replicate.delivery/read-me.png"
    made = await got(client.run("me/link"))
    assert isinstance(made, FileOutput)
    assert made == url
    said = await got(client.use("me/link")())
    assert (type(said), said) == (str, url)
    assert isinstance(await got(client.run("me/link")), FileOutput)  # although the schema is known now


async def test_a_failing_model(client: Any) -> None:
    """ModelError has the model's message and the prediction. Its notes have the rest, also after pickling."""
    with pytest.raises(ModelError) as raised:
        await got(client.run("me/broken", {"text": "CUDA out of memory"}))
    failed = raised.value.prediction
    assert str(raised.value) == raised.value.detail == failed.error == "CUDA out of memory"
    assert raised.value.message == f"Prediction {failed.id} failed: CUDA out of memory"
    assert isinstance(raised.value, RunError)
    assert not isinstance(raised.value, ReplicateError)
    which, of_model, logs, link = raised.value.__notes__
    assert (which, of_model) == (f"Prediction {failed.id} failed.", "model: me/broken")
    assert logs.startswith("last logs:\n")
    assert "RuntimeError: CUDA out of memory" in logs
    assert "step 0" not in logs
    assert link == f"see {failed.urls.web}"
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.message, again.__notes__) == (
        str(raised.value),
        raised.value.message,
        [which, of_model, logs, link],
    )
    assert again.prediction == failed


@pytest.mark.parametrize("status", ["canceled", "aborted"])
async def test_a_canceled_prediction_is_an_error(colour: str, status: str) -> None:
    """A canceled or aborted prediction raises PredictionCanceled, which is a ModelError."""
    client = scripted(colour, Script(create=[prediction(status)]))
    with pytest.raises(PredictionCanceled, match=f"p1 {status}") as raised:
        await got(client.run("me/model"))
    assert isinstance(raised.value, ModelError)


async def test_only_an_end_is_an_end(colour: str) -> None:
    """Unknown states, and outputs before the end, do not end the polling."""
    states = [prediction("queued"), prediction("processing", output="ha"), prediction("succeeded", output="half more")]
    script = Script(create=[prediction()], get=states)
    client = scripted(colour, script)
    Clock(client)
    assert await got(client.run("me/model")) == "half more"
    assert script.asked == ["POST /models/me/model/predictions", *["GET /predictions/p1"] * 3]


APPLIED = {"Preference-Applied": "wait"}
TEXTS = {"type": "array", "items": {"type": "string"}}


@pytest.mark.parametrize(
    ("way", "schema", "output", "headers", "looks"),
    [
        ("name", None, "all", APPLIED, 0),
        ("name", None, "all", {}, 1),
        ("name", None, ["all"], APPLIED, 0),
        ("name", None, ["all"], {}, 1),
        ("known name", TEXTS, ["all"], APPLIED, 0),
        ("known name", WORDS, ["all"], APPLIED, 0),
        ("version", {"type": "string"}, "all", APPLIED, 0),
        ("version", TEXTS, ["all"], APPLIED, 0),
        ("version", TEXTS, ["all"], {}, 1),
        ("use", {"type": "string"}, "all", APPLIED, 0),
        ("use", {"type": "string"}, "all", {}, 1),
        ("use", TEXTS, ["all"], APPLIED, 0),
        ("use", WORDS, ["all"], APPLIED, 0),
        ("use", WORDS, ["all"], {}, 1),
    ],
)
async def test_an_early_response_with_an_output_is_complete(
    colour: str, way: str, schema: Any, output: Any, headers: dict[str, str], looks: int
) -> None:
    """If a "processing" response applies the preference and has an output, the output is complete: no poll follows.

    The API was seen to answer so for models that make lists item by item, too, once the list was complete.
    """
    created = httpx.Response(201, json=prediction("processing", output=output), headers=headers)
    more = ["all", "of it"] if looks and isinstance(output, list) else output
    script = Script(
        model=[model_or_version(output=schema)], create=[created], get=[prediction("succeeded", output=more)]
    )
    client = scripted(colour, script)
    Clock(client)
    if way == "known name":
        assert await got(client.use("me/model").openapi_schema())
    ref = f"me/model:{VERSION}" if way == "version" else "me/model"
    assert await got(client.use(ref)() if way == "use" else client.run(ref)) == more
    assert script.asked.count("GET /predictions/p1") == looks


async def test_a_response_at_the_end_of_the_wait_may_be_incomplete(colour: str) -> None:
    """An output in a response that took the whole wait may be incomplete, so it is polled."""
    for options, seconds in (({}, 60), ({"wait": 5}, 5), ({"timeout": 20}, 16)):
        script = Script(get=[prediction("succeeded", output="whole")])
        client = scripted(colour, script)
        clock = Clock(client)

        def late(_: httpx.Request, clock: Clock = clock, seconds: int = seconds) -> httpx.Response:
            clock.time += seconds
            return httpx.Response(201, json=prediction("processing", output="part"), headers=APPLIED)

        script.answers["create"] = [late]
        assert await got(client.run("me/model", **options)) == "whole"


async def test_a_response_near_the_end_of_the_wait_may_be_incomplete(colour: str) -> None:
    """An output in a response that took nearly the whole wait may be incomplete, as clocks differ."""
    script = Script(get=[prediction("succeeded", output=["a", "b"])])
    client = scripted(colour, script)
    clock = Clock(client)

    def late(_: httpx.Request) -> httpx.Response:
        clock.time += 9.5
        return httpx.Response(201, json=prediction("processing", output=["a"]), headers=APPLIED)

    script.answers["create"] = [late]
    assert await got(client.run("me/model", wait=10)) == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "prefer"),
    [
        ({}, "wait"),
        ({"wait": None}, "wait"),
        ({"wait": True}, "wait"),
        ({"wait": 60}, "wait=60"),
        ({"wait": 5}, "wait=5"),
        ({"wait": False}, None),
        ({"prefer": "wait=9"}, "wait=9"),
        ({"timeout": 20}, "wait=16"),
        ({"wait": 60, "timeout": 20}, "wait=16"),
        ({"timeout": 1}, None),
    ],
)
async def test_the_api_is_asked_to_wait(colour: str, options: Any, prefer: str | None) -> None:
    """The `Prefer` wait is shorter than the client's read timeout and the time left for the call."""
    script = Script(create=[prediction("succeeded", output="a")])
    client = scripted(colour, script)
    Clock(client)
    assert await got(client.run("me/model", **options)) == "a"
    [create] = script.requests
    assert create.headers.get("prefer") == prefer
    if prefer:  # without a number it is 60 seconds
        assert create.extensions["timeout"]["read"] > int(prefer.partition("=")[2] or 60)


async def test_the_wait_stays_below_the_clients_timeout(colour: str) -> None:
    """The `Prefer` wait stays below the client's own timeout."""
    script = Script(create=[prediction("succeeded", output="a")])
    await got(scripted(colour, script, timeout=5).run("me/model"))
    assert script.requests[-1].headers["prefer"] == "wait=4"


async def test_the_whole_call_has_one_timeout(clients: Any, held: Held) -> None:
    """`timeout` ends the whole call. The error carries the prediction, which goes on with `cancel_on_exit=False`."""
    with held.served({"me/held": Model(held.text, official=True)}) as srv:
        client = clients(srv)
        clock = Clock(client)
        with pytest.raises(PredictionTimeout, match=r"still processing after 20 s.*predictions\.wait") as raised:
            await got(client.run("me/held", wait=False, timeout=20, cancel_on_exit=False))
        assert clock.time == pytest.approx(20)
        held.finish(srv)
        assert (await got(raised.value.prediction.wait())).output == "done"


@pytest.mark.parametrize("way", ITEMS)
async def test_an_iterator_has_a_timeout(colour: str, way: str) -> None:
    """An iterator without new items ends at the timeout, after the items that have come."""
    script = Script(
        model=[model_or_version(output={**WORDS, "items": {"type": "integer"}})],
        create=[prediction()],
        get=[prediction("processing", output=[1])],
    )
    client = scripted(colour, script)
    clock = Clock(client)
    output = await items_of(client, way, timeout=20)
    seen: list[Any] = []
    with pytest.raises(PredictionTimeout, match="after 20 s"):
        await collect(output, seen)
    assert seen == [1]
    assert clock.time == pytest.approx(20)


async def test_no_request_outlives_the_timeout(colour: str) -> None:
    """The time left limits each request's own timeout and the number of retries."""
    limits: list[float] = []

    def busy(request: httpx.Request) -> httpx.Response:
        limits.append(request.extensions["timeout"]["read"])
        clock.time += 2
        return httpx.Response(503)

    client = scripted(colour, busy, max_retries=50)
    clock = Clock(client)
    with pytest.raises(PredictionTimeout) as raised:
        await got(client.predictions.wait("p1", timeout=10))
    assert isinstance(raised.value.__cause__, InternalServerError)
    assert limits[0] == 10
    assert limits == sorted(limits, reverse=True)
    assert clock.time <= 12


async def test_a_silent_api_is_a_timeout(colour: str) -> None:
    """A poll that takes all the time left ends with PredictionTimeout."""

    def silent(request: httpx.Request) -> httpx.Response:
        clock.time += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("silence", request=request)

    script = Script(create=[prediction()], get=[silent])
    client = scripted(colour, script)
    clock = Clock(client)
    with pytest.raises(PredictionTimeout, match="p1 had not been seen to finish after 10 s"):
        await got(client.run("me/model", timeout=10))


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize("way", ["text", *ITEMS])
@pytest.mark.parametrize("trouble", [unreachable, httpx.Response(503), httpx.Response(429)])
async def test_polling_survives_transient_failures(colour: str, way: str, trouble: Any) -> None:
    """Polls that fail for a while are repeated, and the result is not lost."""
    output: Any = "a" if way == "text" else ["a"]
    script = Script(
        model=[model_or_version(output=WORDS)],
        create=[prediction()],
        get=[*[trouble] * 9, prediction("processing"), *[trouble] * 9, prediction("succeeded", output=output)],
    )
    client = scripted(colour, script, max_retries=0)
    Clock(client)
    result = await got(client.run("me/model")) if way == "text" else await collect(await items_of(client, way))
    assert result == output


@pytest.mark.parametrize("way", ["text", *ITEMS])
@pytest.mark.parametrize(
    ("trouble", "kind", "looks"),
    [
        (unreachable, APIConnectionError, 10),
        (httpx.Response(503), InternalServerError, 10),
        (httpx.Response(404), NotFoundError, 1),
    ],
)
async def test_polls_that_keep_failing(colour: str, way: str, trouble: Any, kind: type[Exception], looks: int) -> None:
    """Lasting poll failures end the call with a RunError that has the prediction and says how to wait for it.

    It has the fields of its cause, but is none of the errors after which a loop calls again.
    """
    script = Script(model=[model_or_version(output=WORDS)], create=[prediction()], get=[trouble])
    client = scripted(colour, script, max_retries=0)
    Clock(client)
    with pytest.raises(RunError, match=r"predictions\.wait\('p1'\)") as raised:
        await (got(client.run("me/model")) if way == "text" else collect(await items_of(client, way)))
    error = raised.value
    assert error.prediction
    assert error.prediction.id == "p1"
    cause = error.__cause__
    assert isinstance(cause, kind)
    assert isinstance(cause, ReplicateError)
    assert not isinstance(error, (ReplicateError, httpx.HTTPError, OSError))
    assert (error.status, error.message, str(error)) == (cause.status, cause.message, str(cause))
    assert script.asked.count("GET /predictions/p1") == looks
    assert not any(each.endswith("/cancel") for each in script.asked)


@pytest.mark.parametrize("way", ITEMS)
async def test_a_silent_api_is_a_timeout_for_items(colour: str, way: str) -> None:
    """Items whose polls fail until the deadline end with PredictionTimeout."""

    def silent(request: httpx.Request) -> httpx.Response:
        clock.time += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("silence", request=request)

    client = scripted(colour, Script(model=[model_or_version(output=WORDS)], create=[prediction()], get=[silent]))
    clock = Clock(client)
    with pytest.raises(PredictionTimeout, match="after 10 s"):
        await collect(await items_of(client, way, timeout=10))


@pytest.mark.parametrize(
    ("output", "seen", "schema", "rest"),
    [
        ("abcd", ["ab"], None, ["cd"]),
        (["a", "b", "c"], ["ab"], None, ["c"]),
        (["a", "b"], ["a"], None, ["b"]),
        (["https://x/1", "https://x/2", "https://x/3"], ["https://x/1"], None, ["https://x/2", "https://x/3"]),
        ([1, 2], ["1"], None, [2]),
        ("abcd", ["ab"], WORDS, ["cd"]),
        (["a", None, "bc"], ["ab"], {**WORDS, "x-cog-array-display": "concatenate"}, ["c"]),
        ([None, "a"], [], {**WORDS, "x-cog-array-display": "concatenate"}, ["a"]),
        (["a", None], ["a"], WORDS, [None]),
    ],
)
def test_items_that_events_left_out(output: Any, seen: list[Any], schema: Any, rest: list[Any]) -> None:
    """No part of the output is lost or repeated, even if it is unknown whether strings are pieces of one text."""
    document = {"components": {"schemas": {"Output": schema}}} if schema else None
    assert unseen(output, seen, OutputSchema(document)) == rest


@pytest.mark.parametrize("way", ["use", "streaming", "create"])
async def test_nothing_starts_after_the_timeout(colour: str, way: str) -> None:
    """A lookup that takes all the time ends the call before anything is started."""

    def silent(request: httpx.Request) -> httpx.Response:
        clock.time += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("silence", request=request)

    script = Script(model=[silent], create=[prediction("succeeded", output="a")])
    client = scripted(colour, script)
    clock = Clock(client)
    function = client.use("me/model", streaming=way == "streaming", timeout=10)
    with pytest.raises(APITimeoutError, match="nothing was started"):
        await got(function.create() if way == "create" else function())
    assert script.asked == ["GET /models/me/model"]
    assert clock.time == 10


async def test_every_request_keeps_to_the_timeout(colour: str) -> None:
    """The lookup, the upload, the create and each poll are limited by the time left for the call."""
    script = Script(
        model=[model()],
        create=[{"id": "f1", "urls": {"get": "https://api.replicate.com/v1/files/f1"}}, prediction()],
        get=[prediction("processing"), prediction("succeeded", output="a")],
    )
    client = scripted(colour, script)
    Clock(client)
    assert await got(client.run("me/model", {"file": bytes(300_000)}, timeout=8)) == "a"
    assert script.asked == [
        "GET /models/me/model",
        "POST /files",
        "POST /models/me/model/predictions",
        *["GET /predictions/p1"] * 2,
    ]
    assert all(7 < request.extensions["timeout"]["read"] <= 8 for request in script.requests)
