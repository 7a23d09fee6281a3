"""Files that models make: objects that hold a URL, and can be read, saved and opened like files."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from operator import index
from typing import TYPE_CHECKING, Any, ClassVar

from replicate._dual.colours import Async, C, Sync
from replicate._dual.drive import drive
from replicate._dual.generators import drive_iter
from replicate._dual.methods import dual
from replicate._files import data_uri, fetch, images
from replicate._files.filenames import name_of
from replicate._http.connections.concurrency import exclusive
from replicate._http.session import Session
from replicate._objects.resource import Bound, session_of
from replicate._times import shifted
from replicate._wording import safe_repr
from replicate.exceptions import ReplicateError
from replicate_api.types import UNSET, PydanticSerializer, pydantic_schema

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO, Self

    from typing_extensions import Buffer

    from replicate._dual.colours import Coloured
    from replicate._files.cache import Info
    from replicate._files.fetch import Progress
    from replicate._objects.html import Bundle

LIFETIME = timedelta(hours=1)
"""How long the API keeps the output of a prediction that was created through it."""


class FileMethods(Bound[C]):
    """Methods of a file that a model made. Subclasses have a `url`.

    The content is downloaded once per process, on first use, into a private folder that is removed with the process. A
    file that has been saved is read from there, as long as it is unchanged. An interrupted download is resumed. The
    token is sent only to files of the API. A URL that names a private host raises APIConnectionError, unless it is the
    API's own host or the client has `allow_private_hosts=True`.
    """

    url: str = ""
    _position: int = 0
    _expires_at: datetime | None = None
    _made_by: Any = None
    """The prediction that made the file. It may still be running."""

    # ---- properties

    @property
    def __url__(self) -> str:
        """The same as `url`; the name in version 2."""
        return self.url

    @property
    def name(self) -> str:
        """A file name that is safe on every system: the last part of the URL, or "output".

        If it has no extension, the content type's is added as soon as that is known.
        """
        info = None if data_uri.is_data_uri(self.url) else fetch.known(self.url, self._session)
        return name_of(self.url, info.content_type if info else None)

    @property
    def content_type(self) -> str | None:
        """The media type, if the host sends it. It is known after a download; otherwise this sends a request.

        With an asynchronous client, call `await output.info()` first. Raises FileExpiredError, APIError.
        """
        return self._known().content_type

    @property
    def size(self) -> int | None:
        """The size in bytes, if the host sends it. Works as `content_type`."""
        return self._known().size

    @property
    def expires_at(self) -> datetime | None:
        """When the API removes the file: an hour after its prediction ended. None if unknown, or if the file is kept.

        The time is unknown while the prediction runs. Outputs of predictions made on the website are kept.
        """
        end = getattr(self._made_by, "completed_at", None)
        kept = data_uri.is_data_uri(self.url) or getattr(self._made_by, "source", None) == "web"
        if self._expires_at is None and isinstance(end, datetime) and not kept:
            return shifted(end, LIFETIME)
        return self._expires_at

    @dual
    async def info(self) -> Info:
        """Request the content type and size, unless they are known. Raises FileExpiredError, APIError."""
        return await fetch.info(self.url, self._session)

    async def ainfo(self) -> Info:
        """Do what `info` does, from asynchronous code, with a client of either colour."""
        return await fetch.info(self.url, self._session.of_colour(Async))

    def _known(self) -> Info:
        if info := fetch.known(self.url, self._session):
            return info
        if self._session.blocking:
            return drive(fetch.info(self.url, self._session))
        raise ReplicateError(
            "It is not known yet, and asking would hold up the event loop.", hint="Call `await output.info()` first."
        )

    # ---- reading like a file

    @dual
    async def read(self, size: int | None = UNSET, *, max_bytes: int | None = None) -> bytes:
        """Read up to `size` bytes from the current position, or all the rest.

        Without a size, a read from the beginning does not move the position, so the whole content can be read
        repeatedly. Concurrent readers (tasks of one event loop, or threads) get different bytes. `max_bytes` limits the
        size of the whole file. Raises FileExpiredError, FileTooLargeError, APIError.
        """
        return await self._read(self._session, size, max_bytes)

    async def aread(self, size: int | None = UNSET, *, max_bytes: int | None = None) -> bytes:
        """Do what `read` does, from asynchronous code, with a client of either colour."""
        return await self._read(self._session.of_colour(Async), size, max_bytes)

    async def _read(self, session: Session[Any], size: int | None, max_bytes: int | None) -> bytes:
        if size is UNSET and not self._position:
            return await fetch.read(self.url, session, 0, -1, max_bytes)
        async with session.transport.turn(id(self)):  # otherwise concurrent readers would get the same bytes
            at = self._position
            content = await fetch.read(self.url, session, at, -1 if size is UNSET else size, max_bytes)
            self._position = at + len(content)
            return content

    def readinto(self, buffer: Buffer) -> int:
        """Read into a buffer, for `io.BufferedReader` and the like. Blocks, whatever the client."""
        view = memoryview(buffer).cast("B")

        def part(file: BinaryIO) -> int:
            file.seek(self._position)
            return file.readinto(view)  # type: ignore[attr-defined,no-any-return]  # BinaryIO leaves it out

        with exclusive(id(self)):
            count = fetch.used_here(self.url, self._session, part)
            self._position += count
            return count

    def readall(self) -> bytes:
        """Read all the rest, for `io.BufferedReader`. Blocks, whatever the client."""
        content = bytearray(max(0, fetch.local(self.url, self._session).size - self._position))
        return bytes(content[: self.readinto(content)])

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the current position, in bytes, as `io.IOBase.seek` does. Returns the new position."""
        position = index(offset)  # or TypeError
        match whence:
            case os.SEEK_SET:
                pass
            case os.SEEK_CUR:
                position += self._position
            case os.SEEK_END:
                position += fetch.local(self.url, self._session).size
            case _:
                raise ValueError(f"whence must be os.SEEK_SET, os.SEEK_CUR or os.SEEK_END, not {whence!r}")
        if position < 0:
            raise ValueError(f"negative seek position {position}")
        self._position = position
        return position

    def tell(self) -> int:
        """Return the current position in bytes."""
        return self._position

    def readable(self) -> bool:
        """Return True: it can be read."""
        return True

    def seekable(self) -> bool:
        """Return True: its position can be moved."""
        return True

    def writable(self) -> bool:
        """Return False: it cannot be written."""
        return False

    closed: bool = False

    def flush(self) -> None:
        """Do nothing, as it is never written."""

    def close(self) -> None:
        """Do nothing, as nothing is open."""

    async def aclose(self) -> None:
        """Do nothing, as `close`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing, as `close`."""

    # ---- saving and converting

    @dual
    async def save(
        self, path: str | os.PathLike[str] | BinaryIO, *, max_bytes: int | None = None, progress: Progress = None
    ) -> Path | None:
        """Write the content to a path, into a folder under its own name, or into an open binary file. Returns the path.

        The file gets its name only when it is complete and on disk. A path to a file replaces that file. In a folder,
        existing files stay, and the new file gets a number if its name is taken. `max_bytes` limits its size.
        `progress=True` shows a progress display; a function is called with the bytes so far and the total, or None if
        that is unknown. Raises FileExpiredError, FileTooLargeError, APIError, OSError.
        """
        return await fetch.save(self.url, self._session, path, max_bytes, progress)

    async def asave(
        self, path: str | os.PathLike[str] | BinaryIO, *, max_bytes: int | None = None, progress: Progress = None
    ) -> Path | None:
        """Do what `save` does, from asynchronous code, with a client of either colour."""
        return await fetch.save(self.url, self._session.of_colour(Async), path, max_bytes, progress)

    @dual
    async def as_data_uri(self) -> str:
        """Return the content as a data URI. Raises FileExpiredError, APIError."""
        if data_uri.is_data_uri(self.url):
            return self.url
        content = await fetch.read(self.url, self._session, 0, -1, None)
        info = await fetch.info(self.url, self._session)
        return await self._session.transport.offload(lambda: data_uri.encoded(content, info.content_type))

    @dual
    async def to_pil(self) -> Any:
        """Return the picture as a `PIL.Image.Image`. Raises ImportError without Pillow, FileExpiredError, APIError."""
        decode = images.decoder("to_pil()")
        content = await fetch.read(self.url, self._session, 0, -1, None)
        return await self._session.transport.offload(lambda: decode(content))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Bundle:  # noqa: ARG002 - for IPython
        from replicate._outputs.file_html import shown

        return shown(self)

    def __getstate__(self) -> Mapping[str, Any]:
        state: dict[str, Any] = {**super().__getstate__(), "_expires_at": self.expires_at}
        state.pop("_made_by", None)
        return state


class FileOutput(FileMethods[C], os.PathLike[str]):
    """A file that a model made: a URL whose content is downloaded once, on first use.

    It reads like an open binary file (`read(n)`, `seek`, iteration in chunks), opens like a path (`open(output)`,
    `PIL.Image.open(output)`), compares and hashes by URL, and pickles. The API removes the outputs of predictions
    that were created through it after an hour: `save` those that you want to keep.
    """

    url: str

    def __init__(
        self, url: str, client: Session[C] | Coloured[C] | None = None, *, expires_at: datetime | None = None
    ) -> None:
        """Make a file from its URL. The client downloads it; without one, the default client does."""
        self.url = fetch.checked(url)
        self._bound = client if client is None or isinstance(client, Session) else session_of(client)
        self._expires_at = expires_at

    def __str__(self) -> str:
        return self.url

    @safe_repr
    def __repr__(self) -> str:
        shown = self.url if len(self.url) <= 120 else f"{self.url[:120]}…"
        return f"FileOutput({shown!r})"

    def __eq__(self, other: object) -> bool:
        return f"{other}" == self.url if isinstance(other, (FileOutput, str)) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.url)

    def keys(self) -> list[str]:
        """List the keys for `dict(output)`, which some encoders call: only the URL."""
        return ["url"]

    def __getitem__(self, name: str) -> str:
        if name != "url":
            raise KeyError(name)
        return self.url

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Describe it to pydantic: validated from a URL, serialized as its URL."""
        if source is not cls:
            return handler.generate_schema(cls)
        make: Any = cls

        def read(value: Any) -> Any:
            return make(fetch.checked(getattr(value, "url", value)))

        return pydantic_schema(cls, read, lambda output, _info: output.url)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "format": "uri"}

    __pydantic_serializer__: ClassVar[Any] = PydanticSerializer()

    def __iter__(self) -> Iterator[bytes]:
        return drive_iter(fetch.chunks(self.url, self._session.of_colour(Sync)))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return fetch.chunks(self.url, self._session.of_colour(Async))

    def __fspath__(self) -> str:
        """Return the path of a local copy: a temporary file of this process, downloaded on first use, or a saved file.

        Blocks, whatever the client.
        """
        return str(fetch.local(self.url, self._session).path)


def file_maker(
    session: Session[C] | None, made_by: Any = None, *, use_file_output: bool = True
) -> Callable[[str], Any]:
    """Return a function that turns the URL of an output file, made by a prediction if known, into what callers get."""

    def make(url: str) -> FileOutput[C]:
        output = FileOutput(url, session)
        vars(output)["_made_by"] = made_by
        return output

    return make if use_file_output else str
