"""`client.run`: what it gives, and what it raises."""

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
from support.sample_models import VERSION, Held, Script, model, prediction

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
)
from replicate._data.schema import OutputSchema
from replicate.local import Model
from replicate.local import server as local_server
from replicate.resources.following import unseen

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = leaves_streams

WORDS = {"type": "array", "items": {"type": "string"}, "x-cog-array-type": "iterator"}


async def test_text(client: Any) -> None:
    """A model that gives a text gives it; `input` may come by position or by name."""
    assert await got(client.run("me/official", {"text": "a"})) == "A!"
    assert await got(client.run("me/community", input={"text": "a", "times": 2})) == "A!!"
    assert await got(client.run("me/official")) == "HI!"


@pytest.mark.parametrize("spelling", ["{id}", "me/community:{id}", "https://replicate.com/me/community"])
async def test_every_reference(client: Any, spelling: str) -> None:
    """A model is named as everywhere else."""
    version = (await got(client.models.get("me/community"))).latest_version
    assert await got(client.run(spelling.format(id=version.id), {"text": "a"})) == "A!"
    assert await got(client.run(version, {"text": "a"})) == "A!"


async def test_items_come_as_they_are_made(clients: Any, held: Held) -> None:
    """A model that makes its output in items gives an iterator: the first item is there while the model still runs."""
    with local_server({"me/held": Model(held.words, official=True)}) as srv:
        output = await got(clients(srv).run("me/held"))
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


async def test_items_without_a_stream_come_by_looking(client: Any) -> None:
    """Items that are no text are looked for, and each comes once."""
    output = await got(client.run("me/numbers", {"until": 4}))
    assert [item async for item in each(output)] == [0, 1, 2, 3]
    assert repr(output) == f"<OutputIterator of prediction {output.prediction.id}, 4 items so far>"


async def test_the_text_of_an_iterator(client: Any, colour: str) -> None:
    """`str` of an iterator is the whole text; an asynchronous one is awaited for it, or gives what has come."""
    output = await got(client.run("me/words", {"text": "a b"}))
    if colour == "blocking":
        assert str(output) == "a b "
        return
    assert str(output) == repr(output)
    assert await output == "a b "
    assert str(output) == "a b "


async def test_an_iterator_can_be_canceled(clients: Any, held: Held) -> None:
    """Canceling stops the model, and then iterating tells so."""
    with local_server({"me/held": Model(held.words, official=True)}) as srv:
        output = await got(clients(srv).run("me/held"))

        async def stop_at_the_first() -> None:
            async with aclosing(each(output)) as items:
                async for item in items:
                    assert item == "first "
                    await got(output.cancel())

        with pytest.raises(PredictionCanceled):
            await stop_at_the_first()
        assert output.prediction.status == "canceled"


async def test_what_is_not_made_in_items_comes_whole(colour: str) -> None:
    """An output that comes at once is no item before the end, when it may still change."""
    states = [prediction("processing", output={"n": 1}), prediction("succeeded", output={"n": 2})]
    script = Script(model=[model(output={"type": "object"})], create=[prediction()], get=states)
    client = scripted(colour, script)
    Clock(client)
    assert await collect(await got(client.use("me/model", streaming=True)())) == [{"n": 2}]


async def test_items_are_looked_for_at_the_pace_asked_for(colour: str) -> None:
    """`poll_interval` holds for iterators too."""
    states = [prediction("processing", output=["a"]), prediction("succeeded", output=["a", "b"])]
    script = Script(model=[model(output=WORDS)], create=[prediction()], get=states)
    client = scripted(colour, script, poll_interval=2)
    clock = Clock(client)
    assert await collect(await got(client.run("me/model"))) == ["a", "b"]
    assert clock.sleeps == [2, 2]


async def test_a_failing_iterator_raises_at_its_end(colour: str) -> None:
    """The items that were made come first, then the error."""
    failed = prediction("failed", output=["a", "b"], error="no more")
    script = Script(model=[model(output=WORDS)], create=[prediction()], get=[failed])
    client = scripted(colour, script)
    Clock(client)
    output = await got(client.run("me/model"))
    seen: list[Any] = []
    with pytest.raises(ModelError, match="no more"):
        await collect(output, seen)
    assert seen == ["a", "b"]
    with pytest.raises(ModelError, match="no more"):  # and again, for what has come is not all
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
    """A real PNG is sent as file, and the result is a file that opens as a picture."""
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
    """A file too large for a data URI is uploaded before, once, although the model turns out to need a version."""
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
    """`file_encoding_strategy` says whether a file is in the input itself or uploaded."""
    await got(client.run("me/digest", {"file": b"abc"}, file_encoding_strategy=strategy))
    sent = asked()[-1].json["input"]["file"]
    assert sent.startswith("data:" if strategy == "base64" else "http")


async def test_files_as_plain_urls(client: Any) -> None:
    """With `use_file_output=False` files are URLs."""
    url = await got(client.run("me/negative", {"image": picture()}, use_file_output=False))
    assert type(url) is str
    assert url.startswith("http")


async def test_text_that_looks_like_a_file_stays_text(client: Any) -> None:
    """The schema says what is a file."""
    assert await got(client.run("me/link")) == "https://replicate.delivery/read-me.png"


async def test_a_failing_model(client: Any) -> None:
    """ModelError tells id, status, error, the end of the logs and where to look, and carries the prediction."""
    with pytest.raises(ModelError) as raised:
        await got(client.run("me/broken", {"text": "CUDA out of memory"}))
    failed = raised.value.prediction
    text = str(raised.value)
    assert text.startswith(f"Prediction {failed.id} failed: CUDA out of memory\n  model: me/broken\n")
    assert "RuntimeError: CUDA out of memory" in text
    assert "step 0" not in text
    assert text.endswith(f"see {failed.urls.web}")
    assert raised.value.detail == failed.error == "CUDA out of memory"
    again = pickle.loads(pickle.dumps(raised.value))
    assert (str(again), again.prediction) == (text, failed)


@pytest.mark.parametrize("status", ["canceled", "aborted"])
async def test_a_canceled_prediction_is_an_error(colour: str, status: str) -> None:
    """A prediction that was stopped has no output to give: PredictionCanceled, a ModelError."""
    client = scripted(colour, Script(model=[model()], create=[prediction(status)]))
    with pytest.raises(PredictionCanceled, match=f"p1 {status}") as raised:
        await got(client.run("me/model"))
    assert isinstance(raised.value, ModelError)


async def test_only_an_end_is_an_end(colour: str) -> None:
    """States that are unknown, and outputs that are there before the end, keep it looking."""
    states = [prediction("queued"), prediction("processing", output="ha"), prediction("succeeded", output="half more")]
    script = Script(model=[model()], create=[prediction()], get=states)
    client = scripted(colour, script)
    Clock(client)
    assert await got(client.run("me/model")) == "half more"
    assert len(script.asked) == 5


APPLIED = {"Preference-Applied": "wait=48"}


@pytest.mark.parametrize(
    ("output", "headers", "looks"),
    [
        ({"type": "string"}, APPLIED, 0),
        ({"type": "string"}, {}, 1),
        ({"type": "array", "items": {"type": "string"}}, APPLIED, 0),
    ],
)
async def test_an_early_answer_with_its_output_is_the_end(
    colour: str, output: Any, headers: dict[str, str], looks: int
) -> None:
    """A blocking answer that is "processing", applied the preference and has its output needs no other request."""
    made = prediction("processing", output="all")
    created = httpx.Response(201, json=made, headers=headers)
    script = Script(model=[model(output=output)], create=[created], get=[prediction("succeeded", output="all")])
    client = scripted(colour, script)
    Clock(client)
    assert await got(client.run("me/model")) == "all"
    assert len(script.asked) == 2 + looks


async def test_an_answer_at_the_end_of_the_wait_is_not_the_end(colour: str) -> None:
    """An output that is there when the time to wait is over may be a part."""
    script = Script(model=[model()], get=[prediction("succeeded", output="whole")])
    client = scripted(colour, script)
    clock = Clock(client)

    def late(_: httpx.Request) -> httpx.Response:
        clock.time += 48
        return httpx.Response(201, json=prediction("processing", output="part"), headers=APPLIED)

    script.answers["create"] = [late]
    assert await got(client.run("me/model")) == "whole"


async def test_an_unknown_output_that_grows_is_not_the_end(colour: str) -> None:
    """A list without a schema may be growing: an early answer with one is looked at again."""
    created = httpx.Response(201, json=prediction("processing", output=["a"]), headers=APPLIED)
    script = Script(create=[created], get=[prediction("succeeded", output=["a", "b"])])
    client = scripted(colour, script)
    Clock(client)
    assert await got(client.run(VERSION)) == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "prefer"),
    [
        ({}, "wait=48"),
        ({"wait": None}, "wait=48"),
        ({"wait": True}, "wait=48"),
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
    """For less than the client waits for an answer, and than what is left of the whole time."""
    script = Script(model=[model()], create=[prediction("succeeded", output="a")])
    client = scripted(colour, script)
    Clock(client)
    assert await got(client.run("me/model", **options)) == "a"
    assert script.requests[-1].headers.get("prefer") == prefer
    if prefer:
        assert script.requests[-1].extensions["timeout"]["read"] > int(prefer.partition("=")[2])


async def test_an_impatient_client_asks_for_less(colour: str) -> None:
    """The wait stays below the client's own timeout."""
    script = Script(model=[model()], create=[prediction("succeeded", output="a")])
    await got(scripted(colour, script, timeout=5).run("me/model"))
    assert script.requests[-1].headers["prefer"] == "wait=4"


async def test_the_whole_call_has_one_timeout(clients: Any, held: Held) -> None:
    """`timeout` ends the call, and not the prediction if it is told so; the error carries it."""
    with local_server({"me/held": Model(held.text, official=True)}) as srv:
        client = clients(srv)
        clock = Clock(client)
        with pytest.raises(PredictionTimeout, match=r"still processing after 20 s.*predictions\.wait") as raised:
            await got(client.run("me/held", wait=False, timeout=20, cancel_on_exit=False))
        assert clock.time == pytest.approx(20)
        held.finish(srv)
        assert (await got(raised.value.prediction.wait())).output == "done"


async def test_an_iterator_has_a_timeout(colour: str) -> None:
    """An iterator that gives nothing ends at the timeout, with what has come until then."""
    script = Script(
        model=[model(output={**WORDS, "items": {"type": "integer"}})],
        create=[prediction()],
        get=[prediction("processing", output=[1])],
    )
    client = scripted(colour, script)
    clock = Clock(client)
    output = await got(client.run("me/model", timeout=20))
    seen: list[Any] = []
    with pytest.raises(PredictionTimeout, match="after 20 s"):
        await collect(output, seen)
    assert seen == [1]
    assert clock.time == pytest.approx(20)


async def test_no_request_outlives_the_timeout(colour: str) -> None:
    """What is left of the time bounds how long a single request may take, and how often it is tried again."""
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
    """A look that takes longer than the time that is left ends as a PredictionTimeout too."""

    def silent(request: httpx.Request) -> httpx.Response:
        clock.time += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("silence", request=request)

    script = Script(model=[model()], create=[prediction()], get=[silent])
    client = scripted(colour, script)
    clock = Clock(client)
    with pytest.raises(PredictionTimeout, match="p1 is still starting after 10 s"):
        await got(client.run("me/model", timeout=10))


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused", request=request)


@pytest.mark.parametrize("way", ["text", "items"])
@pytest.mark.parametrize("trouble", [unreachable, httpx.Response(503), httpx.Response(429)])
async def test_looks_ride_out_what_passes(colour: str, way: str, trouble: Any) -> None:
    """A look that fails in passing is followed by another, and the result is not lost."""
    output: Any = ["a"] if way == "items" else "a"
    script = Script(
        model=[model(output=WORDS if way == "items" else None)],
        create=[prediction()],
        get=[*[trouble] * 9, prediction("processing"), *[trouble] * 9, prediction("succeeded", output=output)],
    )
    client = scripted(colour, script, max_retries=0)
    Clock(client)
    result = await got(client.run("me/model"))
    assert (await collect(result) if way == "items" else result) == output


@pytest.mark.parametrize("way", ["text", "items"])
@pytest.mark.parametrize(
    ("trouble", "kind", "looks"),
    [
        (unreachable, APIConnectionError, 10),
        (httpx.Response(503), InternalServerError, 10),
        (httpx.Response(404), NotFoundError, 1),
    ],
)
async def test_looks_that_keep_failing(colour: str, way: str, trouble: Any, kind: type[Exception], looks: int) -> None:
    """What does not pass is raised, with the prediction and how to wait for it."""
    script = Script(model=[model(output=WORDS if way == "items" else None)], create=[prediction()], get=[trouble])
    client = scripted(colour, script, max_retries=0)
    Clock(client)
    with pytest.raises(kind, match=r"predictions\.wait\('p1'\)") as raised:
        await collect(await got(client.run("me/model")))
    assert vars(raised.value)["prediction"].id == "p1"
    assert script.asked.count("GET /predictions/p1") == looks


async def test_a_silent_api_is_a_timeout_for_items(colour: str) -> None:
    """Items that cannot be looked for until the deadline end as a PredictionTimeout too."""

    def silent(request: httpx.Request) -> httpx.Response:
        clock.time += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("silence", request=request)

    client = scripted(colour, Script(model=[model(output=WORDS)], create=[prediction()], get=[silent]))
    clock = Clock(client)
    with pytest.raises(PredictionTimeout, match="after 10 s"):
        await collect(await got(client.run("me/model", timeout=10)))


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
def test_what_events_left_out(output: Any, seen: list[Any], schema: Any, rest: list[Any]) -> None:
    """Nothing is lost or repeated, also where it is not known whether strings are pieces of a text."""
    document = {"components": {"schemas": {"Output": schema}}} if schema else None
    assert unseen(output, seen, OutputSchema(document)) == rest


async def test_nothing_starts_after_the_timeout(colour: str) -> None:
    """A description that takes all the time there is ends the call before anything is started."""

    def silent(request: httpx.Request) -> httpx.Response:
        clock.time += request.extensions["timeout"]["read"]
        raise httpx.ReadTimeout("silence", request=request)

    script = Script(model=[silent], create=[prediction("succeeded", output="a")])
    client = scripted(colour, script)
    clock = Clock(client)
    with pytest.raises(APITimeoutError):
        await got(client.run("me/model", timeout=10))
    assert script.asked == ["GET /models/me/model"]


async def test_every_request_keeps_to_the_timeout(colour: str) -> None:
    """The upload, the description, the start and each look are bound by what is left of the whole time."""
    script = Script(
        model=[model()],
        create=[{"id": "f1", "urls": {"get": "https://api.replicate.com/v1/files/f1"}}, prediction()],
        get=[prediction("processing"), prediction("succeeded", output="a")],
    )
    client = scripted(colour, script)
    Clock(client)
    assert await got(client.run("me/model", {"file": b"abc"}, file_encoding_strategy="url", timeout=8)) == "a"
    assert len(script.requests) == 5
    assert all(7 < request.extensions["timeout"]["read"] <= 8 for request in script.requests)
