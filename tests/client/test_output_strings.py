"""`prediction.output`: the API's data, in which strings that are file URLs have the methods of a file."""

import asyncio
import copy
import io
import json
import os
import pickle
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image
from support.colours import collect, connect, got, scripted
from support.sample_models import Script, link, model, prediction

import replicate
from replicate import Prediction, Training
from replicate._outputs.file_string import FileString
from replicate.local import Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from replicate.local import Server

DELIVERED = "https://replicate.delivery/pb/out.png"


def picture(colour: str = "red") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(content, "PNG")
    return content.getvalue()


def frames() -> Iterator[bytes]:
    """Paint two pictures."""
    yield picture("red")
    yield picture("blue")


MODELS = {
    "me/one": Model(picture, official=True),
    "me/frames": Model(frames, official=True),
    "me/link": Model(link, official=True),
}


@pytest.fixture(scope="module")
def shared_server() -> "Iterator[Server]":
    with local_server(MODELS) as srv:
        yield srv


async def finished(client: Any, name: str) -> Any:
    return await got((await got(client.predictions.create(name, {}))).wait())


async def test_an_output_is_a_string_and_a_file(client: Any, tmp_path: Path) -> None:
    """An output file is its URL as a `str`, and can be read and saved through the prediction's client."""
    made = await finished(client, "me/one")
    output = made.output
    assert isinstance(output, str)
    assert isinstance(output, FileString)
    assert await got(output.read()) == picture()
    assert await got(output.save(tmp_path)) == tmp_path / "output.png"
    assert (output.name, output.content_type, output.size) == ("output.png", "image/png", len(picture()))
    assert output.expires_at > made.completed_at
    assert output == output.url == made["output"]
    assert type(output.url) is type(str(output)) is str


def test_uses_of_an_output_in_version_1(server: "Server", tmp_path: Path) -> None:
    """`urlretrieve`, `urlopen`, httpx and `"".join` accept an output as its URL, as in version 1."""
    with connect("blocking", bearer_token=server.token, base_url=server.base_url) as client:
        outputs = client.predictions.create("me/frames", {}).wait().output
    first: Any = outputs[0]
    urllib.request.urlretrieve(first, tmp_path / "first.png")
    assert (tmp_path / "first.png").read_bytes() == picture("red")
    with urllib.request.urlopen(first) as answer:
        assert Image.open(answer).size == (4, 4)
    assert httpx.get(first).content == picture("red")
    assert "".join(outputs) == outputs[0] + outputs[1]
    assert [*first] == list(str(first))
    assert os.fspath(first) == first.url


async def test_items_of_an_iterator_are_strings_and_files(client: Any) -> None:
    """`output_iterator` yields the same items as `output`."""
    made = await got(client.predictions.create("me/frames", {}))
    items = await collect(made.output_iterator())
    assert [await got(item.read()) for item in items] == [picture("red"), picture("blue")]
    assert items == made.output


async def test_a_known_schema_decides(client: Any) -> None:
    """A URL counts as text once the client has fetched a schema that says so. Before that it counts as a file."""
    assert isinstance((await finished(client, "me/link")).output, FileString)
    await got(client.run("me/link"))  # fetches no schema
    assert isinstance((await finished(client, "me/link")).output, FileString)
    assert await got(client.use("me/link")()) == link()
    assert type((await finished(client, "me/link")).output) is str
    assert isinstance((await finished(client, "me/one")).output, FileString)


async def test_the_schema_of_another_version_does_not_count(colour: str) -> None:
    """The schema of a model's latest version does not apply to predictions of other versions."""
    output = {"type": "string"}
    script = Script(
        model=[model(output=output, official=False)],
        create=[prediction("succeeded", output="a", model="me/model")],
        get=[prediction("succeeded", output=DELIVERED, model="me/model", version="0" * 64)],
    )
    client = scripted(colour, script)
    await got(client.use("me/model")())
    assert script.asked == ["GET /models/me/model", "POST /predictions"]
    assert isinstance((await got(client.predictions.get("p1"))).output, FileString)


def made_of(output: Any) -> Any:
    return Prediction.from_dict(prediction("succeeded", output=output))


def test_nested_outputs() -> None:
    """Files are found in lists and dictionaries. Other values stay unchanged."""
    raw = {
        "a": [{"mask": DELIVERED, "score": 0.5}],
        "b": "text",
        "c": None,
        "d": "see https://example.com/page",
        "e": "http://elsewhere.test/a.png",
    }
    output = made_of(raw).output
    assert output == raw
    assert isinstance(output["a"][0]["mask"], FileString)
    assert isinstance(output["e"], FileString)
    assert type(output["d"]) is str
    assert json.loads(json.dumps(output)) == raw


@pytest.mark.parametrize(
    "output", [None, "text", ["a", "b"], {"a": 1}, 3, [], "https:", "see https://example.com/a.png"]
)
def test_an_output_without_files_is_not_copied(output: Any) -> None:
    """An output without files is returned as it is, without a copy."""
    assert made_of(output).output is output


def test_an_output_is_converted_once() -> None:
    """`output` is converted once, until it is replaced."""
    made = made_of([DELIVERED])
    first = made.output
    assert made.output is first
    made.output = [DELIVERED, "x"]
    assert made.output == [DELIVERED, "x"]
    assert isinstance(made.output[0], FileString)


def test_an_output_is_converted_at_its_first_access() -> None:
    """`output` is converted at its first access, not when the response is read."""
    assert not [value for value in vars(made_of([DELIVERED])).values() if "File" in type(value).__name__]
    assert "_output" not in vars(made_of([DELIVERED]))


def test_plain_data_is_plain() -> None:
    """Dictionaries, JSON and pickles of a prediction contain a plain `str`, and copies convert `output` anew."""
    made = made_of(DELIVERED)
    assert isinstance(made.output, FileString)
    for data in (made.to_dict(), made.dict(), made.model_dump(), dict(made), vars(pickle.loads(pickle.dumps(made)))):
        assert type(data["output"]) is str
    assert b"FileString" not in pickle.dumps(made)
    for other in (copy.copy(made), copy.deepcopy(made), made.copy(update={"output": "x"})):
        assert "_output" not in vars(other)
    assert made == copy.deepcopy(made)
    assert json.loads(made.to_json())["output"] == DELIVERED


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_string_can_be_copied(twin: Any) -> None:
    """Copies and pickles of an output string are equal, hash alike and are files, too."""
    output = made_of(DELIVERED).output
    output.seek(3)
    other = twin(output)
    assert (other, hash(other), type(other)) == (output, hash(DELIVERED), FileString)
    assert (other.tell(), other.name, {other: 1}[DELIVERED]) == (3, "out.png", 1)


def test_the_file_has_the_colour_of_its_prediction(server: "Server") -> None:
    """An output that a blocking prediction converted while it was awaited is read by the blocking client again."""
    with connect("blocking", bearer_token=server.token, base_url=server.base_url) as client:
        made = client.predictions.create("me/one", {})

        async def wait() -> None:
            await made.async_wait(on_update=lambda run: run.output)

        asyncio.run(wait())
        assert made.output.read() == picture()


def test_a_string_without_a_client_reads_by_the_default_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of a prediction without a client, such as a webhook's, is read by the default client."""
    client = replicate.Client("t", transport=httpx.MockTransport(lambda request: httpx.Response(200, content=b"abc")))
    monkeypatch.setitem(vars(replicate), "default_client", client)
    assert made_of("https://replicate.delivery/pb/default.bin").output.read() == b"abc"
    client.close()


async def test_the_weights_of_a_training(colour: str) -> None:
    """A training's weights are the URL as sent, and a file. `to_dict` returns plain data."""
    url = "https://replicate.delivery/pb/weights.tar"
    answer = {**prediction("succeeded"), "output": {"weights": url, "version": "me/mine:v"}}
    served, told = httpx.Response(200, content=b"weights"), httpx.Response(200, json=answer)
    client = scripted(colour, lambda request: served if "delivery" in request.url.host else told)
    training = await got(client.trainings.get("t1"))
    assert training.output.weights == url
    assert await got(training.output.weights.read()) == b"weights"
    assert training.output["weights"] == url
    assert type(training.to_dict()["output"]["weights"]) is str
    assert training.destination == "me/mine"
    assert pickle.loads(pickle.dumps(training)) == training
    assert Training.from_dict(prediction("starting")).output is None
    assert Training.from_dict({**answer, "output": {"version": "v"}}).output.weights is None
