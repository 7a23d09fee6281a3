"""Downloads of files: in pieces, resumed after a dropped connection, checked for completeness, limited in size.

Requests ask for the file without compression (`identity`). So lengths and ranges are those of the file, and nothing
grows when it is unpacked.
"""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING, Any

from replicate._dual.generators import closing
from replicate._files import data_uri
from replicate._files.cache import Info
from replicate._http import retry
from replicate._http.error_responses import connection_error
from replicate._http.libraries import httpx, own_url
from replicate.exceptions import (
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    FileExpiredError,
    FileTooLargeError,
)
from replicate_api.types import Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from replicate._http.session import Session

HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}
STEP = 64 * 1024
"""Bytes of progress that reset the count of failures."""
FOUND = (200, 206)
GONE = (404, 410)
EXPIRED = (
    "It is not there any more: the API removes the output of a prediction an hour after its end, and an uploaded file "
    "after a day. Save files as soon as they are made; to get this one again, run the model again."
)
RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18})", re.IGNORECASE)
"""The range of a part, with the total length. Without the length, it is unknown whether more follows."""
LENGTH = re.compile(r"[0-9]{1,18}")


class Download:
    """A file that is being downloaded. `info` holds its metadata once the host has answered."""

    def __init__(
        self,
        url: str,
        session: Session[Any],
        max_bytes: int | None = None,
        tell: Callable[[int, int | None], None] | None = None,
        *,
        appending: bool = False,
    ) -> None:
        self._appending = appending
        self.info: Info = Info()
        self._url, self._session, self._most, self._tell = url, session, max_bytes, tell
        self._at = self._furthest = self._failures = 0
        self._validator: str | None = None
        """Identifies the state of the file, for If-Range: its ETag, or the time of its last change."""

    async def pieces(self) -> AsyncGenerator[tuple[int, bytes], None]:
        """Yield the content as it arrives, each piece with its position: the end, or 0 if the download starts again.

        If `appending`, it raises instead of starting again. Raises FileExpiredError, FileTooLargeError, APIError.
        """
        if data_uri.is_data_uri(self._url):
            self.info = Info(data_uri.media_type(self._url))
            for piece in data_uri.pieces(self._url):
                yield self._take(piece), piece
            return
        while True:
            response = await self._answer()
            try:
                async with closing(self._session.chunks(response)) as content:
                    async for piece in content:
                        yield self._take(piece), piece
                self._check_whole(response)
            except APIConnectionError:
                if self._at == self.info.size:
                    return
                pause = self._pause()
                if pause is None or pause >= self._session.remaining():
                    raise
            else:
                if self._at == 0 < self._furthest:  # it has started again, and the file is now empty
                    yield 0, b""
                return
            await self._session.transport.sleep(pause)

    def _take(self, piece: bytes) -> int:
        """Count a piece that has arrived, and return its position."""
        at = self._at
        self._at += len(piece)
        self._check_size(self._at)
        if self._tell:
            self._tell(self._at, self.info.size)
        return at

    async def _answer(self) -> httpx.Response:
        """Request the file; or only the rest, if a validator can show that the file is unchanged."""
        rest = self._at > 0 and self._validator is not None
        if not rest:
            self._begin_anew()
        headers = {**HEADERS, "Range": f"bytes={self._at}-", "If-Range": str(self._validator)} if rest else HEADERS
        try:
            response = await request_file(self._session, Request("GET", self._url, headers=headers))
        except APIStatusError as error:
            if error.status != 416 or not rest:
                raise
            fits = False
        else:
            try:
                fits = self._fits(response)
            except BaseException:
                await self._session.transport.close_response(response)
                raise
            if fits:
                return response
            await self._session.transport.close_response(response)
        self._validator = None
        return await self._answer()

    def _fits(self, response: httpx.Response) -> bool:
        """Return whether a response continues or restarts the download. Raises APIError if it is not the file."""
        headers = response.headers
        if (encoding := headers.get("content-encoding", "identity").strip().lower()) not in ("", "identity"):
            raise refused(response, f"it is compressed ({encoding}), which was not asked for")
        size, validator = size_of(response), validator_of(headers)
        if response.status_code == 206:
            part = RANGE.fullmatch(headers.get("content-range", "").strip())
            same = self._at == 0 or (size == (self.info.size or size) and validator == self._validator)
            if not part or int(part[1]) != self._at or not same:
                if self._validator is None:
                    raise refused(response, "it is a part of the file, which was not asked for")
                return False
        else:
            self._begin_anew()
        if self._at == 0:
            self._validator = validator
        self.info = Info(headers.get("content-type"), size)
        self._check_size(size or 0)
        return True

    def _begin_anew(self) -> None:
        """Go back to the beginning. Raises APIConnectionError if the caller cannot take back what was yielded."""
        if self._appending and self._at:
            cause = httpx.RemoteProtocolError(f"the rest cannot be had after {self._at} bytes")
            raise connection_error(cause, "GET", self._session.url(self._url))
        self._at = 0

    def _check_whole(self, response: httpx.Response) -> None:
        """Raise APIConnectionError if the content ended too early."""
        if self.info.size is not None and self._at != self.info.size:
            cause = httpx.RemoteProtocolError(f"{self._at} of {self.info.size} bytes came")
            raise connection_error(cause, response.request.method, own_url(response.request.url))

    def _check_size(self, size: int) -> None:
        """Raise FileTooLargeError if the size exceeds the limit."""
        if self._most is not None and size > self._most:
            raise too_large(self._url, self._most)

    def _pause(self) -> float | None:
        """Return how long to wait before resuming, or None to give up. Progress resets the count of failures."""
        if self._at >= self._furthest + STEP:
            self._failures = 0
        self._furthest = max(self._at, self._furthest)
        failure = retry.Failure(repeatable=True, refused=False, transient=True)
        most = self._session.config.max_retries
        pause = retry.delay(self._failures, failure, max_retries=most, jitter=random.random())
        self._failures += 1
        return pause


async def describe(url: str, session: Session[Any]) -> Info:
    """Request the metadata of a file, without its content. Raises FileExpiredError, APIError."""
    if data_uri.is_data_uri(url):
        return Info(
            data_uri.media_type(url),
            await session.transport.offload(lambda: sum(map(len, data_uri.pieces(url)))),
        )
    try:
        response = await session.send(Request("HEAD", url, headers=HEADERS), file=True)
    except APIStatusError:  # a signed URL may allow GET only
        pass
    else:
        if response.status_code in FOUND and (size := size_of(response)) is not None:
            return Info(response.headers.get("content-type"), size)
    try:
        response = await request_file(session, Request("GET", url, headers={**HEADERS, "Range": "bytes=0-0"}))
    except APIStatusError as error:
        if error.status == 416 and error.response is not None:  # the file is empty
            return Info(None, size_of(error.response))
        raise
    await session.transport.close_response(response)
    return Info(response.headers.get("content-type"), size_of(response))


async def request_file(session: Session[Any], request: Request) -> httpx.Response:
    """Send a request for a file or a part of it, and return the response. Raises FileExpiredError, APIError."""
    try:
        response = await session.send(request, stream=True, file=True)
    except APIStatusError as error:
        if error.status not in GONE:
            raise
        expired = FileExpiredError(error.message)
        vars(expired).update(vars(error))
        raise expired.advise(EXPIRED) from None
    if response.status_code not in FOUND:
        await session.transport.close_response(response)
        raise refused(response, f"its status is {response.status_code}")
    return response


def size_of(response: httpx.Response) -> int | None:
    """Return the size of the whole file from the response for it or for a part of it; None if it is not given."""
    headers = response.headers
    if response.status_code in (206, 416):
        length = headers.get("content-range", "").rpartition("/")[2]
    else:
        length = "" if "transfer-encoding" in headers else headers.get("content-length", "")
    return int(length) if LENGTH.fullmatch(length) else None


def validator_of(headers: httpx.Headers) -> str | None:
    """Return what identifies a file's exact content: a strong ETag, or the time of its last change."""
    etag: str = headers.get("etag", "")
    validator = etag if etag.startswith('"') else headers.get("last-modified")
    return validator if validator and validator.isascii() else None  # only ASCII can be sent


def refused(response: httpx.Response, reason: str) -> APIResponseValidationError:
    """Make the error for a response that is not the file."""
    return APIResponseValidationError(
        f"{response.request.url.host} answered GET {response.request.url.path} with something else than the file: "
        f"{reason}.",
        status_code=response.status_code,
        request=response.request,
        response=response,
    )


def too_large(url: str, most: int) -> FileTooLargeError:
    """Make the error for a file that exceeds the limit."""
    return FileTooLargeError(f"{address(url)} has more than max_bytes={most} bytes.")


def address(url: str) -> str:
    """Return a URL without its query and fragment, which may hold a signature; a data URI without its data."""
    return f"{url[:30]}…" if data_uri.is_data_uri(url) else re.split(r"[?#]", url, maxsplit=1)[0]
