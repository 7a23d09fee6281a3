"""Uploaded files, which models can read."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO

from replicate._dual.colours import C
from replicate._dual.methods import dual
from replicate._files.fetch import capture_file, local_copy
from replicate._files.progress import Tally
from replicate._files.sources import inspect_file, may_hang
from replicate._files.uploads import form
from replicate._http.connections.bodies import Counted
from replicate._http.connections.interface import ALWAYS
from replicate._http.options import ListOptions, check_parameters, check_text
from replicate._inputs.aliases import FILE, UPLOAD, FileName, UploadWords, drop_unset, pop_alias, pop_id, require
from replicate._json import check_json, members
from replicate._objects.page import Cursor, Page, dual_page, fetch
from replicate._objects.resource import Namespace, Resource
from replicate._outputs.file_output import FileOutput
from replicate_api import models
from replicate_api.api.files import files_create, files_delete, files_download, files_get, files_list
from replicate_api.types import UNSET, AttributeDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from os import PathLike

    from typing_extensions import Unpack

    from replicate._files.fetch import Progress
    from replicate._http.session import Session


class File(Resource[C], models.File):
    """An uploaded file. Its `urls.get` can be passed to a model. It expires a day after its upload."""

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        """Return the decoders of the attributes that are more than plain JSON."""
        return {**models.File.decoders(), "metadata": AttributeDict.from_dict}

    async def __as_input__(self, session: Session[Any]) -> str | None:
        """Return the file's URL."""
        address: str | None = members(self.urls).get("get")
        return address


class Files(Namespace[C]):
    """`client.files`: https://replicate.com/docs/reference/http#files."""

    @dual
    async def create(
        self,
        source: str | PathLike[str] | BinaryIO | bytes | tuple[Any, ...] = UNSET,
        *,
        filename: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        progress: Progress = None,
        **options: Unpack[UploadWords],
    ) -> File[C]:
        """Upload a file of at most 100 MiB: a path, an open binary file, bytes, or a tuple (name, one of these, type).

        The name and the MIME type (`content_type=`, or `type=`) default to those of the file. `metadata` is any JSON
        object, which is stored with the file. `progress=True` shows a progress display; a function is called with the
        bytes sent so far and the total. Maps to `files.create`. Raises FileNotFoundError, TypeError, ValueError before
        anything is sent; APIError.
        """
        rest = drop_unset(options)
        content: Any = require("file", pop_alias(UPLOAD, source, rest))
        content_type = pop_alias(("content_type", "type"), UNSET, rest) or None
        filename, content, content_type = unpacked(content, filename, content_type)
        session = self._session.given(rest)
        name = drop_unset({"name": filename}).get("name")
        check_description(name, content_type, metadata)
        transport, inspect = session.transport, partial(inspect_file, content, "file", name, content_type)
        upload = await (transport.in_time(inspect, ALWAYS) if may_hang(content) else transport.offload(inspect))
        with Tally(progress) as tally, upload.opened() as opened:
            content = Counted(opened, upload.size, tally.of(upload.name)) if progress else opened
            stored = await session.call(files_create, body=form(upload, content, metadata))
        return File[C].bind(stored, self._session)

    @dual
    async def get(self, file: str | File[Any] = UNSET, **options: Unpack[FileName]) -> File[C]:
        """Get the metadata of a file by its id. Maps to `files.get`. Raises NotFoundError, APIError."""
        file_id, rest = pop_id(FILE, file, options)
        return File[C].bind(await self._session.given(rest).call(files_get, file_id), self._session)

    @dual_page
    async def list(self, cursor: Cursor = UNSET, **options: Unpack[ListOptions]) -> Page[C, File[C]]:
        """List the account's files that have not expired. Maps to `files.list`. Raises APIError."""
        return await fetch(self._session, File[C].bind, files_list, cursor, options)

    @dual
    async def delete(self, file: str | File[Any] = UNSET, **options: Unpack[FileName]) -> bool:
        """Delete a file before it expires. Returns True. Maps to `files.delete`. Raises NotFoundError, APIError."""
        file_id, rest = pop_id(FILE, file, options)
        await self._session.given(rest).call(files_delete, file_id)
        return True

    @dual
    async def download(
        self,
        file: str | File[Any] = UNSET,
        *,
        expiry: int,
        owner: str,
        signature: str,
        **options: Unpack[FileName],
    ) -> FileOutput[C]:
        """Download a file by its id and the parts of a signed URL. Returns a FileOutput to read or save.

        `expiry` is in seconds since 1970, `signature` in base64. Maps to `files.download`. Raises NotFoundError for a
        URL that is wrong or expired, APIError.
        """
        file_id, rest = pop_id(FILE, file, options)
        session = self._session.given(rest)
        signed: Any = {"expiry": expiry, "owner": owner, "signature": signature}
        check_parameters({name: require(name, value) for name, value in signed.items()})
        request = files_download.build_request(file_id, **signed)
        url = str(session.url(request.path).copy_merge_params(request.query))
        output = FileOutput(url, session, expires_at=moment(expiry))
        if session.capture is None:
            await local_copy(url, session)
        else:
            await capture_file(url, session, session.capture)
        return output


def moment(seconds: Any) -> datetime | None:
    """Return the expiry of a signed URL as a datetime, or None if it is not a valid timestamp."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def check_description(name: Any, content_type: Any, metadata: Any) -> None:
    """Raise TypeError or ValueError if a file's name, type or metadata is invalid."""
    for word, value in (("filename", name), ("content_type", content_type)):
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{word} must be a str, not {type(value).__name__}")
    if content_type:
        check_text("content_type", content_type)
    if metadata is not None and metadata is not UNSET:
        check_json(metadata, "metadata")


def unpacked(file: Any, name: str | None, content_type: str | None) -> tuple[Any, Any, Any]:
    """Return the name, content and type of a file, which can be a tuple (name, content[, type[, headers]]).

    Raises TypeError for other tuples.
    """
    match file:
        case (str() | None as own, content):
            return name or own, content, content_type
        case (str() | None as own, content, str() | None as kind, *_):
            return name or own, content, content_type or kind
        case tuple():
            raise TypeError("a file given as a tuple is (name, content) or (name, content, type)")
        case _:
            return name, file, content_type
