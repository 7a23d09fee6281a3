"""Encoding of inputs as JSON. Files become data URIs or uploads, running values are awaited, the rest must be plain."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from replicate._files.sources import inspect_file, may_hang
from replicate._files.uploads import address
from replicate._http.connections.in_time import LateError
from replicate._http.connections.interface import ALWAYS
from replicate._http.connections.pool import with_timeout
from replicate._http.options import FileEncodingStrategy as FileEncodingStrategy  # noqa: PLC0414 - as it was
from replicate._inputs.errors import mistakes
from replicate._inputs.plan import (
    Deferred,
    changed,
    encodable,
    finite,
    inside,
    is_numbers,
    is_plain,
    iter_deferred,
    named,
    needs_schema,
    substitute,
    suited,
    texts_for_files,
)
from replicate._json import check_int, is_array, is_mapping
from replicate._models.schema import InputSchema
from replicate._outputs.output_list import OutputList
from replicate.exceptions import APITimeoutError, InputError, ReplicateError, RunError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from replicate._files.sources import Upload
    from replicate._http.session import Session

LARGEST_DATA_URI = 256_000
"""Bytes. The API's documentation recommends data URIs up to this size."""

STRATEGIES: Mapping[str | None, Literal["auto", "inline", "upload"]] = {
    None: "auto",
    "auto": "auto",
    "base64": "inline",
    "data-uri": "inline",
    "url": "upload",
    "upload": "upload",
}

UNKNOWN = InputSchema({}, None)


class Inputs:
    """An input to encode as JSON. It is checked completely before any of its files is sent.

    The constructor raises InputError, which names the location of a value that cannot be sent. It reads iterables.
    Files are only inspected; they are read when the input is sent, outside the event loop.

    A file is a `pathlib.Path`, an open binary file, bytes or a Pillow image; if the model's schema says so, also an
    array that holds an image. A string is never read from disk, as it may come from an untrusted source. Outputs of
    models are sent as URLs; outputs that are not finished are awaited.
    """

    def __init__(
        self, value: Any, strategy: FileEncodingStrategy | None = None, where: str = "input", *, blocking: bool = True
    ) -> None:
        if strategy not in [*STRATEGIES]:  # a list, as the value may be unhashable
            known = ", ".join(map(repr, filter(None, STRATEGIES)))
            raise ValueError(f"file_encoding_strategy must be one of {known}, not {strategy!r}")
        self._strategy, self._where, self._blocking = STRATEGIES[strategy], where, blocking
        self.names: list[str] = [*value] if is_mapping(value) else []
        self._uploads: dict[int, tuple[Any, Upload]] = {}
        """The files that have been inspected, by the `id` of the objects that they were passed as.

        The objects are stored too, which keeps their ids valid.
        """
        self._addresses: dict[int, str] = {}
        """The URLs of those that have been uploaded, by the same ids."""
        self._results: dict[int, tuple[Any, Any]] = {}
        """The running values that were awaited, and their results, by `id` like `_uploads`."""
        self._begun: list[Any] = []
        """Those of them that started running only when they were awaited."""
        with shallow(where), mistakes(where):
            self._plan = self._planned(value, where)
            self.plain: Any = self._plan if is_plain(self._plan) else None
            """The input as JSON, if nothing has to be awaited, read or uploaded for it; else None."""

    async def worth_describing(self, session: Session[Any]) -> bool:
        """Return whether to look up the model first: before a long upload, or if its schema decides what to send."""
        if self.plain is not None:
            return False
        if needs_schema(self._plan):
            return True
        if self._strategy == "inline":
            return False
        await self._inspect(session, self._plan)
        return any(upload.size > LARGEST_DATA_URI for _, upload in self._uploads.values())

    @contextmanager
    def told_apart(self) -> Generator[None, None, None]:
        """Raise RunError instead of ReplicateError if awaiting an input has started something.

        Such an input, for example a stream or a coroutine, starts a prediction of its own. Repeating the call would
        start another one.
        """
        try:
            yield
        except ReplicateError as error:
            if not self._begun:
                raise
            raise RunError.of(error, getattr(self._begun[-1], "_prediction", None)) from error

    def check_texts(self, schema: InputSchema) -> None:
        """Raise InputError for a string that is not a URL if the model takes a file: a local path must be a `Path`."""
        for where, text in texts_for_files(self._plan, schema, self._where):
            shown = text if len(text) <= 80 else f"{text[:80]}…"
            raise InputError(
                f"{where} takes a file, and {shown!r} is no URL: pass Path({shown!r}) for a file of that name, an open "
                "file, bytes, or a URL"
            )

    async def sent(self, session: Session[Any], schema: InputSchema = UNKNOWN) -> Any:
        """Await running values, upload files, and return the input as plain JSON data. Raises APIError, ModelError.

        Everything that can be checked in advance is checked first. It can be called again: nothing is awaited, read or
        uploaded twice.
        """
        with shallow(self._where), mistakes(self._where):
            plan = self._fitted(self._plan, schema, self._where)
        await self._inspect(session, plan)
        if any(place.kind == "result" for place in iter_deferred(plan)):
            plan = await self._resolved(plan, schema, self._where, session)
            await self._inspect(session, plan)
        found: dict[int, str] = {}
        for place in iter_deferred(plan):
            if id(place.value) not in found:
                found[id(place.value)] = await self._text(place, session)
        return substitute(plan, found)

    # ---- planning

    def _planned(self, value: Any, where: str) -> Any:
        match value:
            case None | Deferred():
                return value
            case str():
                return encodable(value, where)
            case int() | float():
                return writable(value, where)
            case list() | tuple():
                items: list[Any] = [*value]
                numbers = is_numbers(items)
                plan = items if numbers else [self._planned(item, inside(where, at)) for at, item in enumerate(items)]
                return OutputList(plan) if isinstance(value, OutputList) else plan
            case _ if is_mapping(value):
                return {named(key, where): self._planned(item, inside(where, key)) for key, item in value.items()}
            case _:
                from replicate._inputs.values import convert  # most inputs hold none

                return self._planned(convert(value, where, blocking=self._blocking), where)

    def _fitted(self, plan: Any, schema: InputSchema, where: str) -> Any:
        """Find images that only the schema distinguishes from lists; give outputs of models the wanted form."""
        match plan:
            case Deferred(kind="array") if schema.is_file:
                return plan._replace(kind="image")
            case Deferred(kind="array"):
                from replicate._inputs.values import listed

                return self._planned(listed(plan.value), where)
            case Deferred():
                return plan
            case OutputList() if (wanted := suited(plan, schema)) is not plan:
                return wanted
            case _:
                return changed(plan, schema, where, self._fitted)

    async def _inspect(self, session: Session[Any], plan: Any) -> None:
        """Inspect all files that have not been inspected. Raises TypeError, ValueError, OSError."""
        unread = [
            place for place in iter_deferred(plan) if place.kind != "result" and id(place.value) not in self._uploads
        ]
        if not unread:
            return

        def look(seconds: float = ALWAYS) -> None:
            for place in unread:
                if id(place.value) not in self._uploads:  # a pipe can be read only once, even if it occurs twice
                    with mistakes(place.where):
                        self._uploads[id(place.value)] = place.value, read(place, seconds)

        if not (slow := [place for place in unread if may_hang(place.value)]):
            await session.transport.offload(look)
            return
        seconds = session.remaining()
        try:
            await session.transport.in_time(lambda: look(seconds), max(0.0, seconds))
        except LateError:
            late = next((place for place in slow if id(place.value) not in self._uploads), slow[-1])
            raise unstarted(late.where) from None

    # ---- running values

    async def _resolved(self, plan: Any, schema: InputSchema, where: str, session: Session[Any]) -> Any:
        """Await all running values, and put their results in their places."""
        match plan:
            case Deferred(kind="result"):
                return await self._result(plan, schema, session)
            case _ if is_mapping(plan):
                return {
                    key: await self._resolved(item, schema.member(key), inside(where, key), session)
                    for key, item in plan.items()
                }
            case _ if is_array(plan) and not is_numbers(plan):
                return [
                    await self._resolved(item, schema.item, inside(where, index), session)
                    for index, item in enumerate(plan)
                ]
            case _:
                return plan

    async def _result(self, place: Deferred, schema: InputSchema, session: Session[Any]) -> Any:
        """Await a running value, and return its plan. Its strings come from a model, so they never name local files."""
        if id(place.value) not in self._results:
            if is_lazy(place.value):
                self._begun.append(place.value)
            self._results[id(place.value)] = place.value, self._planned(await await_result(place, session), place.where)
        _, plan = self._results[id(place.value)]
        return await self._resolved(
            self._fitted(suited(plan, schema), schema, place.where), schema, place.where, session
        )

    # ---- files

    async def _text(self, place: Deferred, session: Session[Any]) -> str:
        """Return a file as a data URI, or as the URL of its upload."""
        _, upload = self._uploads[id(place.value)]
        with mistakes(place.where):
            if self._strategy == "inline" or (self._strategy == "auto" and upload.size <= LARGEST_DATA_URI):
                return await session.transport.offload(lambda: data_uri(upload))
            if id(place.value) not in self._addresses:
                self._addresses[id(place.value)] = await address(session, upload, place.where)
            return self._addresses[id(place.value)]


@contextmanager
def shallow(where: str) -> Generator[None, None, None]:
    """Raise ValueError for a value that is nested more deeply than Python's recursion limit."""
    try:
        yield
    except RecursionError:
        raise ValueError(f"{where} contains itself, or is nested too deeply to be sent") from None


def writable(number: float, where: str) -> float:
    """Return a number. Raises ValueError if JSON or Python cannot write it: NaN, or an int of thousands of digits."""
    if isinstance(number, float):
        return finite(number, where)
    check_int(number, where)
    return number


def read(place: Deferred, seconds: float) -> Upload:
    """Inspect a file. An image or an array is first written to a file in memory. Raises LateError."""
    if place.kind == "file":
        return inspect_file(place.value, place.where, seconds=seconds)
    from replicate._files.images import file_of

    return inspect_file(file_of(place.value, place.where), place.where)


def data_uri(upload: Upload) -> str:
    """Return a file as a data URI. Reads no more than its inspected size."""
    with upload.opened() as file:
        content = b"".join(iter(partial(file.read, 2**20), b""))
    return f"data:{upload.content_type};base64,{base64.b64encode(content).decode()}"


async def await_result(place: Deferred, session: Session[Any]) -> Any:
    """Await a running value that was passed as an input, and return its result. Raises what the value raises."""
    if not hasattr(place.value, "__as_input__"):
        seconds = ALWAYS if session.blocking else session.remaining()
        return await with_timeout(place.value, seconds, lambda _: unstarted(place.where))
    try:
        given = await place.value.__as_input__(session)
    except TypeError as error:
        raise TypeError(f"{place.where}: {error}") from error
    if given is None:
        raise ValueError(f"{place.where} is a {type(place.value).__name__} that gave no output")
    return given


def is_lazy(value: Any) -> bool:
    """Return whether a running value starts only when it is awaited."""
    return not hasattr(value, "__as_input__") or getattr(value, "started", True) is False


def unstarted(where: str) -> APITimeoutError:
    """Make the error for a deadline that passes while an input is awaited."""
    error = APITimeoutError(f"The time was up while {where} was waited for: what it is for was not started.")
    error.sent = False
    return error
