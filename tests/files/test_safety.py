"""What a hostile host of files, or a hostile model, can do: nothing to other files, to the token, to memory."""

from __future__ import annotations

import errno
import gzip
import os
import tracemalloc
from tempfile import NamedTemporaryFile, SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

import pytest
from support.colours import got, leaves_streams
from support.faults import ENDLESS, answer
from support.hosts import CONTENT, Host, Ranged, field, hosted
from support.sessions import TOKEN

from replicate import FileOutput
from replicate._files import atomic_write
from replicate._files import cache as copies
from replicate.exceptions import FileTooLargeError, InternalServerError, ReplicateError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = leaves_streams

BOMB = gzip.compress(bytes(50_000_000))


def files(*folders: Path) -> list[str]:
    return [path.name for folder in folders for path in folder.rglob("*") if path.is_file()]


def at_home(host: Host, path: str, **settings: Any) -> FileOutput[Any]:
    """Make an output that lies at the API itself."""
    return FileOutput(f"{host.base_url}{path}", host.session(base_url=host.base_url, **settings))


# ---- the token


async def test_only_the_api_gets_the_token(blocking: Any) -> None:
    """A file of the API is asked for with the token, also where it is gone on with; others never are."""
    with hosted(Ranged(1000)) as api:
        assert await got(at_home(api, "/files/1/download", **blocking).read()) == CONTENT
        assert [field(request, "authorization") for request in api.requests] == [f"Bearer {TOKEN}"] * 2
    with hosted(Ranged(1000)) as host:
        assert await got(host.output(**blocking).read()) == CONTENT
        assert [field(request, "authorization") for request in host.requests] == [None] * 2


async def test_a_redirect_drops_the_token_and_keeps_the_range(blocking: Any) -> None:
    """What the API redirects to elsewhere goes without the token, but with what says which part of the file."""
    with hosted(Ranged(1000)) as other:
        redirect = answer("302 Found", b"", f"Location: {other.origin}/there.bin")
        with hosted(redirect) as api:
            assert await got(at_home(api, "/files/1", **blocking).read()) == CONTENT
            assert {field(request, "authorization") for request in api.requests} == {f"Bearer {TOKEN}"}
        assert {field(request, "authorization") for request in other.requests} == {None}
        assert other.asked == [("GET", None, None), ("GET", "bytes=1000-", '"1"')]
        assert {field(request, "accept-encoding") for request in other.requests} == {"identity"}


async def test_copies_are_of_an_account(blocking: Any) -> None:
    """A file of the API that one account has downloaded is not given to another."""
    with hosted(answer("200 OK", b"one's"), answer("200 OK", b"other's")) as host:
        one, other = (at_home(host, "/files/1", token=token, **blocking) for token in ("r8_one", "r8_other"))
        assert await got(one.read()) == b"one's"
        assert await got(other.read()) == b"other's"
        assert "r8_o" not in str(vars(copies.cache))
        one.seek(0)
        assert await got(one.read()) == b"one's"


# ---- size


@pytest.mark.parametrize("way", ["read", "save"])
async def test_a_file_that_is_too_long(blocking: Any, way: str, tmp_path: Path, cache: Path) -> None:
    """A file that is longer than `max_bytes` is refused by what its host says, and nothing of it is kept."""

    async def wanted(output: Any, most: int) -> Any:
        return await got(output.read(max_bytes=most) if way == "read" else output.save(tmp_path / "a", max_bytes=most))

    with hosted(Ranged()) as host:
        output = host.output(**blocking)
        with pytest.raises(FileTooLargeError, match=rf"out\.bin has more than max_bytes={len(CONTENT) - 1} bytes"):
            await wanted(output, len(CONTENT) - 1)
        assert files(tmp_path, cache) == []
        await wanted(output, len(CONTENT))
        with pytest.raises(FileTooLargeError):  # nor is it given when it is there
            await wanted(output, 10)
        assert host.connections == 2


async def test_a_file_that_never_ends(blocking: Any, tmp_path: Path) -> None:
    """A host that does not say how long a file is cannot send more either."""
    with hosted(ENDLESS) as host:
        with pytest.raises(FileTooLargeError):
            await got(host.output(**blocking).save(tmp_path / "a", max_bytes=1000))
        host.behaviours = []
    assert files(tmp_path) == []


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "9"])
async def test_a_bound_that_is_none(blocking: Any, most: Any) -> None:
    """`max_bytes` is a number of bytes, or None."""
    with hosted() as host:
        for method in ("read", "save"):
            with pytest.raises((TypeError, ValueError), match="max_bytes must be"):
                await got(
                    getattr(host.output(**blocking), method)(*(["a"] if method == "save" else []), max_bytes=most)
                )
        assert host.connections == 0


@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error", "302 Found"])
async def test_a_bomb_does_not_go_off(blocking: Any, status: str) -> None:
    """What grows a thousandfold when it is unpacked is not, be it the file, an error or a redirect."""
    behaviour = answer(status, BOMB, "Content-Encoding: gzip", "Location: http://127.0.0.1:1/")
    with hosted(behaviour) as host:
        tracemalloc.start()
        try:
            with pytest.raises(ReplicateError):
                await got(host.output(**blocking, max_retries=0).read())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 5_000_000


async def test_a_long_error_is_read_no_further_than_it_is_shown(blocking: Any) -> None:
    """A host cannot fill the memory with an error either."""
    long = answer("500 Internal Server Error", b"x" * 20_000_000)
    with hosted(long) as host, pytest.raises(InternalServerError, match="xxx") as caught:
        await got(host.output(**blocking, max_retries=0).read())
    assert len(caught.value.body) < 200_000


# ---- the target


@pytest.mark.parametrize("way", ["save", "read"])
async def test_a_full_disk(
    blocking: Any, way: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full is an OSError, leaves no file, and ends the download."""

    def full(self: atomic_write.Part) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic_write.Part, "_flush", full)
    with hosted() as host:
        output = host.output(**blocking)
        with pytest.raises(OSError, match="No space left"):
            await got(output.save(tmp_path / "a") if way == "save" else output.read())
        assert host.connections == 1
    assert files(tmp_path, cache) == []


@pytest.mark.parametrize(
    ("path", "error", "said"),
    [
        (7, TypeError, "path must be a str, a path or a file opened in binary mode, not int"),
        (None, TypeError, "not NoneType"),
        (b"a", TypeError, "not bytes"),
        ("a\0b", ValueError, "path holds a null character"),
        ("missing/", FileNotFoundError, "there is no folder .*missing to save to"),
        (os.devnull, ValueError, "which is no file: open it"),
    ],
)
async def test_where_no_file_can_be(blocking: Any, path: Any, error: Any, said: str) -> None:
    """A target that cannot be is refused by its name before anything is downloaded."""
    with hosted() as host:
        with pytest.raises(error, match=said):
            await got(host.output(**blocking).save(path))
        assert host.connections == 0


async def test_a_file_opened_as_text(blocking: Any, tmp_path: Path) -> None:
    """So is a file that takes text."""
    with hosted() as host, open(tmp_path / "a", "w", encoding="utf-8") as file:  # noqa: ASYNC230, PTH123
        with pytest.raises(TypeError, match="not a file opened as text"):
            await got(host.output(**blocking).save(file))
        assert host.connections == 0


@pytest.mark.parametrize("kind", [NamedTemporaryFile, SpooledTemporaryFile])
async def test_a_file_that_wraps_another(blocking: Any, kind: Any) -> None:
    """So is what wraps a file that takes text; what wraps another is written."""
    with hosted() as host:
        with kind(mode="w", encoding="utf-8") as file, pytest.raises(TypeError, match="not a file opened as text"):
            await got(host.output(**blocking).save(file))
        assert host.connections == 0
        with kind(mode="w+b") as file:
            await got(host.output(**blocking).save(file))
            file.seek(0)
            assert file.read() == CONTENT


@pytest.mark.parametrize("named", [True, False])
async def test_a_link_is_not_followed(blocking: Any, tmp_path: Path, *, named: bool) -> None:
    """A link that lies where a file is saved cannot lead the content elsewhere."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "out.bin").symlink_to(secret)
    with hosted() as host:
        saved = await got(host.output(**blocking).save(folder / "out.bin" if named else folder))
    assert secret.read_bytes() == b"secret"
    assert saved == folder / ("out.bin" if named else "out-2.bin")
    assert saved.read_bytes() == CONTENT
    assert not saved.is_symlink()
