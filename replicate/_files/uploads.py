"""Uploads of input files. The same content is uploaded once, as long as the API keeps it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from replicate._files.sources import read_in_time
from replicate._json import members
from replicate._recent import Recent
from replicate._times import shifted
from replicate.exceptions import APIResponseValidationError
from replicate_api.api.files import files_create
from replicate_api.types import Part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from replicate._files.sources import Upload
    from replicate._http.session import Session

BLOCK = 2**20
REMEMBERED = 1000
"""How many uploaded files a client remembers."""
MARGIN = timedelta(hours=1)
"""How long before its expiry a file is uploaded again: a prediction may wait before it reads its input."""


class Content(NamedTuple):
    """The identity of an upload: the account, the content, and the metadata that is sent with it."""

    account: int
    """Hash of the API's URL and the token."""
    sha256: str
    name: str
    content_type: str


class Uploaded:
    """The files that a client has uploaded as inputs, with their URLs and expiry. Tasks and threads share it.

    It does not notice if a file has been deleted since.
    """

    def __init__(self) -> None:
        self._known: Recent[Content, tuple[str, datetime]] = Recent(REMEMBERED)

    def address(self, content: Content) -> str | None:
        """Return the URL of some content, or None if it is unknown or expires soon."""
        url, until = self._known.recall(content) or (None, now())
        return url if now() < until else None

    def keep(self, content: Content, url: str, until: datetime) -> None:
        """Remember the URL of some content, and forget what has expired."""
        for other, (_, end) in list(self._known.items()):
            if end <= now():
                self._known.pop(other, None)
        self._known[content] = url, until


async def address(session: Session[Any], upload: Upload, where: str) -> str:
    """Return a URL from which a model can fetch a file: that of an earlier upload of the same content, or of a new one.

    Concurrent uploads of the same content wait for the first. Raises APIError.
    """
    sha256 = await read_in_time(session, [upload.source], where, lambda: digest(upload))
    config = session.config
    account = hash((str(config.base_url), config.credentials.token()))
    content = Content(account, sha256, upload.name, upload.content_type)
    uploaded: Uploaded = session.memory.setdefault(Uploaded, Uploaded())
    async with session.transport.turn((id(uploaded), content)):
        if known := uploaded.address(content):
            return known
        with upload.opened() as file:
            stored = await session.call(files_create, body=form(upload, file))
        url = session.link(members(stored.urls).get("get"))
        if url is None:
            raise APIResponseValidationError(f"{where} was uploaded, but the API did not answer with its address.")
        told: Any = members(stored.checksums).get("sha256")
        if isinstance(stored.expires_at, datetime) and told in (None, sha256):  # else it was changed meanwhile
            uploaded.keep(content, url, shifted(stored.expires_at, -MARGIN))
        return url


def form(upload: Upload, file: BinaryIO, metadata: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the fields of a `files.create` body."""
    content = Part("content", file, upload.name, upload.content_type)
    return {"content": content, "filename": upload.name, "type": upload.content_type, "metadata": metadata or None}


def digest(upload: Upload) -> str:
    """Read a whole file, and return its SHA-256."""
    sha256 = hashlib.sha256()
    with upload.opened() as file:
        while block := file.read(BLOCK):
            sha256.update(block)
    return sha256.hexdigest()


def now() -> datetime:
    return datetime.now(UTC)
