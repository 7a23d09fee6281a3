"""`save_to=` of a call and `output_dir=` of a client save the files of an output as they come."""

import io
import pickle
import threading
from collections.abc import Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image
from support.colours import Clock, collect, each, got, leaves_streams, scripted
from support.sample_models import Script, link, model, prediction, version_of

import replicate
from replicate import FileOutput, ModelError, OutputList, Prediction, RunError, SaveError, StreamError
from replicate._jobs.output_files import Files
from replicate.local import Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from replicate.local import Server

pytestmark = leaves_streams
# ruff: noqa: ASYNC240 - files are checked between awaits


def picture(colour: str = "red") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (4, 4), colour).save(content, "PNG")
    return content.getvalue()


def painted(colours: str = "red") -> list[bytes]:
    """Paint several pictures with the same file name."""
    return [picture(colour) for colour in colours.split()]


def nested() -> dict[str, Any]:
    """Return a file inside other data."""
    return {"parts": [{"mask": picture(), "score": 0.5}], "label": "boat"}


def frames(colours: str = "red blue") -> Iterator[bytes]:
    """Yield one picture after the other."""
    for colour in colours.split():
        yield picture(colour)
    if "black" in colours:
        raise RuntimeError("out of paint")


def sentence() -> str:
    """Return a text that mentions a file's URL."""
    return f"{link()} is where it is"


def said(text: str) -> str:
    """Return the text."""
    return text


MODELS = {
    "me/one": Model(picture, official=True),
    "me/painted": painted,
    "me/nested": nested,
    "me/frames": Model(frames, official=True),
    "me/drawn": frames,
    "me/text": Model(link, official=True),
    "me/sentence": Model(sentence, official=True),
    "me/said": Model(said, official=True),
}


@pytest.fixture(scope="module")
def shared_server() -> "Iterator[Server]":
    with local_server(MODELS) as srv:
        yield srv


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "outputs"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("way", ["run", "use", "client"])
async def test_files_are_saved(client: Any, folder: Path, asked: Any, way: str) -> None:
    """The result is a FileOutput that reads its saved file, without another request."""
    match way:
        case "run":
            output = await got(client.run("me/one", {"colour": "blue"}, save_to=folder))
        case "use":
            output = await got(client.use("me/one", save_to=str(folder))(colour="blue"))
        case _:
            output = await got(client.with_options(output_dir=folder).run("me/one", {"colour": "blue"}))
    assert isinstance(output, FileOutput)
    [name] = names(folder)
    assert (folder / name).read_bytes() == picture("blue")
    before = len(asked())
    assert Path(output) == folder / name
    assert await got(output.read()) == picture("blue")
    assert len(asked()) == before


async def test_files_are_named_after_their_prediction(client: Any, folder: Path) -> None:
    """The name begins with the prediction's id and ends with the file's own name."""
    run = await got(client.use("me/one", save_to=folder).create())
    await got(run.output())
    assert names(folder) == [f"{run.prediction.id}-output.png"]


async def test_nothing_is_overwritten(client: Any, folder: Path) -> None:
    """Files of the same name get numbers, and the files of other predictions have other names."""
    for _ in range(2):
        await got(client.run("me/painted", {"colours": "red blue"}, save_to=folder))
    assert len(names(folder)) == 4
    assert sorted(path.read_bytes() for path in folder.iterdir()) == sorted([picture("red"), picture("blue")] * 2)


async def test_files_in_nested_outputs_are_saved(client: Any, folder: Path) -> None:
    """Files are found anywhere in an output. Other values stay unchanged."""
    output = await got(client.run("me/nested", save_to=folder))
    assert output["label"] == "boat"
    assert Path(output["parts"][0]["mask"]) == folder / names(folder)[0]


async def test_plain_urls_are_saved_too(client: Any, folder: Path) -> None:
    """With `use_file_output=False` the files are saved, and the call returns URLs."""
    output = await got(client.run("me/one", save_to=folder, use_file_output=False))
    assert type(output) is str
    assert len(names(folder)) == 1


async def test_text_is_not_saved(client: Any, folder: Path) -> None:
    """A URL that `use` knows as text is not saved, and neither is a text that contains a URL."""
    assert await got(client.use("me/text", save_to=folder)()) == link()
    assert await got(client.run("me/sentence", save_to=folder)) == sentence()
    assert names(folder) == []


async def test_text_that_is_a_url_is_saved(client: Any, folder: Path, server: "Server") -> None:
    """`run` saves the file of any text that is a URL, whatever the schema says and whatever the host."""
    url = str(await got(client.run("me/one", {"colour": "blue"})))
    output = await got(client.run("me/said", {"text": url}, save_to=folder))
    [name] = names(folder)
    assert (folder / name).read_bytes() == picture("blue")
    assert Path(output) == folder / name


@pytest.mark.parametrize("way", ["version", "use", "stream"])
async def test_items_are_saved_as_they_come(clients: Any, folder: Path, way: str) -> None:
    """Each file of an iterator is on disk when its item is yielded, while the model still runs."""
    go = threading.Event()

    def slow() -> Iterator[bytes]:
        yield picture("red")
        go.wait(20)
        yield picture("blue")

    with local_server({"me/slow": slow}) as srv:
        client, seen = clients(srv), []
        match way:
            case "version":
                reference = f"me/slow:{version_of(srv, 'me/slow')}"
                output = await got(client.run(reference, save_to=folder, wait=False))
            case "use":
                output = await got(client.use("me/slow", save_to=folder, streaming=True)())
            case _:
                output = client.stream("me/slow", save_to=folder)
        async with aclosing(each(output)) as items:
            async for item in items:
                if way != "stream" or item.event == "output":
                    file = item.data if way == "stream" else item
                    seen.append((Path(file).read_bytes(), len(names(folder)), go.is_set()))
                go.set()
    assert seen == [(picture("red"), 1, False), (picture("blue"), 2, True)]


async def test_items_that_come_whole_are_saved(client: Any, folder: Path) -> None:
    """A model called by name returns a list, all of whose files are on disk."""
    output = await got(client.run("me/frames", save_to=folder))
    assert isinstance(output, OutputList)
    assert sorted(Path(item).name for item in output) == names(folder)
    assert [Path(item).read_bytes() for item in output] == [picture("red"), picture("blue")]


async def test_streamed_files_are_saved(client: Any, folder: Path) -> None:
    """The file of an event is saved before the event is yielded."""
    stream = client.stream("me/frames", save_to=folder)
    saved = [(event.data, len(names(folder))) async for event in each(stream) if event.event == "output"]
    assert [number for _, number in saved] == [1, 2]
    assert [Path(output).read_bytes() for output, _ in saved] == [picture("red"), picture("blue")]


async def test_a_stream_of_a_prediction_saves_nothing(client: Any, folder: Path) -> None:
    """The stream of an existing prediction saves nothing. Only the call that starts a prediction saves its files."""
    client.output_dir = folder
    made = await got(client.predictions.create("me/frames", {"colours": "red"}))
    assert [event.event async for event in each(made.stream())] == ["output", "done"]
    assert not folder.exists()


async def test_the_folder_of_a_call_comes_before_that_of_the_client(client: Any, tmp_path: Path) -> None:
    """`output_dir` can be read and set, and `save_to` takes precedence over it."""
    client.output_dir = tmp_path / "client"
    assert client.output_dir == tmp_path / "client"
    await got(client.run("me/one", save_to=tmp_path / "call"))
    assert [path.name for path in tmp_path.iterdir()] == ["call"]
    client.output_dir = None
    await got(client.run("me/one"))
    assert [path.name for path in tmp_path.iterdir()] == ["call"]


async def test_the_folder_stays_where_it_was(client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path refers to the working directory at the time it was passed."""
    monkeypatch.chdir(tmp_path)
    model = client.use("me/one", save_to="here")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    await got(model())
    assert len(names(tmp_path / "here")) == 1


@pytest.mark.parametrize("wrong", [1, b"bytes", "", "nul\0"])
async def test_an_invalid_folder_is_refused(client: Any, asked: Any, wrong: Any) -> None:
    """A value that cannot be a path is refused, with its keyword's name, before anything is sent."""
    with pytest.raises((TypeError, ValueError), match="save_to must be the path of a folder"):
        await got(client.run("me/one", save_to=wrong))
    with pytest.raises((TypeError, ValueError), match="save_to must be the path of a folder"):
        client.use("me/one", save_to=wrong)
    with pytest.raises((TypeError, ValueError), match="output_dir must be the path of a folder"):
        client.output_dir = wrong
    assert asked() == []


async def test_a_folder_that_cannot_be_written_to_is_refused(client: Any, asked: Any, tmp_path: Path) -> None:
    """A folder that cannot be written to is refused before anything is sent."""
    taken = tmp_path / "taken"
    taken.touch()
    for path in (taken, taken / "below"):
        with pytest.raises(OSError, match="save_to, or output_dir, is no folder that can be written") as caught:
            await got(client.run("me/one", save_to=path))
        assert caught.value.filename == str(path)
        with pytest.raises(OSError, match="no folder that can be written"):
            await got(client.use("me/one", save_to=path)())
        with pytest.raises(OSError, match="no folder that can be written"):
            client.stream("me/one", save_to=path)
    assert asked() == []


@pytest.mark.parametrize("way", ["run", "use"])
async def test_an_output_that_cannot_be_saved_is_not_lost(clients: Any, folder: Path, way: str) -> None:
    """RunError carries the prediction, its output, whose files can still be read, and the error of each file."""
    with local_server({"me/spoil": Model(lambda: (folder.rmdir(), picture())[1], official=True)}) as srv:
        client = clients(srv)
        with pytest.raises(
            RunError, match=r"1 of the files of .* saved: .*No such file.*\. The output is in this error's"
        ) as caught:
            await got(
                client.run("me/spoil", save_to=folder) if way == "run" else client.use("me/spoil", save_to=folder)()
            )
        error = caught.value
        assert type(error) is RunError
        assert isinstance(error.__cause__, SaveError)
        assert error.prediction.status == "succeeded"
        assert await got(error.output.read()) == picture()
        [(url, why)] = error.errors.items()
        assert url == error.output.url
        assert isinstance(why, FileNotFoundError)
        assert error.__cause__.__cause__ is why
        again = pickle.loads(pickle.dumps(error))
        assert (again.output, str(again), [*again.errors]) == (error.output, str(error), [url])


@pytest.mark.parametrize("way", ["version", "use", "stream"])
async def test_items_that_cannot_be_saved_are_yielded(client: Any, server: "Server", folder: Path, way: str) -> None:
    """An iterator or a stream goes on after a file that could not be saved, and raises at its end."""
    match way:
        case "version":
            output = await got(client.run(f"me/drawn:{version_of(server, 'me/drawn')}", save_to=folder, wait=False))
        case "use":
            output = await got(client.use("me/frames", save_to=folder, streaming=True)())
        case _:
            output = client.stream("me/frames", save_to=folder)
    folder.rmdir()
    seen: list[Any] = []
    with pytest.raises(RunError, match="2 of the files of") as caught:
        await collect(output, seen)
    assert len([item for item in seen if way != "stream" or item.event == "output"]) == 2
    assert len(caught.value.errors) == 2
    assert caught.value.prediction is output.prediction
    assert await got(caught.value.output[1].read()) == picture("blue")


@pytest.mark.parametrize("way", ["use", "stream"])
async def test_the_error_of_a_failed_model_is_raised(client: Any, folder: Path, way: str) -> None:
    """The files that a model made before it failed are saved, and the model's error is raised."""
    if way == "use":
        model = client.use("me/frames", save_to=folder, streaming=True)
        output, kind = await got(model(colours="red black")), ModelError
    else:
        output, kind = client.stream("me/frames", {"colours": "red black"}, save_to=folder), StreamError
    with pytest.raises(kind, match="out of paint"):
        await collect(output)
    assert len(names(folder)) == 2


async def test_a_whole_output_of_a_failed_model_is_not_saved(client: Any, folder: Path) -> None:
    """A call that returns a whole output raises the model's error, and saves no files."""
    with pytest.raises(ModelError, match="out of paint"):
        await got(client.run("me/frames", {"colours": "red black"}, save_to=folder))
    assert names(folder) == []


def test_the_setting_of_the_package(server: "Server", folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`replicate.output_dir` sets the `output_dir` of the default client."""
    for name, value in (("bearer_token", server.token), ("base_url", server.base_url), ("output_dir", folder)):
        monkeypatch.setattr(replicate, name, value, raising=False)
    replicate.run("me/one")
    assert len(names(folder)) == 1
    replicate.output_dir = None
    replicate.run("me/one")
    assert len(names(folder)) == 1
    replicate.default_client.close()


@pytest.mark.parametrize("kind", [replicate.Replicate, replicate.AsyncReplicate, replicate.Client])
def test_the_keyword_of_each_client(kind: Any, folder: Path) -> None:
    """Every client takes `output_dir`. The folder is made at the first use."""
    assert kind(bearer_token="t", output_dir=str(folder)).output_dir == folder
    assert not folder.exists()


async def test_names_are_harmless_and_differ(colour: str, folder: Path) -> None:
    """A file without an extension gets one by its type, equal names get numbers, and no name leaves the folder."""
    told = httpx.Response(200, content=picture(), headers={"content-type": "image/png"})
    client = scripted(colour, lambda _: told)
    files: Files[Any] = Files(client._session, folder)
    folder.mkdir(parents=True)
    urls = [f"https://replicate.delivery/pb/{name}" for name in ("a/file", "b/file", "b/file", "..%2F..%2Fevil")]
    made: Any = Prediction.from_dict({"id": "../../p1", "status": "succeeded", "output": urls})
    await files.of(made)
    assert names(folder) == ["p1-evil.png", "p1-file-2.png", "p1-file.png"]


async def test_a_saved_output_knows_when_it_expires(client: Any, folder: Path) -> None:
    """An output has its time of expiry, saved or not."""
    for options in ({}, {"save_to": folder}):
        assert (await got(client.run("me/one", **options))).expires_at > datetime.now(UTC)


async def test_a_run_saves_its_output_once(client: Any, folder: Path) -> None:
    """A file that was saved is not saved again, unless it was changed or removed."""
    run = await got(client.use("me/one", save_to=folder).create())
    for _ in range(2):
        assert Path(await got(run.output())).parent == folder
    [name] = names(folder)
    (folder / name).unlink()
    await got(run.output())
    assert names(folder) == [name]


async def test_the_timeout_does_not_limit_saving(colour: str, folder: Path) -> None:
    """The timeout of a call limits the wait for the model, not the time to save its files."""

    def deliver(request: httpx.Request) -> httpx.Response:
        if "delivery" not in request.url.host:
            return script(request)
        clock.time += 100
        return httpx.Response(200, content=picture())

    output = {"type": "string", "format": "uri"}
    done = prediction("succeeded", output="https://replicate.delivery/pb/late.png")
    script = Script(model=[model(output=output)], create=[done])
    client = scripted(colour, deliver)
    clock = Clock(client)
    await got(client.run("me/model", timeout=5, save_to=folder))
    assert names(folder) == ["p1-late.png"]
