"""Files that models make: reading, saving, opening, and passing them on."""

from __future__ import annotations

import asyncio
import copy
import io
import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.faults import answer
from support.hosts import CONTENT, Host, hosted
from support.sessions import TOKEN

from replicate import FileOutput
from replicate._files.filenames import file_name

PNG = io.BytesIO()
Image.new("RGB", (3, 2), "red").save(PNG, "png")


# ---- as a value


def test_it_represents_its_url() -> None:
    """Its text, equality and hash are those of its URL; it equals a string with that URL."""
    one, same, other = (FileOutput[Any](f"https://files.test/{name}.png") for name in ("a", "a", "b"))
    assert str(one) == one.url == "https://files.test/a.png"
    assert one == same == "https://files.test/a.png"
    assert one != other
    assert one != 7
    assert len({one, same, other, one.url}) == 2
    assert repr(one) == "FileOutput('https://files.test/a.png')"
    assert json.dumps({"image": one}, default=str) == '{"image": "https://files.test/a.png"}'


def test_a_long_url_is_shortened_in_the_repr() -> None:
    """The repr of a long data URI is short."""
    assert len(repr(FileOutput("data:text/plain," + "x" * 10_000))) < 150


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda output: pickle.loads(pickle.dumps(output))])
def test_it_can_be_copied_and_pickled(twin: Any, host: Host) -> None:
    """Copies and pickles are equal and have the same position; pickles hold no client."""
    output = host.output()
    output.read(10)
    made = twin(output)
    assert made == output
    assert made.tell() == 10
    assert TOKEN.encode() not in pickle.dumps(output)


def test_a_copy_has_its_own_position(host: Host) -> None:
    """A copy shares the session, but not the position."""
    output = host.output()
    made = copy.copy(output)
    assert output.read(3) == made.read(3) == CONTENT[:3]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://files.test/x/out-0.webp?sig=a/b.exe#c/d", "out-0.webp"),
        ("https://files.test/a%20picture.png", "a picture.png"),
        ("https://files.test/%E5%9B%BE.png", "图.png"),
        ("https://files.test/x/", "output"),
        ("https://files.test", "output"),
        ("https://files.test?file=/a.png", "output"),
        ("https://files.test/..", "output"),
        ("https://files.test/%2e%2e", "output"),
        ("https://files.test/..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("https://files.test/..%5C..%5Cboot.ini", "boot.ini"),
        ("https://files.test/C:%5Ctemp%5Cx.png", "x.png"),
        ("https://files.test/%00", "_"),
        ("https://files.test/a%00b.png", "a_b.png"),
        ("https://files.test/.bashrc", "bashrc"),
        ("https://files.test/a:b*c.png", "a_b_c.png"),
        ("https://files.test/a%0Ab.png", "a_b.png"),
        ("https://files.test/a\nb/c\nd.png", "c_d.png"),
        ("https://[broken/a.png", "a.png"),
        ("data:image/png;base64,AAAA", "output.png"),
        ("data:image/webp;base64,AAAA", "output.webp"),
        ("data:,text", "output"),
        ("data:../../x,text", "output"),
        ("data:nothing", "output"),
    ],
)
def test_its_name_is_safe(url: str, name: str) -> None:
    """Its file name is taken from the URL, and never leads out of the folder."""
    assert FileOutput[Any](url).name == name


@given(st.text(), st.booleans())
def test_any_url_gives_a_safe_name(text: str, quoted: bool) -> None:  # noqa: FBT001
    """Any URL gives the name of one visible file in the folder, short enough for any file system."""
    from urllib.parse import quote

    for name in (
        file_name(text),
        FileOutput[Any]("https://files.test/" + (quote(text, errors="replace") if quoted else text)).name,
    ):
        assert name
        assert not set(name) & set('/\\\0\n:*?"<>|')
        assert not name.startswith(".")
        assert len(name.encode()) <= 255
        assert Path("folder", name).resolve().parent == Path("folder").resolve()


@pytest.mark.parametrize("text", ["图" * 200 + ".png", "x" * 500 + ".png", "a" * 10 + "." + "b" * 149])
def test_a_long_name_keeps_its_end(text: str) -> None:
    """A name that is too long loses its beginning, and keeps its extension."""
    name = file_name(text)
    assert 100 <= len(name.encode()) <= 150
    assert text.endswith(name)


# ---- as a file


def test_it_reads_like_a_file(host: Host) -> None:
    """`read`, `seek` and `tell` work as on an open file, with a single download."""
    output, file = host.output(), io.BytesIO(CONTENT)
    steps = [
        ("read", 10),
        ("tell",),
        ("read", 0),
        ("seek", -5, os.SEEK_END),
        ("read", 10),
        ("read",),
        ("seek", 3),
        ("seek", 4, os.SEEK_CUR),
        ("read", 5),
        ("seek", 10**9),
        ("read",),
        ("tell",),
        ("seek", 0),
        ("read", -1),
        ("read", None),
    ]
    for name, *arguments in steps:
        assert getattr(output, name)(*arguments) == getattr(file, name)(*arguments), (name, arguments)
    assert host.connections == 1


def test_invalid_positions(host: Host) -> None:
    """A position before the beginning, or an unknown `whence`, is a ValueError and leaves the position unchanged."""
    output = host.output()
    output.seek(5)
    for offset, whence in ((-1, os.SEEK_SET), (-6, os.SEEK_CUR), (0, 7)):
        with pytest.raises(ValueError, match=r"negative seek position|whence must be"):
            output.seek(offset, whence)
    assert output.tell() == 5


@pytest.mark.parametrize("whence", [os.SEEK_SET, os.SEEK_CUR, os.SEEK_END])
def test_a_position_that_is_not_an_int(host: Host, whence: int) -> None:
    """A position that is not an integer is a TypeError at once, as with files, and leaves the position unchanged."""
    output = host.output()
    output.seek(5)
    with pytest.raises(TypeError, match="'float' object cannot be interpreted as an integer"):
        output.seek(1.5, whence)  # type: ignore[arg-type]
    assert output.tell() == 5
    assert host.connections == 0


def test_it_is_iterated_in_chunks(host: Host) -> None:
    """Iteration yields the content from the beginning as it arrives; a complete download is read from the disk."""
    output = host.output()
    assert b"".join(output) == CONTENT
    assert b"".join(output) == CONTENT
    assert output.read() == CONTENT
    assert host.connections == 1


def test_leaving_an_iteration_closes_the_connection(host: Host) -> None:
    """Breaking out of the loop closes the connection; an open one would be a ResourceWarning."""
    output = host.output()
    for chunk in output:
        assert CONTENT.startswith(chunk)
        break
    assert output._session.transport.client._transport._pool.connections == []  # type: ignore[attr-defined]


def test_it_can_be_used_with_with(host: Host) -> None:
    """It works in place of an open file, also in a `with` statement."""
    with host.output() as file:
        copied = io.BytesIO()
        shutil.copyfileobj(file, copied)
    assert copied.getvalue() == CONTENT


def test_the_token_stays_at_home(host: Host) -> None:
    """A request to a file host has no token, and accepts any content type."""
    host.output().read()
    [request] = host.requests
    assert b"authorization" not in request.lower()
    assert b"Accept: */*" in request


def test_two_outputs_of_one_url_share_a_download(host: Host) -> None:
    """A URL is downloaded once in a process."""
    assert host.output().read() == host.output().read() == CONTENT
    host.output("/other.bin").read()
    assert host.connections == 2


# ---- in asynchronous code


def test_the_asynchronous_colour(host: Host, tmp_path: Path) -> None:
    """With an asynchronous client, `read` and `save` are awaited, and `async for` yields chunks."""

    async def main() -> None:
        output = host.output(blocking=False)
        assert await output.read(4) == CONTENT[:4]
        assert await output.aread(2) == CONTENT[4:6]
        assert await output.save(tmp_path) == tmp_path / "out.bin"
        assert b"".join([chunk async for chunk in output]) == CONTENT

    asyncio.run(main())
    assert (tmp_path / "out.bin").read_bytes() == CONTENT


def test_reading_asynchronously_with_a_blocking_client(host: Host) -> None:
    """`aread` and `async for` also work with a blocking client."""

    async def main() -> None:
        output = host.output()
        assert await output.aread() == CONTENT
        assert b"".join([chunk async for chunk in output]) == CONTENT

    asyncio.run(main())


# ---- as a path


def test_it_opens_like_a_path(host: Host) -> None:
    """Functions that take a path accept it, in both colours, and get a local copy with the file's name."""
    for output in (host.output(), host.output(blocking=False)):
        assert Path(output).name == "out.bin"
        with open(output, "rb") as file:  # noqa: PTH123 - as users write it
            assert file.read() == CONTENT
        assert os.path.getsize(output) == len(CONTENT)  # noqa: PTH202 - as users write it
    assert host.connections == 1


def test_pillow_opens_it() -> None:
    """Pillow opens it like a path."""
    with hosted(answer("200 OK", PNG.getvalue())) as host, Image.open(host.output("/out.png")) as image:
        assert image.size == (3, 2)


def test_zipfile_opens_it() -> None:
    """`zipfile.ZipFile` opens it like a path."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "hello")
    with hosted(answer("200 OK", packed.getvalue())) as host, zipfile.ZipFile(host.output("/out.zip")) as archive:
        assert archive.read("a.txt") == b"hello"
