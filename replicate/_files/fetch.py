"""Access to a file by its URL: read, iterate, save. A file is downloaded once, and then read from its copy."""

from __future__ import annotations

import hashlib
import io
from contextlib import suppress
from functools import partial
from inspect import isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from replicate._dual.colours import Sync
from replicate._dual.drive import drive
from replicate._dual.generators import closing
from replicate._files import atomic_write, cache, data_uri
from replicate._files.cache import BLOCK, ChangedError, Info
from replicate._files.download import HEADERS, Download, describe, request_file, too_large
from replicate._files.filenames import name_of
from replicate._files.progress import Tally
from replicate._http.connections.stalling import may_stall
from replicate._http.connections.threads import check_wanted
from replicate._http.guard import host_of
from replicate._http.options import check_count
from replicate._objects.response import pieces
from replicate_api.types import Request

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Callable
    from pathlib import Path
    from typing import BinaryIO

    from replicate._files.cache import Copy
    from replicate._http.observing import ResponseCapture
    from replicate._http.session import Session

    Progress: TypeAlias = bool | Callable[[int, int | None], object] | None
    Tell: TypeAlias = Callable[[int, int | None], None]

T = TypeVar("T")

AWAITED = "path is a file whose write() is awaited: await file.write(await output.read()) does it"
LONG = 100_000
"""Characters."""


def checked(url: Any) -> str:
    """Return the URL of a file. Raises TypeError or ValueError if it is not one, such as a local path."""
    if not isinstance(url, str):
        raise TypeError(f"url must be a str, not {type(url).__name__}")
    if not url[:8].lower().startswith(("https://", "http://", "data:")):
        raise ValueError(f"url must begin with https://, http:// or data:, not be {url[:80]!r}")
    return url


def key_of(url: str, session: Session[Any]) -> str:
    """Return the cache key of a URL: a hash of it, of the token if that is sent, and of the hosts that are allowed."""
    secret = session.config.credentials.secret() if session.is_file(url) else None
    config = session.config
    reach = "private" if config.allow_private_hosts else host_of(config.base_url)  # its own host may be private
    token = hashlib.sha256(secret.open().encode()).hexdigest() if secret else ""
    if len(url) >= LONG:  # Python keeps the hash of a text, and a file may be read in many small parts
        url = f"{url[:LONG]} {url[-LONG:]} {len(url)} {hash(url)}"
    return hashlib.sha256(f"{url} {token} {reach}".encode("utf-8", "surrogatepass")).hexdigest()


def known(url: str, session: Session[Any]) -> Info | None:
    """Return the metadata of a file if it is known, without a request."""
    return cache.cache.info(key_of(url, session))


async def key_with_validator(url: str, session: Session[Any]) -> str:
    """Return the cache key of a URL. A long URL, which holds its content, is hashed outside the event loop."""
    return key_of(url, session) if len(url) < LONG else await session.transport.offload(lambda: key_of(url, session))


async def info(url: str, session: Session[Any]) -> Info:
    """Return the metadata of a file; request it if it is not known."""
    key = await key_with_validator(url, session)
    found = cache.cache.info(key)
    if found is None:
        found = await describe(url, session)
        cache.cache.learn(key, found)
    return found


async def read(url: str, session: Session[Any], at: int, size: int | None, max_bytes: int | None) -> bytes:
    """Read `size` bytes of a file from a position, or all the rest."""
    whole = at == 0 and (size is None or size < 0)
    if whole and data_uri.is_data_uri(url):
        check_count("max_bytes", max_bytes)
        return await session.transport.offload(lambda: content_of(url, max_bytes))

    def part(file: BinaryIO) -> bytes:
        file.seek(at)
        return file.read(-1 if size is None else size)

    return await use_copy(url, session, part, max_bytes)


async def use_copy(
    url: str,
    session: Session[Any],
    work: Callable[[BinaryIO], T],
    max_bytes: int | None = None,
    tell: Tell | None = None,
    *,
    stalls: bool = False,
) -> T:
    """Open a copy of a file and pass it to a function; download the file if there is no copy.

    `stalls` is whether the function may never return, as in `Transport.offload`.
    """
    while True:
        copy = await local_copy(url, session, max_bytes, tell)
        with suppress(ChangedError):
            return await session.transport.offload(partial(copy.used, work), stalls=stalls)


def used_here(url: str, session: Session[Any], work: Callable[[BinaryIO], T]) -> T:
    """Do the same as `use_copy`, but block, whatever the colour of the session."""
    if copy := cache.cache.copy(key_of(url, session)):
        with suppress(ChangedError):
            return copy.used(work)
    return drive(use_copy(url, session.of_colour(Sync), work))


def local(url: str, session: Session[Any]) -> Copy:
    """Return a copy of a file. Blocks, whatever the colour of the session."""
    return cache.cache.copy(key_of(url, session)) or drive(local_copy(url, session.of_colour(Sync)))


async def local_copy(url: str, session: Session[Any], max_bytes: int | None = None, tell: Tell | None = None) -> Copy:
    """Return a copy of a file; download the file if there is none."""
    check_count("max_bytes", max_bytes)
    key = await key_with_validator(url, session)
    if copy := cache.cache.copy(key):
        return check_size(url, copy, max_bytes)
    async with session.transport.turn(key):
        if copy := cache.cache.copy(key):  # another task or thread has downloaded it
            return check_size(url, copy, max_bytes)
        folder = cache.cache.place(key)
        async with atomic_write.writing(folder, session.transport, lasting=False) as part:
            found = await download_to(url, session, part, max_bytes, tell)
            target = await part.become(folder / name_of(url, found.content_type))
        return cache.cache.fill(key, target, found)


async def capture_file(url: str, session: Session[Any], capture: ResponseCapture) -> None:
    """Request a file, even if there is a copy, so that `capture` gets the response; keep the content as a copy.

    A streamed content is kept only if the caller has not read it. Raises FileExpiredError, APIError.
    """
    streaming, capture.keeps = capture.streaming, False
    response = await request_file(session, Request("GET", url, headers=HEADERS))
    if streaming:
        await capture.pause(response)
    else:
        await session.read(response)
        capture.note(response)
    key = await key_with_validator(url, session)
    folder = cache.cache.place(key)
    async with atomic_write.writing(folder, session.transport, lasting=False) as part:
        async with closing(pieces(session, response)) as content:
            async for piece in content:
                await part.write(part.size, piece)
        info = Info(response.headers.get("content-type"), part.size)
        target = await part.become(folder / name_of(url, info.content_type))
    cache.cache.fill(key, target, info)


async def chunks(url: str, session: Session[Any]) -> AsyncGenerator[bytes, None]:
    """Yield the content of a file from its copy; without a copy, as it arrives, and keep a copy at the end.

    If the download would have to start again, it raises instead, as chunks cannot be taken back.
    """
    key = await key_with_validator(url, session)
    if copy := cache.cache.copy(key):
        with suppress(ChangedError):
            async with closing(copy.pieces(session.transport)) as blocks:
                async for _, piece in blocks:
                    yield piece
            return
    download = Download(url, session, appending=True)
    folder = cache.cache.place(key)
    async with atomic_write.writing(folder, session.transport, lasting=False) as part:
        async with closing(download.pieces()) as arriving:
            async for at, piece in arriving:
                await part.write(at, piece)
                yield piece
        target = folder / name_of(url, download.info.content_type)
        await part.become(target)
    cache.cache.fill(key, target, download.info)


async def save(
    url: str,
    session: Session[Any],
    path: str | os.PathLike[str] | BinaryIO,
    max_bytes: int | None = None,
    progress: Progress = None,
) -> Path | None:
    """Write a file to a path, into a folder, or into an open file. Returns the path, None for an open file."""
    check_count("max_bytes", max_bytes)
    with Tally(progress) as tally:
        if atomic_write.is_path(path):
            folder, name = atomic_write.destination(path)

            def named(kind: str | None) -> str:
                return name or name_of(url, kind)

            return await save_to(url, session, folder, named, max_bytes, tally.of(url), replacing=name is not None)
        transfer = partial(transfer_file, open_copy(path))
        return await use_copy(url, session, transfer, max_bytes, tally.of(url), stalls=may_stall(path))


async def save_to(
    url: str,
    session: Session[Any],
    folder: Path,
    named: Callable[[str | None], str],
    max_bytes: int | None,
    tell: Tell,
    *,
    replacing: bool = False,
) -> Path:
    """Write a file into a folder, under the name for its type. Without a copy, download it straight into the folder.

    With `replacing`, an existing file of that name is replaced; otherwise the new file gets a number. A file that this
    process has saved in that folder before (not `replacing`) is returned instead of saved again.
    """
    key = await key_with_validator(url, session)
    async with session.transport.turn(key):
        if not replacing and (there := cache.cache.saved(key, folder)):
            check_size(url, there, max_bytes)
            tell(there.size, there.size)
            return there.path
        async with atomic_write.writing(folder, session.transport, lasting=True) as part:
            found = await write_copy(url, session, key, part, max_bytes) or await download_to(
                url, session, part, max_bytes, tell
            )
            tell(part.size, part.size)
            target = await part.become(folder / named(found.content_type), replacing=replacing)
        with suppress(OSError):  # another program may have moved it already
            cache.cache.keep(key, target, found)
            if not replacing:
                cache.cache.put(key, target)
    return target


async def write_copy(
    url: str, session: Session[Any], key: str, part: atomic_write.Part, max_bytes: int | None
) -> Info | None:
    """Write a file from its copy, and return its metadata; None if there is no copy."""
    copy = cache.cache.copy(key)
    if copy is None:
        return None
    check_size(url, copy, max_bytes)
    try:
        await fill(part, copy.pieces(session.transport))
    except ChangedError:
        return None
    return cache.cache.info(key) or Info(size=copy.size)


async def download_to(
    url: str, session: Session[Any], part: atomic_write.Part, max_bytes: int | None, tell: Tell | None
) -> Info:
    """Download a file and write it as it arrives; return its metadata."""
    download = Download(url, session, max_bytes, tell)
    await fill(part, download.pieces())
    return download.info


async def fill(part: atomic_write.Part, pieces: AsyncGenerator[tuple[int, bytes], None]) -> None:
    """Write all pieces."""
    async with closing(pieces):
        async for at, piece in pieces:
            await part.write(at, piece)


def content_of(url: str, max_bytes: int | None) -> bytes:
    """Decode a data URI. Raises FileTooLargeError."""
    content = bytearray()
    for piece in data_uri.pieces(url):
        content += piece
        if max_bytes is not None and len(content) > max_bytes:
            raise too_large(url, max_bytes)
    return bytes(content)


def check_size(url: str, copy: Copy, max_bytes: int | None) -> Copy:
    """Return the copy. Raises FileTooLargeError if it exceeds the limit."""
    if max_bytes is not None and copy.size > max_bytes:
        raise too_large(url, max_bytes)
    return copy


def open_copy(path: Any) -> BinaryIO:
    """Return an open binary file if it can be written. Raises TypeError for anything else."""
    write = getattr(path, "write", None)
    wraps_text = isinstance(getattr(path, "encoding", None), str) and hasattr(path, "newlines")  # as temporary files do
    if not callable(write) or isinstance(path, io.TextIOBase) or wraps_text:
        kind = "a file opened as text" if callable(write) else type(path).__name__
        raise TypeError(f"path must be a str, a path or a file opened in binary mode, not {kind}")
    if iscoroutinefunction(write):
        raise TypeError(AWAITED)
    return path  # type: ignore[no-any-return]  # checked as far as possible


def transfer_file(file: BinaryIO, source: BinaryIO) -> None:
    """Copy content into an open file. Raises OSError if it accepts no more."""
    while block := memoryview(source.read(BLOCK)):
        while block:  # a raw file may write only a part
            check_wanted()
            taken: Any = file.write(block)
            if isawaitable(taken):
                raise TypeError(AWAITED)
            if type(taken) is not int and not (taken is None and isinstance(file, io.RawIOBase)):
                break  # it returns no count, so it has written all
            if not taken:
                raise BlockingIOError("the file to be written does not block, and takes no more now")
            block = block[taken:]
