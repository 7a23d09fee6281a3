"""`save_all` saves as many files as possible, each under its own name, and names those that fail."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from support.colours import connect, got
from support.faults import answer
from support.hosts import hosted

import replicate
from replicate import FileOutput, Prediction
from replicate._http.connections import concurrency as workers
from replicate.exceptions import FileExpiredError, FileTooLargeError, ModelError, SaveError

if TYPE_CHECKING:
    from pathlib import Path


def by_path(request: bytes) -> bytes:
    """Return a file whose content is its path, or 404 if the path contains "gone"."""
    path = request.split()[1]
    if b"gone" in path:
        return answer("404 Not Found", b"")
    return answer("200 OK", path, "Content-Type: image/png")


@pytest.fixture
def client(colour: str) -> Any:
    client = connect(colour, max_retries=0, allow_private_hosts=True)
    yield client
    if colour == "blocking":
        client.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_all_files_of_an_output(client: Any, tmp_path: Path) -> None:
    """Files in lists and dictionaries are replaced by their paths. Other values stay."""
    with hosted(by_path) as host:

        def file(path: str) -> FileOutput[Any]:
            return FileOutput(f"{host.origin}/{path}", client)

        output = {
            "pictures": [file("a.png"), file("x/a.png"), [file("b")]],
            "caption": "text",
            "scores": (1, None),
            "first": file("a.png"),
        }
        paths = await got(client.save_all(output, tmp_path))
    assert paths == {
        "pictures": [tmp_path / "a.png", tmp_path / "a-2.png", [tmp_path / "b.png"]],
        "caption": "text",
        "scores": [1, None],
        "first": tmp_path / "a.png",
    }
    assert names(tmp_path) == ["a-2.png", "a.png", "b.png"]
    assert (tmp_path / "a.png").read_bytes() == b"/a.png"
    assert (tmp_path / "a-2.png").read_bytes() == b"/x/a.png"
    assert host.connections == 3  # the same file is downloaded once


async def test_files_that_fail_are_named(client: Any, tmp_path: Path) -> None:
    """A file that fails does not stop the others. The error names it, and has the paths of the others."""
    with hosted(by_path) as host:
        output = [FileOutput(f"{host.origin}/{name}", client) for name in ("a.png", "gone.png", "b.png", "gone/c.png")]
        with pytest.raises(
            SaveError, match=r"2 of 4 files could not be saved: .*/gone\.png \(404.*\), and 1 more"
        ) as caught:
            await got(client.save_all(output, tmp_path, concurrency=2))
    assert caught.value.paths == [tmp_path / "a.png", None, tmp_path / "b.png", None]
    assert [*caught.value.errors] == [output[1].url, output[3].url]
    assert {type(error) for error in caught.value.errors.values()} == {FileExpiredError}
    assert isinstance(caught.value.__cause__, FileExpiredError)
    assert names(tmp_path) == ["a.png", "b.png"]


async def test_one_file_that_fails_twice(client: Any, tmp_path: Path) -> None:
    """A failing file that is listed twice counts as two missing files."""
    with hosted(by_path) as host:
        output = [FileOutput(f"{host.origin}/{name}", client) for name in ("gone.png", "gone.png", "b.png")]
        with pytest.raises(SaveError, match=r"2 of 3 files could not be saved: .*/gone\.png .*, and 1 more"):
            await got(client.save_all(output, tmp_path))


async def test_earlier_files_stay(client: Any, tmp_path: Path) -> None:
    """Files from another run are not overwritten. An output's own file that is already there is not saved again."""
    (tmp_path / "a.png").write_bytes(b"an earlier one")
    with hosted(by_path) as host:
        output = [FileOutput(f"{host.origin}/{name}", client) for name in ("a.png", "b.png")]
        first = await got(client.save_all(output, tmp_path))
        assert first == [tmp_path / "a-2.png", tmp_path / "b.png"]
        assert (await got(client.save_all(output[1:], tmp_path))) == first[1:]
    assert (tmp_path / "a.png").read_bytes() == b"an earlier one"


async def test_numbers_follow_the_list(client: Any, tmp_path: Path) -> None:
    """Files of the same name are numbered in list order, after existing ones, whichever download ends first."""
    with hosted(by_path) as host:
        for run in (1, 2):
            output = [FileOutput(f"{host.origin}/{run}/{place}/out.png", client) for place in range(8)]
            paths = await got(client.save_all(output, tmp_path))
            assert paths == [
                tmp_path / ("out.png" if number == 1 else f"out-{number}.png")
                for number in range(run * 8 - 7, run * 8 + 1)
            ]
            assert [path.read_bytes() for path in paths] == [f"/{run}/{place}/out.png".encode() for place in range(8)]


def test_an_iterator_that_fails(tmp_path: Path) -> None:
    """The files that a failing iterator has yielded are saved, and the error has their paths."""
    with hosted(by_path) as host:

        def frames() -> Any:
            yield FileOutput(f"{host.origin}/a.png", client)
            yield FileOutput(f"{host.origin}/gone.png", client)
            raise ModelError(Prediction(id="p1", status="failed", error="out of paint"))

        client = replicate.Replicate(bearer_token="x", max_retries=0, allow_private_hosts=True)
        with client, pytest.raises(ModelError, match="out of paint") as caught:
            client.save_all(frames(), tmp_path)
    assert vars(caught.value)["paths"] == [tmp_path / "a.png", None]
    assert names(tmp_path) == ["a.png"]


def test_the_folder_does_not_follow_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the working directory changes meanwhile, the files are still saved in the original folder."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    with hosted(by_path) as host, replicate.Replicate(bearer_token="x", allow_private_hosts=True) as client:
        output = [FileOutput(f"{host.origin}/a.png", client)]
        paths = client.save_all(output, "frames", progress=lambda *_: os.chdir(tmp_path / "elsewhere"))
    assert paths == [tmp_path / "frames" / "a.png"]
    assert names(tmp_path / "frames") == ["a.png"]


async def test_no_error_shows_a_signature(client: Any, tmp_path: Path) -> None:
    """An error shows a signed URL without its signature. Only the keys of `errors` contain the whole URL."""
    with hosted(by_path) as host:
        output = FileOutput(f"{host.origin}/gone.png?X-Signature=secret", client)
        with pytest.raises(SaveError) as caught:
            await got(client.save_all([output], tmp_path))
        assert "secret" not in str(caught.value)
        with pytest.raises(FileTooLargeError) as refused:
            await got(FileOutput(f"{host.origin}/a.png?X-Signature=secret", client).read(max_bytes=1))
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("outputs", "options", "error", "said"),
    [
        ([], {"concurrency": 0}, ValueError, "concurrency must be 1 or more"),
        ([], {"concurrency": "2"}, TypeError, "concurrency must be an int"),
        ([], {"max_bytes": 0}, ValueError, "max_bytes must be 1 or more"),
        ([], {"progress": 7}, TypeError, "progress must be True, False or a function"),
        ([], {"folder": None}, TypeError, "folder must be a str or a path, not NoneType"),
        (["https://example.com/a.png"], {}, ValueError, r"outputs are URLs, and no files: .* FileOutput\(url\)"),
        ("data:,a", {}, ValueError, "outputs are URLs, and no files"),
        (Prediction(output=[]), {}, TypeError, "outputs must be an output, not a Prediction: pass what its output is"),
        ([], {"folder": "a\0b"}, ValueError, "folder must be the path of a folder"),
        ([], {"folder": ""}, ValueError, "folder must be the path of a folder"),
        ([], {"folder": __file__}, NotADirectoryError, "which is no folder"),
    ],
)
async def test_bad_arguments(client: Any, outputs: Any, options: Any, error: Any, said: str, tmp_path: Path) -> None:
    """Invalid arguments are refused before anything is downloaded, and the error names them."""
    with pytest.raises(error, match=said):
        await got(client.save_all(outputs, **{"folder": tmp_path, **options}))


async def test_the_folder_is_made(client: Any, tmp_path: Path) -> None:
    """A missing folder is made, with its parents."""
    output = FileOutput("data:text/plain,a", client)
    [path] = await got(client.save_all([output], tmp_path / "new" / "folder"))
    assert path.parent == tmp_path / "new" / "folder"
    assert path.read_bytes() == b"a"


async def test_outputs_that_come_one_by_one(client: Any, tmp_path: Path) -> None:
    """An iterable is read to its end. An asynchronous one must be collected first."""

    async def later() -> Any:
        yield 1

    assert await got(client.save_all((number for number in (1, 2)), tmp_path)) == [1, 2]
    assert await got(client.save_all(None, tmp_path)) is None
    with pytest.raises(TypeError, match="collect them first"):
        await got(client.save_all(later(), tmp_path))


async def test_each_file_is_bounded(client: Any, tmp_path: Path) -> None:
    """`max_bytes` applies to each file."""
    with hosted(by_path) as host:
        output = [FileOutput(f"{host.origin}/{name}", client) for name in ("a", "long-name")]
        with pytest.raises(SaveError, match=r"1 of 2 .*long-name has more than max_bytes=5") as caught:
            await got(client.save_all(output, tmp_path, max_bytes=5))
    assert isinstance(caught.value.__cause__, FileTooLargeError)
    assert names(tmp_path) == ["a.png"]


async def test_progress_of_all(client: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The callback gets the bytes of all files so far, and the total once it is known. `True` shows them."""
    told = list[tuple[int, int | None]]()
    with hosted(by_path) as host:
        output = [FileOutput(f"{host.origin}/{name}", client) for name in ("a", "b", "c")]
        await got(client.save_all(output, tmp_path, concurrency=1, progress=lambda *each: told.append(each)))
        assert [*dict.fromkeys(told)] == [(2, None), (4, None), (6, 6)]
        other = [FileOutput(f"{host.origin}/{name}", client) for name in ("d", "e")]
        await got(client.save_all(other, tmp_path, progress=True))
        said = capsys.readouterr().err
        assert "2 of 2 files, 0.0 MB of 0.0 MB: 100%" in said
        await got(FileOutput(f"{host.origin}/f", client).save(tmp_path, progress=True))
        assert "\r0.0 MB of 0.0 MB: 100%" in capsys.readouterr().err


def test_the_function_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`replicate.save_all` saves with the default client."""
    monkeypatch.setitem(vars(replicate), "default_client", replicate.Client("t", allow_private_hosts=True))
    with hosted(by_path) as host:
        assert replicate.save_all([FileOutput(f"{host.origin}/a.png")], tmp_path) == [tmp_path / "a.png"]
    replicate.default_client.close()


def test_threads_end_at_an_interrupt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C ends the threads at the next bytes. No partial file stays, and no download is started."""
    begun, go = threading.Event(), threading.Event()

    class Interrupted(threading.Thread):
        def join(self, timeout: float | None = None) -> None:
            if timeout is None:
                begun.wait(20)
                raise KeyboardInterrupt
            go.set()
            super().join(20)

    def slow(request: bytes) -> bytes:
        begun.set()
        go.wait(20)
        return by_path(request)

    monkeypatch.setattr(workers, "Thread", Interrupted)
    with hosted(slow) as host, replicate.Replicate(bearer_token="t", max_retries=0, allow_private_hosts=True) as client:
        output = [FileOutput(f"{host.origin}/{name}", client) for name in "abcdef"]
        with pytest.raises(KeyboardInterrupt):
            client.save_all(output, tmp_path, concurrency=1)
        assert host.connections == 1
    assert names(tmp_path) == []
    assert not [thread for thread in threading.enumerate() if thread.name == "replicate-worker"]


def test_threads_share_a_download() -> None:
    """Threads that need the same file at the same time download it once."""
    started = threading.Event()
    with hosted(lambda request: by_path(request) if started.wait(20) else b"") as host:
        output = host.output("/a.png")
        threads = [threading.Thread(target=output.__fspath__) for _ in range(5)]
        for thread in threads:
            thread.start()
        started.set()
        for thread in threads:
            thread.join()
        assert host.connections == 1
