"""Outputs as inputs of other models: passed on by their URL, and waited for while they are being made."""

from __future__ import annotations

import asyncio
import hashlib
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from support.colours import Clock, got, leaves_streams
from support.file_models import MODELS, draw
from support.sample_models import Held

from replicate import (
    APITimeoutError,
    FileOutput,
    InputError,
    ModelError,
    OutputIterator,
    OutputList,
    PredictionTimeout,
    Replicate,
    RunError,
    StreamError,
    UnprocessableEntityError,
)
from replicate.local import Model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from replicate.local import Server

pytestmark = leaves_streams

RED, BLUE = (hashlib.sha256(draw(colour)).hexdigest() for colour in ("red", "blue"))


@pytest.fixture
def held() -> Iterator[Held]:
    """Yield models that wait for the test."""
    model = Held()
    yield model
    model.go.set()


async def first(output: Any) -> Any:
    return next(output) if hasattr(output, "__next__") and output._blocking else await anext(output)


async def entered(stream: Any) -> None:
    stream.__enter__() if stream._session.blocking else await stream.__aenter__()


async def finished_file(client: Any) -> Any:
    return await got(client.run("me/draw", input={}))


async def finished_prediction(client: Any) -> Any:
    return await got(client.predictions.create(model="me/draw", input={}, wait=5))


async def output_string(client: Any) -> Any:
    return (await finished_prediction(client)).output


async def started_prediction(client: Any) -> Any:
    return await got(client.predictions.create(model="me/draw", input={}))


async def started_run(client: Any) -> Any:
    return await got(client.use("me/draw").create())


async def one_of_many(client: Any) -> Any:
    return await got(client.run("me/draw-all", input={"colours": ["red"]}))


async def by_version(client: Any, model: str, given: dict[str, Any]) -> Any:
    """Run the latest version of a model that makes its output item by item."""
    version = (await got(client.models.get(model))).latest_version.id
    output = await got(client.run(f"{model}:{version}", input=given))
    assert isinstance(output, OutputIterator)
    return output


async def iterator_of_one(client: Any) -> Any:
    return await by_version(client, "you/draw-all", {"colours": ["red"]})


async def streaming_run(client: Any) -> Any:
    return await got(client.use("me/draw-all", streaming=True).create(colours=["red"]))


async def events(client: Any) -> Any:
    return client.stream("me/draw-all", input={"colours": ["red"]})


async def uploaded(client: Any) -> Any:
    return await got(client.files.create(draw(), filename="red.png"))


ONE = (finished_file, finished_prediction, output_string, started_prediction, started_run, uploaded)
LISTED = (one_of_many, iterator_of_one, streaming_run, events)
"""Outputs that stand for a list. Only the schema, which is looked up, says that one file is wanted."""


@pytest.mark.parametrize(
    ("make", "way"),
    [(make, way) for make in (*ONE, *LISTED) for way in ("run", "use", "nested", "create")],
    ids=lambda given: getattr(given, "__name__", given),
)
async def test_any_output_is_an_input(client: Any, asked: Any, make: Any, way: str) -> None:
    """Any object that stands for a file, finished or not, is passed to the next model as just that file.

    Nothing is downloaded or uploaded. The model is looked up only if the object may stand for a list.
    """
    given = await make(client)
    before, by_value = len(asked()), isinstance(given, str | FileOutput)
    match way:
        case "run":
            result = await got(client.run("me/digest", input={"file": given}))
        case "use":
            result = await got(client.use("me/digest")(file=given))
        case "nested":
            result = await got(client.run("me/digests", input={"files": [given, draw()]}))
            assert json.loads(result) == [RED, RED]
            result = json.loads(result)[0]
        case _:
            result = (await got(client.predictions.create(model="me/digest", input={"file": given}, wait=5))).output
    assert result == RED
    after = asked()[before:]
    assert not [each for each in after if "/delivery/" in each or "files" in each]
    looked_up = [each for each in after if each.startswith("GET /models/me/digest")]
    assert len(looked_up) == (0 if by_value and way != "use" else 1)


@pytest.mark.parametrize("to", ["run", "use", "create"])
@pytest.mark.parametrize("way", ["run", "version", "use", "streaming", "events", "prediction", "run of use"])
async def test_a_text_is_passed_on_whole(client: Any, way: str, to: str) -> None:
    """The pieces of a text are joined for a model that takes a text, whatever is known of it."""
    text = {"text": "one two three"}
    makers: dict[str, Any] = {
        "run": lambda: client.run("me/say", input=text),
        "version": lambda: by_version(client, "you/say", text),
        "use": lambda: client.use("me/say")(**text),
        "streaming": lambda: client.use("me/say", streaming=True)(**text),
        "events": lambda: client.stream("me/say", input=text),
        "prediction": lambda: client.predictions.create(model="me/say", input=text),
        "run of use": lambda: client.use("me/say").create(**text),
    }
    given = await got(makers[way]())
    match to:
        case "run":
            said = await got(client.run("me/repeat", input={"text": given}))
        case "use":
            said = await got(client.use("me/repeat")(text=given))
        case _:
            said = (await got(client.predictions.create(model="me/repeat", input={"text": given}, wait=5))).output
    assert said == "one two three "


async def test_the_pieces_of_a_text_stay_a_list_for_a_model_that_takes_one(client: Any) -> None:
    """The pieces of a text are joined only if the schema says that the model takes a text."""
    given = await got(client.run("me/say", input={"text": "red blue"}))
    assert isinstance(given, OutputList)
    assert len(await got(client.run("me/draw-all", input={"colours": [piece.strip() for piece in given]}))) == 2
    await got(client.run("me/echo", input={"value": {"pieces": given}}))
    assert await got(client.run("me/echo", input={"value": {"pieces": given}})) == {"pieces": ["red ", "blue "]}


@pytest.mark.parametrize("way", ["list", "iterator", "begun"])
async def test_many_files_are_passed_on_as_a_list(client: Any, asked: Any, way: str) -> None:
    """All items of a list or an iterator are passed on in order, including those that were read before."""
    given = {"colours": ["red", "blue"]}
    if way == "list":
        output = await got(client.run("me/draw-all", input=given))
        assert isinstance(output, OutputList)
    else:
        output = await by_version(client, "you/draw-all", given)
    if way == "begun":
        assert isinstance(await first(output), FileOutput)
    before = len(asked())
    told = json.loads(await got(client.run("me/digests", input={"files": output})))
    assert told == [RED, BLUE]
    looked_up = [each for each in asked()[before:] if each.startswith("GET /models")]
    assert looked_up == ([] if way == "list" else ["GET /models/me/digests"])  # several files are a list in any case


@pytest.mark.parametrize("way", ["run", "use", "create"])
async def test_a_text_from_a_model_names_no_file(client: Any, asked: Any, tmp_path: Path, way: str) -> None:
    """A text from a model is never taken for a path, even if the next model takes a file and the path exists.

    `run` and `create` send the text, which the API judges. So does `use` with a text that was still being made.
    """
    path = tmp_path / "secret.txt"
    path.write_text("secret")
    prediction = await got(client.predictions.create(model="me/repeat", input={"text": str(path)}))
    text = await got(client.run("me/repeat", input={"text": str(path)}))
    assert text == str(path)
    for said in (prediction, text):
        calls: dict[str, Any] = {
            "run": lambda said=said: client.run("me/digest", input={"file": said}),
            "use": lambda said=said: client.use("me/digest")(file=said),
            "create": lambda said=said: client.predictions.create(model="me/digest", input={"file": said}),
        }
        refused = way == "use" and isinstance(said, str)
        with pytest.raises(InputError if refused else UnprocessableEntityError, match=r"uri|no URL"):
            await got(calls[way]())
    assert "POST /files" not in asked()


async def test_an_unfinished_output_is_waited_for(clients: Any, held: Held) -> None:
    """An output that is still being made is waited for before the next prediction is started."""
    with held.served({**MODELS, "me/held": Model(held.text, official=True)}) as srv:
        client = clients(srv)
        run, again = [await got(client.use("me/held").create()) for _ in range(2)]
        Clock(client, lambda _: held.finish(srv))
        given = {"value": {"a": run, "b": [again.prediction, run]}}
        assert await got(client.run("me/echo", input=given)) == {"a": "done", "b": ["done", "done"]}
        assert run.prediction.status == again.prediction.status == "succeeded"


async def test_waiting_for_an_input_counts_towards_the_timeout(clients: Any, held: Held) -> None:
    """The wait for an input counts towards the call's timeout. At the timeout nothing is started."""
    with held.served({**MODELS, "me/held": Model(held.text, official=True)}) as srv:
        client = clients(srv)
        earlier = await got(client.predictions.create(model="me/held", input={}))
        clock = Clock(client)
        with pytest.raises(PredictionTimeout) as caught:
            await got(client.run("me/repeat", input={"text": earlier}, timeout=30))
        assert caught.value.prediction.id == earlier.id
        assert 29 < clock.time < 31
        assert [each.path for each in srv.requests if each.method == "POST"] == ["/v1/models/me/held/predictions"]


@pytest.mark.parametrize("way", ["iterator", "events", "lazy events", "begun"])
async def test_the_deadline_holds_while_an_iterator_is_read(colour: str, clients: Any, held: Held, way: str) -> None:
    """At its deadline a call stops waiting for its input, and starts nothing with it.

    If the call itself has started the input's prediction, its error does not say that nothing was started.
    """
    with held.served({**MODELS, "me/held": Model(held.words, official=True)}) as srv:
        client = clients(srv)
        given = client.stream("me/held") if "events" in way else await got(client.use("me/held", streaming=True)())
        if way == "events":
            await entered(given)
        if way == "begun" and colour != "blocking":  # they notice the deadline at the next event or comment
            assert await first(given) == "first "
        with pytest.raises((APITimeoutError, RunError), match=r"was not started|nothing was started") as caught:
            await got(client.run("me/repeat", input={"text": given}, timeout=0.5))
        assert not caught.value.sent
        # On a busy machine the deadline may come before the input's own create.
        begun = way == "lazy events" and given.started
        assert isinstance(caught.value, RunError if begun else APITimeoutError)
        assert not begun or caught.value.prediction.id == given.prediction.id
        assert [each.path for each in srv.requests if each.path.endswith("repeat/predictions")] == []
        held.go.set()


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
async def test_the_deadline_holds_while_a_coroutine_is_awaited(client: Any, asked: Any) -> None:
    """At the deadline a coroutine is left, and nothing is started with it. What it has started is not known."""

    async def endless() -> str:
        import anyio

        await anyio.sleep_forever()

    with pytest.raises(RunError, match=r"input\['text'\] was waited for: what it is for was not started") as caught:
        await client.run("me/repeat", input={"text": endless()}, timeout=0.01)
    assert isinstance(caught.value.__cause__, APITimeoutError)
    assert not [each for each in asked() if each.startswith("POST")]


@pytest.mark.parametrize("way", ["prediction", "run", "iterator", "events"])
async def test_an_earlier_failure_is_raised(client: Any, asked: Any, way: str) -> None:
    """The error of an earlier failed run is raised as it is, and nothing is started or uploaded."""
    makers: dict[str, Any] = {
        "prediction": lambda: client.predictions.create(model="me/fail", input={}),
        "run": lambda: client.use("me/fail").create(),
        "iterator": client.use("me/fail", streaming=True),
        "events": lambda: client.stream("me/fail", input={}),
    }
    given = await got(makers[way]())
    before = len(asked())
    error = StreamError if way == "events" else ModelError
    with pytest.raises(error, match="out of paint") as caught:
        await got(client.run("me/digests", input={"files": [bytes(300_000), given]}))
    after = [each for each in asked()[before:] if each.startswith("POST")]
    assert after in ([], ["POST /models/me/fail/predictions"])
    assert caught.value.prediction is not None
    assert str(caught.value.prediction.model) == "me/fail"


async def test_an_invalid_input_is_refused_before_waiting(client: Any, asked: Any, tmp_path: Path) -> None:
    """A mistake elsewhere in the input is raised at once, before any wait."""
    stream = client.stream("me/draw", input={})
    for wrong, error in ((tmp_path / "none", FileNotFoundError), (object(), TypeError)):
        with pytest.raises(error, match=r"input\['files'\]\[1\]"):
            await got(client.run("me/digests", input={"files": [stream, wrong]}))
    assert asked() == []


async def test_an_iterator_that_was_left(client: Any) -> None:
    """An iterator that was closed early cannot be passed on, as its output is incomplete."""
    output = await by_version(client, "you/draw-all", {"colours": ["red", "blue"]})
    await first(output)
    await got(output.close())
    with pytest.raises(RunError, match="left before its end") as caught:
        await got(client.run("me/digests", input={"files": output}))
    assert caught.value.prediction is output.prediction


async def test_a_prediction_without_an_output_is_no_input(client: Any) -> None:
    """The error for a prediction that succeeded without an output names its place in the input."""
    nothing = await got(client.predictions.create(model="me/draw", input={}, wait=5))
    nothing.output = None
    with pytest.raises(ValueError, match=r"^input\['file'\] is a Prediction that gave no output"):
        await got(client.run("me/digest", input={"file": nothing}))


def test_awaitables(server: Server) -> None:
    """In asynchronous code a coroutine or a task stands for its result, in several places, too."""
    from replicate import AsyncReplicate

    async def main() -> None:
        client = AsyncReplicate(bearer_token=server.token, base_url=server.base_url)
        draw, told = client.use("me/draw", use_async=True), client.use("me/digests", use_async=True)
        task = asyncio.ensure_future(draw())
        result: Any = await told(files=[draw(), task, task])
        assert json.loads(result) == [RED] * 3

        async def failing() -> None:
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            await told(files=[failing()])
        await client.close()

    asyncio.run(main())


def test_a_coroutine_in_blocking_code(server: Server) -> None:
    """A blocking client refuses a coroutine, and the error names its place in the input."""

    async def late() -> None: ...

    coroutine = late()
    with (
        server.client() as client,
        pytest.raises(TypeError, match=r"^input\['file'\] is a coroutine, which a blocking"),
    ):
        client.run("me/digest", input={"file": coroutine})
    coroutine.close()


def test_outputs_of_the_other_colour(server: Server) -> None:
    """A prediction may belong to a client of the other colour, or to none. An iterator or a run may not."""

    async def main(earlier: Any, iterator: Any, run: Any) -> None:
        async with server.async_client() as client:
            assert await client.run("me/digest", input={"file": earlier}) == RED
            for other in (iterator, run):
                with pytest.raises(TypeError, match=r"^input\['file'\]: this .* belongs to a .*client"):
                    await client.run("me/digest", input={"file": other})

    with server.client() as client:
        earlier = client.predictions.create(model="me/draw", input={})
        iterator: Any = client.use("me/draw-all", streaming=True)(colours=["red"])
        asyncio.run(main(earlier, iterator, client.use("me/draw").create()))
        assert earlier.status == "succeeded"
        assert client.run("me/digest", input={"file": iterator}) == RED
        copy = pickle.loads(pickle.dumps(earlier))  # without a client
        assert client.run("me/digest", input={"file": copy}) == RED
        assert isinstance(client, Replicate)


async def test_a_failed_prediction_carries_itself(client: Any) -> None:
    """The error is the same as from the prediction's own `wait`."""
    earlier = await got(client.predictions.create(model="me/fail", input={}))
    with pytest.raises(ModelError) as caught:
        await got(client.run("me/repeat", input={"text": earlier}))
    assert caught.value.prediction.id == earlier.id
