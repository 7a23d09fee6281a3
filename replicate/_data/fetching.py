"""Having a file by its URL: read, iterated, saved. Downloaded once, by whoever wants it first."""

from __future__ import annotations

import hashlib
import io
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeAlias

from replicate._core.dual import Sync, drive
from replicate._core.nested import nested
from replicate._core.options import check_count
from replicate._data import disk
from replicate._data.download import Download, describe, too_large
from replicate._data.names import name_of
from replicate._data.tally import Tally

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path
    from typing import BinaryIO

    from replicate._core.session import Session
    from replicate._data.disk import Copy, Info

    Progress: TypeAlias = bool | Callable[[int, int | None], object] | None


def checked(url: Any) -> str:
    """Give the URL of a file. Raises TypeError or ValueError for what is none, such as the path of a file here."""
    if not isinstance(url, str):
        raise TypeError(f"url must be a str, not {type(url).__name__}")
    if not url[:8].lower().startswith(("https://", "http://", "data:")):
        raise ValueError(f"url must begin with https://, http:// or data:, not be {url[:80]!r}")
    return url


def key_of(url: str, session: Session[Any]) -> str:
    """Give what a copy is kept by: a hash of the URL, and of the token where that goes along."""
    token = session.config.credentials.token() if session.is_api(url) else ""
    return hashlib.sha256(f"{url} {token}".encode("utf-8", "surrogatepass")).hexdigest()


def known(url: str, session: Session[Any]) -> Info | None:
    """Give what is known of a file without asking."""
    return disk.cache.info(key_of(url, session))


async def info(url: str, session: Session[Any]) -> Info:
    """Give what is known of a file, or ask for it."""
    key = key_of(url, session)
    found = disk.cache.info(key)
    if found is None:
        found = await describe(url, session)
        disk.cache.learn(key, found)
    return found


async def read(url: str, session: Session[Any], at: int, size: int | None, max_bytes: int | None) -> bytes:
    """Read some bytes of a file from a position on, or all that are left."""
    copy = await local_copy(url, session, max_bytes)

    def part() -> bytes:
        with copy.path.open("rb") as file:
            file.seek(at)
            return file.read(-1 if size is None else size)

    return await session.transport.offload(part)


def local(url: str, session: Session[Any]) -> Copy:
    """Give a copy of a file. This blocks, whatever the session."""
    return disk.cache.copy(key_of(url, session)) or drive(local_copy(url, session.of_colour(Sync)))


async def local_copy(
    url: str,
    session: Session[Any],
    max_bytes: int | None = None,
    tell: Callable[[int, int | None], None] | None = None,
) -> Copy:
    """Give a copy of a file, downloaded if there is none."""
    check_count("max_bytes", max_bytes)
    key = key_of(url, session)
    if copy := disk.cache.copy(key):
        return check_size(url, copy, max_bytes)
    async with session.transport.turn(key):
        if copy := disk.cache.copy(key):  # somebody else has downloaded it meanwhile
            return check_size(url, copy, max_bytes)
        download = Download(url, session, max_bytes, tell)
        folder = disk.cache.place(key)
        async with disk.incoming(folder, session.transport) as part:
            await fill(part, download.pieces())
            target = folder / name_of(url, download.info.content_type)
            await part.become(target, lasting=False)
        return disk.cache.keep(key, target, download.info)


async def chunks(url: str, session: Session[Any]) -> AsyncGenerator[bytes, None]:
    """Yield the content of a file: as it arrives, and kept as a copy when all of it has; or from such a copy.

    A download that must begin anew raises, for what was yielded cannot be taken back.
    """
    key = key_of(url, session)
    if copy := disk.cache.copy(key):
        async with nested(copy.pieces(session.transport)) as pieces:
            async for _, piece in pieces:
                yield piece
        return
    download = Download(url, session, appending=True)
    folder = disk.cache.place(key)
    async with disk.incoming(folder, session.transport) as part:
        async with nested(download.pieces()) as pieces:
            async for at, piece in pieces:
                await part.write(at, piece)
                yield piece
        target = folder / name_of(url, download.info.content_type)
        await part.become(target, lasting=False)
    disk.cache.keep(key, target, download.info)


async def save(
    url: str,
    session: Session[Any],
    path: str | os.PathLike[str] | BinaryIO,
    max_bytes: int | None = None,
    progress: Progress = None,
) -> Path | None:
    """Write a file to a path, into a folder, or into an open file."""
    check_count("max_bytes", max_bytes)
    with Tally(progress) as tally:
        if disk.is_path(path):
            folder, name = disk.destination(path)

            def named(kind: str | None) -> str:
                return name or name_of(url, kind)

            return await save_to(url, session, folder, named, max_bytes, tally.of(url), replacing=name is not None)
        file = opened(path)
        copy = await local_copy(url, session, max_bytes, tally.of(url))
        await session.transport.offload(lambda: copy.transfer(file))
        return None


async def save_to(
    url: str,
    session: Session[Any],
    folder: Path,
    named: Callable[[str | None], str],
    max_bytes: int | None,
    tell: Callable[[int, int | None], None],
    *,
    replacing: bool = False,
) -> Path:
    """Write a file into a folder, under the name for its type; with a number, if another file has it.

    What has not been downloaded goes straight there.
    """
    key = key_of(url, session)
    async with session.transport.turn(key):
        copy = disk.cache.copy(key)
        async with disk.incoming(folder, session.transport) as part:
            if copy:
                check_size(url, copy, max_bytes)
                found = disk.cache.info(key) or disk.Info()
                await fill(part, copy.pieces(session.transport))
                tell(copy.size, copy.size)
            else:
                download = Download(url, session, max_bytes, tell)
                await fill(part, download.pieces())
                found = download.info
                tell(part.size, part.size)
            target = folder / named(found.content_type)
            same = copy is not None and copy.path == target.absolute()
            with nullcontext(target) if replacing or same else disk.vacant(folder, target.name) as target:
                await part.become(target, lasting=True)
        if copy is None or copy.path == target.absolute():
            disk.cache.keep(key, target, found)
    return target


async def fill(part: disk.Part, pieces: AsyncGenerator[tuple[int, bytes], None]) -> None:
    """Write all that comes."""
    async with nested(pieces):
        async for at, piece in pieces:
            await part.write(at, piece)


def check_size(url: str, copy: Copy, max_bytes: int | None) -> Copy:
    """Raise FileTooLargeError for a copy that is larger than is wanted."""
    if max_bytes is not None and copy.size > max_bytes:
        raise too_large(url, max_bytes)
    return copy


def opened(path: Any) -> BinaryIO:
    """Give an open file that bytes can be written to. Raises TypeError for what is none."""
    if not callable(getattr(path, "write", None)) or isinstance(path, io.TextIOBase):
        kind = "a file opened as text" if isinstance(path, io.TextIOBase) else type(path).__name__
        raise TypeError(f"path must be a str, a path or a file opened in binary mode, not {kind}")
    return path  # type: ignore[no-any-return]  # as far as can be told
