"""Files among the inputs: sent as data URIs or uploaded, whatever they are read from."""

from __future__ import annotations

import asyncio
import base64
import bz2
import gzip
import io
import lzma
import mmap
import os
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.sessions import Scripted, scripted

from replicate import FileOutput
from replicate._dual.drive import drive
from replicate._files.sources import LARGEST_UPLOAD, inspect_file
from replicate._inputs.encode import LARGEST_DATA_URI, Inputs
from replicate.exceptions import APIResponseValidationError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
BIG = PNG + bytes(LARGEST_DATA_URI)
ADDRESS = "https://api.example.test/v1/files/f1/download"


def stored(request: httpx.Request) -> httpx.Response:
    return httpx.Response(201, json={"id": "f1", "urls": {"get": ADDRESS}})


def encoded(value: Any, strategy: Any = None, *answers: Any) -> tuple[Any, Scripted]:
    session, transport = scripted(*(answers or [stored]))
    return drive(Inputs(value, strategy).sent(session)), transport


def plain(value: Any, strategy: Any = None) -> Any:
    """Encode a value that must not need a request."""
    made, transport = encoded(value, strategy)
    assert transport.requests == []
    return made


def content_of(uri: str) -> tuple[str, bytes]:
    kind, _, data = uri.removeprefix("data:").partition(";base64,")
    return kind, base64.b64decode(data)


def uploaded(value: Any, strategy: Any = None) -> tuple[str, str, bytes]:
    """Encode a file that must be uploaded; return its name, type and content as the API receives them."""
    made, transport = encoded(value, strategy)
    assert made == ADDRESS
    [request] = transport.requests
    assert (request.method, request.url.path) == ("POST", "/v1/files")
    return part(request)


def part(request: httpx.Request) -> tuple[str, str, bytes]:
    found = re.search(
        rb'name="content"; filename="([^"]*)"\r\nContent-Type: ([^\r]*)\r\n\r\n(.*?)\r\n--', request.content, re.DOTALL
    )
    assert found
    assert int(request.headers["Content-Length"]) == len(request.content)
    return found[1].decode(), found[2].decode(), found[3]


# ---- small files


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, io.BytesIO], ids=lambda make: make.__name__)
def test_small_files_are_data_uris(make: Any) -> None:
    """A small file is sent as a data URI, with a type derived from its content."""
    assert content_of(plain(make(PNG))) == ("image/png", PNG)


@pytest.mark.parametrize("size", [LARGEST_DATA_URI, LARGEST_DATA_URI + 1])
def test_the_limit_for_data_uris(size: int) -> None:
    """Up to 256 kB are sent as a data URI; larger files are uploaded."""
    _, transport = encoded(bytes(size))
    assert len(transport.requests) == (size > LARGEST_DATA_URI)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.png", b"", "image/png"),
        ("a.WEBP", b"", "image/webp"),
        ("a.json", b"{}", "application/json"),
        ("a.tar.gz", b"", "application/gzip"),
        ("a", PNG, "image/png"),
        ("a.unknown-kind", b"\xff\xd8\xff\xe0", "image/jpeg"),
        ("a", b"RIFF0000WEBPVP8", "image/webp"),
        ("a", b"RIFF0000WAVEfmt ", "audio/wav"),
        ("a", b"\0\0\0\x18ftypmp42", "video/mp4"),
        ("a", b"", "application/octet-stream"),
        ("a", b"words", "application/octet-stream"),
    ],
)
def test_the_type_of_a_file(name: str, content: bytes, kind: str, tmp_path: Path) -> None:
    """A file's type is derived from its name, or else from its first bytes, for a path and for an open file."""
    path = tmp_path / name
    path.write_bytes(content)
    assert content_of(plain(path)) == (kind, content)
    with path.open("rb") as file:
        assert content_of(plain(file)) == (kind, content)


def test_an_open_file_is_sent_whole(tmp_path: Path) -> None:
    """An open file is sent from its beginning, whatever its position, each time it is passed, and stays open."""
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        file.seek(4)
        first, second = plain({"a": file, "b": [file]}).values()
        assert content_of(first)[1] == content_of(second[0])[1] == b"0123456789"
        assert not file.closed


def test_buffered_data_is_sent() -> None:
    """Data that is still in the buffer of a temporary file is sent too."""
    with tempfile.NamedTemporaryFile(suffix=".txt") as file:
        file.write(b"fresh")
        assert content_of(plain(file)) == ("text/plain", b"fresh")
        assert uploaded(file, "upload")[2] == b"fresh"


# ---- uploads


def test_large_files_are_uploaded_under_their_name(tmp_path: Path) -> None:
    """A large file is uploaded with its name and type, and the input has its URL."""
    path = tmp_path / "a picture.png"
    path.write_bytes(BIG)
    assert uploaded(path) == ("a picture.png", "image/png", BIG)
    with path.open("rb") as file:
        file.seek(7)
        assert uploaded(file) == ("a picture.png", "image/png", BIG)
        assert uploaded(file) == ("a picture.png", "image/png", BIG)


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, io.BytesIO], ids=lambda make: make.__name__)
def test_an_upload_without_a_name_gets_one(make: Any) -> None:
    """Bytes have no name, so the upload's name is made from their type."""
    assert uploaded(make(BIG)) == ("file.png", "image/png", BIG)


@pytest.mark.parametrize(
    ("strategy", "upload"),
    [(None, False), ("auto", False), ("base64", False), ("data-uri", False), ("url", True), ("upload", True)],
)
def test_strategies(strategy: Any, *, upload: bool) -> None:
    """The caller can choose data URIs or uploads for files of any size."""
    made, transport = encoded(b"small", strategy)
    assert len(transport.requests) == upload
    assert made.startswith("https:" if upload else "data:")
    if strategy in ("base64", "data-uri"):
        assert content_of(plain(BIG, strategy))[1] == BIG


def test_an_unknown_strategy() -> None:
    """An unknown strategy is refused even if there is no file."""
    with pytest.raises(ValueError, match=r"file_encoding_strategy must be one of 'auto', 'base64'.*not 'inline'"):
        encoded({}, "inline")


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    """A file above the limit of the files API is refused before anything is sent; the error says what to do instead."""
    path = tmp_path / "huge.bin"
    with path.open("wb") as file:
        file.truncate(LARGEST_UPLOAD + 1)
    session, transport = scripted(stored)
    with pytest.raises(
        ValueError, match=re.escape("input['video'] has 100.0 MiB, and the files API takes 100 MiB") + ".*pass its URL"
    ):
        drive(Inputs({"video": path}).sent(session))
    assert transport.requests == []
    with path.open("rb") as file, pytest.raises(ValueError, match=r"^file has"):
        inspect_file(file, "file")


def test_an_upload_is_repeated_whole() -> None:
    """After 429, the upload is repeated from its beginning, even if it came from a pipe."""
    throttled = [429, stored]
    made, transport = encoded(pipe(BIG), "upload", *throttled)
    assert made == ADDRESS
    assert [part(request)[2] for request in transport.requests] == [BIG, BIG]


@pytest.mark.parametrize("answer", [{"id": "f1"}, {"id": "f1", "urls": None}, {"id": "f1", "urls": {"get": 7}}])
def test_an_upload_without_a_url(answer: Any) -> None:
    """If the API's response has no URL, the upload is an error."""
    with pytest.raises(APIResponseValidationError, match="input was uploaded, but"):
        encoded(b"abc", "upload", httpx.Response(201, json=answer))


def test_uploading_in_asynchronous_code() -> None:
    """An asynchronous session uploads in the same way."""
    session, transport = scripted(stored, blocking=False)
    assert asyncio.run(Inputs({"a": io.BytesIO(BIG)}).sent(session)) == {"a": ADDRESS}
    assert part(transport.requests[0]) == ("file.png", "image/png", BIG)


# ---- files of other kinds


class Pipe(io.RawIOBase):
    """A stream that can be read only once."""

    def __init__(self, content: bytes) -> None:
        self.content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.content.readinto(buffer)


def pipe(content: bytes) -> Any:
    return Pipe(content)


class Minimal:
    """A minimal file object."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def read(self, size: int = -1) -> bytes:
        content, self.content = self.content, b""
        return content


@pytest.mark.parametrize("make", [pipe, Minimal])
@pytest.mark.parametrize("strategy", ["base64", "upload"])
def test_a_stream_that_can_be_read_once_is_sent(make: Any, strategy: str) -> None:
    """A pipe, or any object with only `read`, is sent with a type derived from its content."""
    if strategy == "upload":
        assert uploaded(make(PNG), strategy) == ("file.png", "image/png", PNG)
    else:
        assert content_of(plain(make(PNG), strategy)) == ("image/png", PNG)


def test_a_real_pipe() -> None:
    """A pipe of the operating system, whose descriptor has no size, is sent too."""
    reading, writing = os.pipe()
    os.write(writing, PNG)
    os.close(writing)
    with open(reading, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
        assert uploaded(file, "upload")[1:] == ("image/png", PNG)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe of Unix")
def test_the_path_of_a_pipe(tmp_path: Path) -> None:
    """The path of a pipe is refused; the error names the input and says what to do."""
    os.mkfifo(tmp_path / "a")
    with pytest.raises(ValueError, match=r"^input\['a'\]: .* is a pipe, not a file: pass it opened, with mode 'rb'$"):
        plain({"a": tmp_path / "a"})


class Seeking:
    """A foreign file object whose `seek` returns None, and which may report a wrong size."""

    def __init__(self, content: bytes, size: int | None = None) -> None:
        self.content, self.size, self.at, self.given = content, size, 0, 0

    def read(self, size: int = -1) -> bytes:
        assert size >= 0, "a file is read in pieces, or it may have no end"
        found = self.content[self.at : self.at + size]
        self.at += len(found)
        self.given += len(found)
        return found

    def seek(self, offset: int, whence: int = 0) -> None:
        self.at = offset if whence == os.SEEK_SET else len(self.content) if self.size is None else self.size

    def tell(self) -> int:
        return self.at


@pytest.mark.parametrize("strategy", ["base64", "upload"])
def test_a_seek_that_returns_nothing(strategy: str, tmp_path: Path) -> None:
    """Files whose `seek` does not return the position, such as memory maps, are sent too."""
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        for opened in (mapped, Seeking(PNG)):
            if strategy == "upload":
                assert uploaded(opened, strategy)[1:] == ("image/png", PNG)
            else:
                assert content_of(plain(opened, strategy)) == ("image/png", PNG)


@pytest.mark.parametrize("strategy", ["base64", "upload"])
@pytest.mark.parametrize("size", [0, 5, 50])
def test_a_file_with_more_than_its_size(size: int, strategy: str) -> None:
    """A file with more data than its size is read only one byte further, as it may be endless, and is refused."""
    file = Seeking(bytes(1000), size)
    message = f"input['a'] is a file that gives more than its size, {size} bytes"
    with pytest.raises(ValueError, match=re.escape(message)):
        plain({"a": file}, strategy)
    assert file.given <= 16 + size + 1  # the first bytes, which give the type, and the rest


@pytest.mark.parametrize("strategy", ["base64", "upload"])
@pytest.mark.parametrize("size", [1001, 5000])
def test_a_file_with_less_than_its_size(size: int, strategy: str) -> None:
    """A file with less data than its size is refused, since it would be sent incompletely."""
    message = f"input['a'] is a file that gives less than its size, {size} bytes"
    with pytest.raises(ValueError, match=re.escape(message)):
        plain({"a": Seeking(bytes(1000), size)}, strategy)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a device of Unix")
def test_a_device_without_an_end() -> None:
    """A device without an end, and so without a size, is refused."""
    with Path("/dev/zero").open("rb") as file, pytest.raises(ValueError, match=r"^input\['a'\] is a file that gives"):
        plain({"a": file})


def test_a_file_that_was_opened_for_writing(tmp_path: Path) -> None:
    """A file that cannot be read is refused; the error names the input and says what to do."""
    with (
        (tmp_path / "a").open("wb") as file,
        pytest.raises(ValueError, match=r"^input\['a'\] is a file that was opened for writing: open it with mode 'rb'"),
    ):
        plain({"a": file})


@pytest.mark.parametrize("broken", ["read", "seek", "tell"])
def test_a_file_that_raises(broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception of a file is reported with the name of the input, also for a file that can be read only once."""

    def fails(*_: Any) -> Any:
        raise RuntimeError("out of order")

    for kind in (Seeking, Minimal) if broken == "read" else (Seeking,):
        monkeypatch.setattr(kind, broken, fails)
        message = r"^input\['a'\] is a file that cannot be read: RuntimeError\('out of order'\)"
        with pytest.raises(ValueError, match=message):
            plain({"a": kind(PNG)})


@pytest.mark.parametrize(("module", "suffix"), [(gzip, ".gz"), (bz2, ".bz2"), (lzma, ".xz")])
def test_unpacked_content_is_not_named_after_the_packed_file(module: Any, suffix: str, tmp_path: Path) -> None:
    """A file opened through a decompressor has the name and type of its content, if the file has a name."""
    path = tmp_path / f"a.json{suffix}"
    with module.open(path, "wb") as file:
        file.write(b"{}")
    with module.open(path) as file:
        kind, content = content_of(plain(file))
        told = isinstance(getattr(file, "name", None), str)
    assert (kind, content) == ("application/json" if told else "application/octet-stream", b"{}")


def test_unpacked_content_is_sent(tmp_path: Path) -> None:
    """An open gzip file or zip member is sent with its content, not with the bytes on disk."""
    packed = tmp_path / "a.bin.gz"
    packed.write_bytes(gzip.compress(BIG))
    with gzip.open(packed) as file:
        file.read(10)
        assert uploaded(file)[2] == BIG
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("inner.png", BIG)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive, archive.open("inner.png") as member:
        assert uploaded(member) == ("inner.png", "image/png", BIG)


def spooled() -> Any:
    return tempfile.SpooledTemporaryFile(mode="w+", encoding="utf-8")


@pytest.mark.parametrize("make", [lambda: io.StringIO("text"), Path(__file__).open, spooled])
def test_a_file_opened_as_text_is_refused(make: Any) -> None:
    """A file opened as text is refused; the error says how to open it."""
    with (
        make() as file,
        pytest.raises(
            TypeError, match=re.escape("input['a'] is a file that gives str, not bytes: open it with mode 'rb'")
        ),
    ):
        plain({"a": file})


def test_a_path_that_is_not_a_file() -> None:
    """A missing file or a directory is refused before anything is sent."""
    with pytest.raises(FileNotFoundError, match=re.escape("input['a']: there is no file /no/such/file.png")):
        plain({"a": Path("/no/such/file.png")})
    with pytest.raises(IsADirectoryError, match=r"^input\['a'\] must be a file, and .* is a directory: pack it"):
        plain({"a": Path(__file__).parent})


def test_a_path_that_is_too_long() -> None:
    """A path that is too long for any system is refused; the error names the input and shows part of the path."""
    with pytest.raises(FileNotFoundError, match=r"^input\['a'\]: there is no file x{200}…$"):
        plain({"a": Path("x" * 5000)})


def test_no_file_stays_open(tmp_path: Path) -> None:
    """A file that the client opens is closed, also when sending fails; otherwise there would be a ResourceWarning."""
    path = tmp_path / "a.bin"
    path.write_bytes(BIG)
    with pytest.raises(Exception, match="500"):
        encoded(path, "upload", 500)


def test_an_output_is_passed_on_by_its_url() -> None:
    """An output of another model is not downloaded: its URL is sent."""
    output: FileOutput[Any] = FileOutput("https://replicate.delivery/x/out.png")
    assert plain({"a": output, "b": [output]}) == {"a": output.url, "b": [output.url]}


def test_nothing_is_uploaded_for_an_invalid_input() -> None:
    """The whole input is checked before the first file is sent."""
    session, transport = scripted(stored)
    with pytest.raises(ValueError, match=r"input\['b'\] is nan"):
        drive(Inputs({"a": BIG, "b": float("nan")}).sent(session))
    assert transport.requests == []


def test_uploads_replace_files_in_place() -> None:
    """Each file is replaced by its URL; a file that occurs twice is uploaded once."""
    handle = io.BytesIO(BIG)
    made, transport = encoded({"a": [handle, {"b": handle}], "c": "text"})
    assert made == {"a": [ADDRESS, {"b": ADDRESS}], "c": "text"}
    assert [BIG in request.content for request in transport.requests] == [True]
