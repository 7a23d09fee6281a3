"""Outputs used as files, paths and values by Python's own and other libraries."""

from __future__ import annotations

import base64
import io
import os
import shutil
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile
from support.colours import connect, got
from support.faults import answer
from support.hosts import CONTENT, Ranged, hosted

from replicate import FileOutput
from replicate._files import data_uri
from replicate.exceptions import NotFoundError

PNG = io.BytesIO()
Image.new("RGB", (3, 2), "red").save(PNG, "png")
PICTURE = answer("200 OK", PNG.getvalue(), "Content-Type: image/png")


@pytest.mark.parametrize("blocking", [True, False])
def test_a_buffered_reader_reads_it(blocking: bool) -> None:  # noqa: FBT001
    """`io.BufferedReader` accepts an output as a raw stream, whatever the client."""
    with hosted() as host:
        reader = io.BufferedReader(host.output(blocking=blocking))  # type: ignore[arg-type]  # it expects a RawIOBase
        assert reader.read(10) == CONTENT[:10]
        assert reader.peek(1)[:1] == CONTENT[10:11]
        assert reader.seek(-10, os.SEEK_END) == len(CONTENT) - 10
        assert reader.read() == CONTENT[-10:]
        reader.close()
        assert host.connections == 1


@given(st.lists(st.tuples(st.sampled_from(["read", "readinto", "seek", "cur", "end"]), st.integers(0, 300_000))))
def test_an_output_behaves_like_an_open_file(steps: list[tuple[str, int]]) -> None:
    """After any sequence of reads and seeks, an output reads the same as an open file with its content."""
    output, file = OUTPUT["one"], io.BytesIO(CONTENT)
    output.seek(0)
    for way, number in steps:
        match way:
            case "read":
                assert output.read(number) == file.read(number)
            case "readinto":
                one, other = bytearray(number % 1000), bytearray(number % 1000)
                assert output.readinto(one) == file.readinto(other)
                assert one == other
            case _:
                whence = {"seek": os.SEEK_SET, "cur": os.SEEK_CUR, "end": os.SEEK_END}[way]
                offset = -min(number, len(CONTENT)) if way == "end" else number
                assert output.seek(offset, whence) == file.seek(offset, whence)
        assert output.tell() == file.tell()


async def test_the_whole_content_is_read_again(blocking: Any) -> None:
    """`read()` returns the whole content each time, as in version 1, unless a part was read or a position was set."""
    with hosted() as host:
        output = host.output(**blocking)
        assert [await got(output.read()), await got(output.read())] == [CONTENT, CONTENT]
        assert output.tell() == 0
        assert [await got(output.read(10)), await got(output.read()), await got(output.read())] == [
            CONTENT[:10],
            CONTENT[10:],
            b"",
        ]
        for rest in (-1, None):  # as libraries call it
            output.seek(0)
            assert [await got(output.read(rest)), await got(output.read(rest))] == [CONTENT, b""]
        assert host.connections == 1


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


OUTPUT: dict[str, Any] = {}


@pytest.fixture(autouse=True, scope="module")
def _one() -> Any:
    with hosted() as host:
        OUTPUT["one"] = host.output()
        yield


def test_text_and_archives(tmp_path: Path) -> None:
    """`io.TextIOWrapper` and `tarfile` read an output as a file, and `shutil` copies it as a path."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        information = tarfile.TarInfo("a.txt")
        information.size = 5
        archive.addfile(information, io.BytesIO(b"hello"))
    with hosted(answer("200 OK", packed.getvalue())) as host, tarfile.open(fileobj=host.output()) as archive:
        assert archive.extractfile("a.txt").read() == b"hello"  # type: ignore[union-attr]
    with hosted(answer("200 OK", "é\nb".encode())) as host:
        text = io.TextIOWrapper(host.output(), encoding="utf-8")  # type: ignore[type-var]  # as above
        assert list(text) == ["é\n", "b"]
        assert shutil.copy(host.output(), tmp_path / "copy") == tmp_path / "copy"
        with host.output() as output:
            assert (output.readable(), output.seekable(), output.writable(), output.closed) == (
                True,
                True,
                False,
                False,
            )
    assert (tmp_path / "copy").read_text("utf-8") == "é\nb"


async def test_readers_at_the_same_time(blocking: Any, colour: str) -> None:
    """Tasks or threads that read one output in pieces get each byte once. A failed read takes none."""
    gone = answer("404 Not Found", b"")
    with hosted(gone, answer("200 OK", CONTENT)) as host:
        output = host.output(**blocking)
        with pytest.raises(NotFoundError):
            await got(output.read(1000))
        assert output.tell() == 0
        transport, pieces = output._session.transport, list[bytes]()

        async def read() -> None:
            while piece := await got(output.read(1000)):
                pieces.append(piece)

        await transport.together([read] * 8, 8, lambda: None)
        assert sorted(pieces) == sorted(CONTENT[at : at + 1000] for at in range(0, len(CONTENT), 1000))
        assert output.tell() == len(CONTENT)


@pytest.mark.parametrize("blocking", [True, False])
def test_threads_that_read_into_buffers(blocking: bool) -> None:  # noqa: FBT001
    """Threads that read an output as a raw stream get each byte once, whatever the client."""
    pieces = list[bytes]()
    with hosted() as host:
        output = host.output(blocking=blocking)

        def read() -> None:
            buffer = bytearray(1000)
            while count := output.readinto(buffer):
                pieces.append(bytes(buffer[:count]))

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(pieces) == sorted(CONTENT[at : at + 1000] for at in range(0, len(CONTENT), 1000))


async def test_a_picture(blocking: Any) -> None:
    """`to_pil` returns the loaded picture, which no longer needs the file."""
    with hosted(PICTURE) as host:
        image = await got(host.output(**blocking).to_pil())
    assert (image.size, image.format) == ((3, 2), "PNG")
    assert image.getpixel((0, 0)) == (255, 0, 0)


async def test_slow_work_is_done_off_the_event_loop(blocking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an event loop, pictures are decoded and data URIs are made or measured in a thread."""
    threads = list[threading.Thread]()

    def noted(function: Any) -> Any:
        def called(*args: Any) -> Any:
            threads.append(threading.current_thread())
            return function(*args)

        return called

    monkeypatch.setattr(ImageFile.ImageFile, "load", noted(ImageFile.ImageFile.load))
    monkeypatch.setattr(data_uri, "encoded", noted(data_uri.encoded))
    monkeypatch.setattr(data_uri, "pieces", noted(data_uri.pieces))
    with hosted(PICTURE) as host:
        output = host.output(**blocking)
        await got(output.to_pil())
        address = await got(output.as_data_uri())
    client = connect("blocking" if blocking["blocking"] else "asyncio")
    assert (await got(FileOutput(address, client).info())).size == len(PNG.getvalue())
    assert len(threads) == 3
    assert {each is threading.current_thread() for each in threads} == {blocking["blocking"]}
    await got(client.close())


async def test_without_pillow(blocking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Pillow, `to_pil` says how to get it, before anything is downloaded."""
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with hosted(PICTURE) as host:
        with pytest.raises(ImportError, match="pip install pillow"):
            await got(host.output(**blocking).to_pil())
        assert host.connections == 0


@pytest.mark.parametrize(
    ("kind", "said"), [("image/png", "image/png"), ("text/plain; charset=utf-8", "text/plain;charset=utf-8")]
)
async def test_a_data_uri(blocking: Any, kind: str, said: str) -> None:
    """`as_data_uri` returns the type and the content in one text."""
    with hosted(answer("200 OK", b"abc", f"Content-Type: {kind}")) as host:
        uri = f"data:{said};base64,{base64.b64encode(b'abc').decode()}"
        assert await got(host.output(**blocking).as_data_uri()) == uri


async def test_a_saved_file_is_read(blocking: Any, tmp_path: Path, cache: Path) -> None:
    """A saved file is read from where it was saved, and neither downloaded nor written again."""
    with hosted(Ranged()) as host:
        output = host.output(**blocking)
        saved = await got(output.save(tmp_path / "a.bin"))
        assert files(cache) == []
        assert await got(output.read(5)) == CONTENT[:5]
        assert os.fspath(output) == str(saved)
        assert await got(output.save(tmp_path / "b.bin")) == tmp_path / "b.bin"
        assert await got(output.save(tmp_path / "a.bin")) == saved
        assert await got(output.read(5)) == CONTENT[5:10]
        assert host.connections == 1
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes() == CONTENT


@pytest.mark.parametrize("change", ["write", "remove", "replace"])
async def test_a_saved_file_that_was_changed(blocking: Any, change: str, tmp_path: Path) -> None:
    """A saved file that was changed, removed or replaced is downloaded again."""
    with hosted(Ranged()) as host:
        output = host.output(**blocking)
        saved = await got(output.save(tmp_path / "a.bin"))
        if change == "write":
            os.utime(saved, ns=(1, 1))
        else:
            saved.unlink()
        if change == "replace":
            saved.write_bytes(CONTENT)
        assert await got(output.read()) == CONTENT
        assert host.connections == 2


class Slow(io.RawIOBase):
    """A raw file that takes seven bytes at a time, and none after some number."""

    def __init__(self, most: int) -> None:
        self.taken, self._most = b"", most

    def writable(self) -> bool:
        return True

    def write(self, block: Any) -> int | None:
        part = bytes(block)[: min(7, self._most - len(self.taken))]
        self.taken += part
        return len(part) or None


async def test_a_raw_file_gets_all(colour: str) -> None:
    """A raw file that writes in parts gets the whole content. If it takes no more, an error says so."""
    output = FileOutput("data:,0123456789abcdef", connect(colour))
    slow: Any = Slow(100)
    await got(output.save(slow))
    assert slow.taken == b"0123456789abcdef"
    full: Any = Slow(10)
    with pytest.raises(BlockingIOError, match="takes no more"):
        await got(output.save(full))


async def test_copies_that_were_cleaned_away_are_downloaded_again(colour: str) -> None:
    """An output whose copy in the temporary folder was removed is downloaded again."""
    output = FileOutput("data:,content", connect(colour))
    shutil.rmtree(Path(os.fspath(output)).parents[1])
    assert await got(output.read()) == b"content"
