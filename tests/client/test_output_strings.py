"""`prediction.output`: what the API sent, whose strings that are files have the methods of a file."""

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
    """It is the URL wherever a `str` is wanted, and can be read and saved through the prediction's client."""
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


def test_what_version_1_was_used_with_works(server: "Server", tmp_path: Path) -> None:
    """`urlretrieve`, `urlopen`, httpx and `"".join` take it for the URL that it is."""
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


async def test_items_of_an_iterator_are_both_too(client: Any) -> None:
    """`output_iterator` gives what `output` would."""
    made = await got(client.predictions.create("me/frames", {}))
    items = await collect(made.output_iterator())
    assert [await got(item.read()) for item in items] == [picture("red"), picture("blue")]
    assert items == made.output


async def test_the_schema_decides_where_it_is_known(client: Any) -> None:
    """A text that is a URL is a text once the client has looked the model up; till then it is a file."""
    assert isinstance((await finished(client, "me/link")).output, FileString)
    await got(client.run("me/link"))  # which looks nothing up
    assert isinstance((await finished(client, "me/link")).output, FileString)
    assert await got(client.use("me/link")()) == link()
    assert type((await finished(client, "me/link")).output) is str
    assert isinstance((await finished(client, "me/one")).output, FileString)


async def test_the_schema_of_another_version_does_not_count(colour: str) -> None:
    """What is known of a model's latest version says nothing of a prediction with another one."""
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
    """Files are found in lists and dictionaries, whose other values stay what they are."""
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
def test_an_output_without_files_is_itself(output: Any) -> None:
    """Nothing is made, or copied, where there is no file."""
    assert made_of(output).output is output


def test_an_output_is_made_once() -> None:
    """It is the same object at each look, until the prediction is loaded anew or its output replaced."""
    made = made_of([DELIVERED])
    first = made.output
    assert made.output is first
    made.output = [DELIVERED, "x"]
    assert made.output == [DELIVERED, "x"]
    assert isinstance(made.output[0], FileString)


def test_nothing_is_made_before_it_is_looked_at() -> None:
    """An answer is read without looking for files in it."""
    assert not [value for value in vars(made_of([DELIVERED])).values() if "File" in type(value).__name__]
    assert "_output" not in vars(made_of([DELIVERED]))


def test_plain_data_is_plain() -> None:
    """Dictionaries, JSON and pickles of a prediction have a plain `str`, and copies make their own files."""
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
    """Copies and pickles of a string are equal to it, hash alike and are files too; a pickle has no client."""
    output = made_of(DELIVERED).output
    output.seek(3)
    other = twin(output)
    assert (other, hash(other), type(other)) == (output, hash(DELIVERED), FileString)
    assert (other.tell(), other.name, {other: 1}[DELIVERED]) == (3, "out.png", 1)


def test_the_file_has_the_colour_of_its_prediction(server: "Server") -> None:
    """What a blocking prediction showed while it was awaited reads by its own client again."""
    with connect("blocking", bearer_token=server.token, base_url=server.base_url) as client:
        made = client.predictions.create("me/one", {})

        async def wait() -> None:
            await made.async_wait(on_update=lambda run: run.output)

        asyncio.run(wait())
        assert made.output.read() == picture()


def test_a_string_without_a_client_reads_by_the_default_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of a prediction that came by no client, such as a webhook's, is read by the default client."""
    client = replicate.Client("t", transport=httpx.MockTransport(lambda request: httpx.Response(200, content=b"abc")))
    monkeypatch.setitem(vars(replicate), "default_client", client)
    assert made_of("https://replicate.delivery/pb/default.bin").output.read() == b"abc"
    client.close()


async def test_the_weights_of_a_training(colour: str) -> None:
    """They are the URL as it came, and a file; `to_dict` is plain."""
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
