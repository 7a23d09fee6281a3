"""`client.use`: models as functions."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from support.colours import Clock, each, got, leaves_streams, scripted
from support.sample_models import Held, Script, model, prediction, version_of

from replicate import AuthenticationError, FileOutput, ModelError, OutputIterator, PredictionTimeout, ReplicateError
from replicate.local import Model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replicate import Client

pytestmark = leaves_streams


async def test_a_model_is_a_function(client: Any) -> None:
    """A model is called with its inputs as keywords and returns its output."""
    shout = client.use("me/official")
    assert await got(shout(text="a", times=2)) == "A!!"
    assert "me/official" in repr(shout)


async def test_concatenated_text_is_one_string(client: Any) -> None:
    """A model that concatenates returns a plain `str`. Other iterators return a list."""
    text = await got(client.use("me/words")(text="a b"))
    assert (type(text), text) == (str, "a b ")
    assert await got(client.use("me/numbers")(until=3)) == [0, 1, 2]


async def test_files_go_in_and_come_out(client: Any) -> None:
    """Files are passed and returned as by `run`."""
    file = io.BytesIO()
    Image.new("RGB", (2, 2), "blue").save(file, "PNG")
    result = await got(client.use("me/negative")(image=file))
    assert isinstance(result, FileOutput)
    with Image.open(io.BytesIO(await got(result.read()))) as opened:
        assert opened.getpixel((0, 0)) == (255, 255, 0)
    again = await got(client.use("me/negative")(image=result))
    with Image.open(io.BytesIO(await got(again.read()))) as opened:
        assert opened.getpixel((0, 0)) == (0, 0, 255)


async def test_streaming(clients: Any, held: Held) -> None:
    """With `streaming=True`, the function yields the items while the model makes them."""
    with held.served({"me/held": Model(held.words, official=True)}) as srv:
        output = await got(clients(srv).use("me/held", streaming=True)())
        assert isinstance(output, OutputIterator)
        seen = []
        async for item in each(output):
            seen.append((item, held.go.is_set()))
            held.go.set()
        assert seen == [("first ", False), ("second", True)]
        assert [request.json for request in srv.requests if request.method == "POST"] == [{"input": {}, "stream": True}]


@pytest.mark.parametrize("name", ["me/official", "me/link"])
async def test_streaming_a_model_that_is_no_iterator(client: Any, name: str) -> None:
    """With `streaming=True`, an output that is no iterator is the only item, and text stays text."""
    output = await got(client.use(name, streaming=True)())
    items = [item async for item in each(output)]
    assert items in (["HI!"], ["https://replicate.delivery/read-me.png"])
    assert not isinstance(items[0], FileOutput)


async def test_a_run_is_started_and_read_later(clients: Any, held: Held) -> None:
    """`create` returns a Run. Its `output` waits, and its `logs` fetch the current logs."""
    with held.served({"me/held": Model(held.text, official=True)}) as srv:
        client = clients(srv)
        run = await got(client.use("me/held").create())
        assert run.prediction.status == "starting"
        assert run.prediction.id in repr(run)
        assert await got(run.logs()) == ""
        Clock(client, lambda _: held.finish(srv))
        assert await got(run.output()) == "done"
        assert await got(run.output()) == "done"


async def test_logs_of_a_run(client: Any) -> None:
    """A Run's logs are the text that the model has printed."""
    run = await got(client.use("me/official").create(text="a"))
    await got(run.output())
    assert await got(run.logs()) == "shouting a\n"


async def test_a_started_stream(client: Any) -> None:
    """The Run of a streaming function yields its items."""
    run = await got(client.use("me/words", streaming=True).create(text="a b"))
    assert [item async for item in each(await got(run.output()))] == ["a ", "b "]


async def test_failures(client: Any) -> None:
    """A failed prediction raises an error from the call and from `output`."""
    broken = client.use("me/broken")
    with pytest.raises(ModelError, match="CUDA"):
        await got(broken())
    run = await got(broken.create())
    with pytest.raises(ModelError, match="CUDA"):
        await got(run.output())


async def test_inputs_have_names(client: Any, asked: Any) -> None:
    """Positional inputs, invalid inputs, names and timeouts are refused before anything is sent."""
    shout = client.use("me/official")
    with pytest.raises(TypeError, match=r"model\(prompt=\.\.\.\)"):
        await got(shout("a"))
    with pytest.raises(TypeError, match=r"model\(prompt=\.\.\.\)"):
        await got(shout.create("a"))
    with pytest.raises(ValueError, match="'text'"):
        await got(shout(text=float("nan")))
    with pytest.raises(ValueError, match="owner/name"):
        client.use("official")
    with pytest.raises(ValueError, match="positive"):
        client.use("me/official", timeout=-1)
    assert not asked()


async def test_the_schema(client: Any, asked: Any) -> None:
    """`openapi_schema` returns the model's schema, which is fetched once."""
    shout = client.use("me/official")
    schema = await got(shout.openapi_schema())
    assert list(schema["components"]["schemas"]["Input"]["properties"]) == ["text", "times"]
    await got(shout(text="a"))
    assert len(asked()) == 2


async def test_a_timeout_is_for_each_call(colour: str) -> None:
    """The timeout applies anew to each call, and to each wait for a Run's output."""
    script = Script(model=[model()], create=[prediction()], get=[prediction("processing")])
    client = scripted(colour, script)
    clock = Clock(client)
    function = client.use("me/model", timeout=15)
    for _ in range(2):
        with pytest.raises(PredictionTimeout, match="after 15 s"):
            await got(function())
    run = await got(function.create())
    with pytest.raises(PredictionTimeout):
        await got(run.output())
    assert clock.time == pytest.approx(45)


class Shout:
    """A class that describes a model."""

    name = "me/official"

    def __call__(self, text: str, times: int = 1) -> str: ...


@pytest.mark.parametrize("reference", [Shout, Shout(), "https://replicate.com/me/official"])
async def test_a_class_that_describes_a_model_names_it(client: Any, reference: Any) -> None:
    """A class or an object with the model's name can be passed instead of the name."""
    assert await got(client.use(reference)(text="a")) == "A!"


@pytest.fixture
def blocking_client(server: Any) -> Iterator[Client]:
    with server.client() as client:
        yield client


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
async def test_an_asynchronous_function_of_a_blocking_client(colour: str, blocking_client: Client) -> None:
    """With `use_async=True`, a blocking client returns a function to be awaited, with its own connections."""
    client = blocking_client
    assert await client.use("me/official", use_async=True)(text="a") == "A!"
    output = await client.use("me/words", use_async=True, streaming=True)(text="a b")
    assert [item async for item in output] == ["a ", "b "]
    run = await client.use("me/official", use_async=True).create(text="b")
    assert await run.output() == "B!"
    assert client.use("me/official")(text="c") == "C!"


async def test_a_hint_changes_nothing(client: Any) -> None:
    """`hint` has no effect at run time."""

    def hint(*, text: str) -> str: ...

    assert await got(client.use("me/official", hint=hint)(text="a")) == "A!"


async def test_all_inputs_in_one_dictionary(client: Any) -> None:
    """`function(input={…})`, as in version 2, passes the inputs in the dictionary."""
    assert await got(client.use("me/official")(input={"text": "a"})) == "A!"


@pytest.mark.parametrize("colour", ["blocking"], indirect=True)
async def test_an_iterator_is_no_list(client: Any, server: Any) -> None:
    """An index into an iterator raises an error that says what to write instead."""
    numbers = client.run(version_of(server, "me/numbers"), {"until": 2}, wait=False)
    for output, items in ((client.use("me/words", streaming=True)(text="a b"), ["a ", "b "]), (numbers, [0, 1])):
        with pytest.raises(TypeError, match=r"take list\(output\)\[0\]"):
            output[0]
        assert list(output) == items


@pytest.mark.parametrize("colour", ["asyncio", "trio"], indirect=True)
async def test_use_async_follows_its_client(colour: str, blocking_client: Client) -> None:
    """Later settings of a blocking client apply to its asynchronous functions, too."""
    client, token = blocking_client, blocking_client.bearer_token
    function = client.use("me/official", use_async=True)
    assert await function(text="a") == "A!"
    client.bearer_token = "r8_wrong"
    with pytest.raises(AuthenticationError):
        await function(text="a")
    client.bearer_token = token
    assert await function(text="a") == "A!"
    client.close()
    for call in (function, client.use("me/official", use_async=True)):
        with pytest.raises(ReplicateError, match="The client has been closed"):
            await call(text="a")
