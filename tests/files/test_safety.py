"""A hostile file host or model can harm neither other files, nor the token, nor the memory."""

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
    """Make an output with a URL of the API itself."""
    return FileOutput(f"{host.base_url}{path}", host.session(base_url=host.base_url, **settings))


# ---- the token


async def test_only_the_api_gets_the_token(blocking: Any) -> None:
    """A file of the API is requested with the token, also when the download resumes. Other files never are."""
    with hosted(Ranged(1000)) as api:
        assert await got(at_home(api, "/files/1/download", **blocking).read()) == CONTENT
        assert [field(request, "authorization") for request in api.requests] == [f"Bearer {TOKEN}"] * 2
    with hosted(Ranged(1000)) as host:
        assert await got(host.output(**blocking).read()) == CONTENT
        assert [field(request, "authorization") for request in host.requests] == [None] * 2


async def test_a_redirect_drops_the_token_and_keeps_the_range(blocking: Any) -> None:
    """A redirect from the API to another host is followed without the token, but with the range headers."""
    with hosted(Ranged(1000)) as other:
        redirect = answer("302 Found", b"", f"Location: {other.origin}/there.bin")
        with hosted(redirect) as api:
            assert await got(at_home(api, "/files/1", **blocking).read()) == CONTENT
            assert {field(request, "authorization") for request in api.requests} == {f"Bearer {TOKEN}"}
        assert {field(request, "authorization") for request in other.requests} == {None}
        assert other.asked == [("GET", None, None), ("GET", "bytes=1000-", '"1"')]
        assert {field(request, "accept-encoding") for request in other.requests} == {"identity"}


async def test_copies_belong_to_an_account(blocking: Any) -> None:
    """A copy of an API file that one account has downloaded is not used for another."""
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
    """A file longer than `max_bytes` is refused by its Content-Length, and nothing of it is kept."""

    async def wanted(output: Any, most: int) -> Any:
        return await got(output.read(max_bytes=most) if way == "read" else output.save(tmp_path / "a", max_bytes=most))

    with hosted(Ranged()) as host:
        output = host.output(**blocking)
        with pytest.raises(FileTooLargeError, match=rf"out\.bin has more than max_bytes={len(CONTENT) - 1} bytes"):
            await wanted(output, len(CONTENT) - 1)
        assert files(tmp_path, cache) == []
        await wanted(output, len(CONTENT))
        with pytest.raises(FileTooLargeError):  # also from the existing copy
            await wanted(output, 10)
        assert host.connections == 2


async def test_a_file_that_never_ends(blocking: Any, tmp_path: Path) -> None:
    """`max_bytes` also limits a file whose length the host does not send."""
    with hosted(ENDLESS) as host:
        with pytest.raises(FileTooLargeError):
            await got(host.output(**blocking).save(tmp_path / "a", max_bytes=1000))
        host.behaviours = []
    assert files(tmp_path) == []


@pytest.mark.parametrize("most", [0, -1, 1.5, True, "9"])
async def test_invalid_bounds(blocking: Any, most: Any) -> None:
    """`max_bytes` is a positive number of bytes, or None."""
    with hosted() as host:
        for method in ("read", "save"):
            with pytest.raises((TypeError, ValueError), match="max_bytes must be"):
                await got(
                    getattr(host.output(**blocking), method)(*(["a"] if method == "save" else []), max_bytes=most)
                )
        assert host.connections == 0


@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error", "302 Found"])
async def test_a_compressed_bomb_is_not_decompressed(blocking: Any, status: str) -> None:
    """A compressed bomb is not decompressed, in a file, an error or a redirect."""
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


async def test_only_the_beginning_of_a_long_error_is_read(blocking: Any) -> None:
    """Only the beginning of a long error response is read."""
    long = answer("500 Internal Server Error", b"x" * 20_000_000)
    with hosted(long) as host, pytest.raises(InternalServerError, match="xxx") as caught:
        await got(host.output(**blocking, max_retries=0).read())
    assert len(caught.value.body) < 200_000


# ---- the target


@pytest.mark.parametrize("way", ["save", "read"])
async def test_a_full_disk(
    blocking: Any, way: str, tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk raises an OSError, leaves no file and ends the download."""

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
async def test_invalid_targets(blocking: Any, path: Any, error: Any, said: str) -> None:
    """An invalid target is refused before the download, and the error names it."""
    with hosted() as host:
        with pytest.raises(error, match=said):
            await got(host.output(**blocking).save(path))
        assert host.connections == 0


async def test_a_file_opened_as_text(blocking: Any, tmp_path: Path) -> None:
    """A file opened as text is refused."""
    with hosted() as host, open(tmp_path / "a", "w", encoding="utf-8") as file:  # noqa: ASYNC230, PTH123
        with pytest.raises(TypeError, match="not a file opened as text"):
            await got(host.output(**blocking).save(file))
        assert host.connections == 0


@pytest.mark.parametrize("kind", [NamedTemporaryFile, SpooledTemporaryFile])
async def test_a_file_that_wraps_another(blocking: Any, kind: Any) -> None:
    """A wrapper of a file opened as text is refused. A wrapper of a binary file is written to."""
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
    """A symbolic link at the target is replaced or avoided, and its own target stays unchanged."""
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
