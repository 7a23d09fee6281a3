"""Decodes server-sent events from bytes, as specified in the WHATWG HTML standard (section 9.2.6). No I/O."""

from __future__ import annotations

import codecs
import re
from enum import StrEnum
from io import StringIO
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from replicate._annotations import resolve_lazily
from replicate._dual.async_names import rebind_all
from replicate._http.connections.unpacking import TooLargeError
from replicate._http.options import DEFAULT_MAX_RESPONSE_BYTES
from replicate._json import is_mapping
from replicate._wording import safe_repr
from replicate_api.types import PlainData, PydanticSerializer, pydantic_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Self

    from replicate_api.types import Data

LINE_END = re.compile(r"\r\n|\n|\r")
OUTPUT = re.compile(r"event: output\nid: (.+)\ndata: (.*)\n\n")
"""The form of nearly all events. Its lines can also be part of another event."""
BLOCK = re.compile(rf"(?:\A|(?<=\n\n)){OUTPUT.pattern}")
"""The same form, but only as a whole block: at the start, or after an empty line."""
SHOWN = 1000
"""Maximum number of characters that a repr shows of an event's data, which may be a file."""
LONGEST_RETRY = 18
"""Maximum digits of a reconnection time. A longer one is ignored, like one that is not a number."""


class EventType(StrEnum):
    """The known names of events."""

    OUTPUT = "output"
    LOGS = "logs"
    ERROR = "error"
    DONE = "done"


class EventName(str):
    """An unknown name of an event. Its `value` is the same text, as in a member of EventType."""

    __slots__ = ()

    @property
    def value(self) -> str:
        return str(self)


NAMES: dict[str, EventType | EventName] = {**{kind.value: kind for kind in EventType}, "message": EventName("message")}
"""The shared instances of names."""
NAME_OF_OUTPUT = EventType.OUTPUT


class ServerSentEvent(str, PlainData):
    """One event of a stream. As a `str` it is the output text: its data for an output event, empty for any other.

    `event` is an EventType ("output", "logs", "error" or "done"), or an EventName if it is unknown. `data` is a text,
    or a FileOutput if the output is a file. `id` can be used to resume the stream after the event. `retry` is a
    reconnection time in milliseconds, if the server sent one.
    """

    EventType: TypeAlias = EventType

    event: EventType | EventName
    data: Any
    id: str | None
    retry: int | None

    __slots__ = ("data", "event", "id", "retry")

    def __new__(cls, event: str = "message", data: Any = "", id: str | None = None, retry: int | None = None) -> Self:
        self = str.__new__(cls, data if event == "output" else "")
        self.event = NAMES.get(event) or EventName(event)
        self.data = data
        self.id = id
        self.retry = retry
        return self

    def _rebind(self, session: Any) -> None:
        rebind_all(self.data, session)

    def as_plain(self, *, unset: bool = False, none: bool = True) -> Data:  # noqa: ARG002 - all is set
        """Return plain data, without members that are None unless `none`."""
        data = self.data if self.data is None or isinstance(self.data, str) else str(self.data)
        members = {"event": str(self.event), "data": data, "id": self.id, "retry": self.retry}
        return {name: value for name, value in members.items() if none or value is not None}

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Return the schema by which pydantic reads an event from a mapping of its members, and dumps it as one."""
        return pydantic_schema(cls, read_event, lambda event, _info: event.as_plain())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        either = {"id": "string", "retry": "integer"}
        properties: dict[str, Any] = {"event": {"type": "string"}, "data": {"type": "string"}}
        properties |= {name: {"anyOf": [{"type": kind}, {"type": "null"}]} for name, kind in either.items()}
        return {"title": "ServerSentEvent", "type": "object", "properties": properties, "required": ["event", "data"]}

    __pydantic_serializer__: ClassVar[Any] = PydanticSerializer()

    @safe_repr
    def __repr__(self) -> str:
        data = self.data
        shown = f"{data[:SHOWN]!r}…" if isinstance(data, str) and len(data) > SHOWN else repr(data)
        return f"ServerSentEvent(event={str(self.event)!r}, data={shown}, id={self.id!r})"

    def __reduce__(self) -> tuple[type[ServerSentEvent], tuple[str, Any, str | None, int | None]]:
        return ServerSentEvent, (str(self.event), self.data, self.id, self.retry)


def read_event(value: Any) -> ServerSentEvent:
    """Return an event from a mapping of its members. Raises TypeError for other values and for unknown members."""
    if not is_mapping(value):
        raise TypeError(f"expected the members of a ServerSentEvent, got {type(value).__name__}")
    return ServerSentEvent(**value)


created = str.__new__


class Decoder:
    """Turns the bytes of a stream, in chunks cut anywhere, into events.

    `last_id` is the id of the next event if that has none of its own; `retry` is the last reconnection time. An event
    of more than `most` characters raises TooLargeError.
    """

    def __init__(self, most: float = DEFAULT_MAX_RESPONSE_BYTES // 2) -> None:
        self.last_id: str | None = None
        self.retry: int | None = None
        self._bytes = b""
        """The first bytes of an incomplete character."""
        self._most = most
        self._rest = StringIO()
        """The text of an incomplete event. A list would take many times the memory of small pieces."""
        self._length, self._end = 0, ""
        """The length of that text, and its last character."""
        self._started = self._after_return = False

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that a chunk completes. Each is a block of lines that ends with an empty line."""
        whole = self._text(chunk)
        if not whole:
            return []
        if self._length or not whole.endswith("\n\n"):
            complete = "\n\n" in self._end + whole
            self._add(whole)
            if not complete:
                return []
            whole, ended, rest = self._rest.getvalue().rpartition("\n\n")
            whole += ended
            self._rest, self._length, self._end = StringIO(), 0, ""
            if rest:
                self._add(rest)
        pieces = OUTPUT.split(whole)
        if any(pieces[::3]):
            pieces = BLOCK.split(whole)
        if "\0" in whole:  # an id with a NUL is ignored
            pieces = [whole]
        events: list[ServerSentEvent] = []
        for unusual, place, data in zip(pieces[::3], pieces[1::3], pieces[2::3]):  # noqa: B905 - the last is alone
            if unusual:
                events += self._unusual(unusual)
            event = created(ServerSentEvent, data)
            event.event = NAME_OF_OUTPUT
            event.data = data
            event.id = self.last_id = place
            event.retry = None
            events.append(event)
        if pieces[-1]:
            events += self._unusual(pieces[-1])
        return events

    def _add(self, text: str) -> None:
        """Keep the text of an incomplete event. Raises TooLargeError."""
        self._rest.write(text)
        self._length, self._end = self._length + len(text), text[-1]
        if self._length > self._most:
            raise TooLargeError(self._most, event=True)

    def _text(self, chunk: bytes) -> str:
        """Decode a chunk. Drop a byte order mark at the start of the stream, and make all line ends newlines."""
        bytes_ = self._bytes + chunk if self._bytes else chunk
        text, used = codecs.utf_8_decode(bytes_, "replace")
        self._bytes = bytes_[used:]
        if not text:
            return text
        if not self._started:
            self._started, text = True, text.removeprefix("\ufeff")
        if self._after_return:  # this may begin with the second half of a "\r\n"
            text = text.removeprefix("\n")
        self._after_return = "\r" in text and text.endswith("\r")
        return LINE_END.sub("\n", text) if "\r" in text else text

    def _unusual(self, blocks: str) -> list[ServerSentEvent]:
        return [event for block in blocks.split("\n\n") if block for event in self._event(block)]

    def _event(self, block: str) -> list[ServerSentEvent]:
        """Parse a block line by line. A block without data is not an event."""
        event, retry, data, some = "", None, StringIO(), False
        for line in lines_of(block):
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            match field:
                case "event":
                    event = value
                case "data":
                    data.write(f"\n{value}" if some else value)
                    some = True
                case "id" if "\0" not in value:
                    self.last_id = value
                case "retry" if value.isascii() and value.isdigit() and len(value) <= LONGEST_RETRY:
                    self.retry = retry = int(value)
                case _:  # a comment, which has no field name, or an unknown field
                    pass
        return [ServerSentEvent(event or "message", data.getvalue(), self.last_id, retry)] if some else []


def lines_of(block: str) -> Iterator[str]:
    """Yield the lines of a block one by one: a list of many short ones would take many times its memory."""
    start = 0
    while (end := block.find("\n", start)) >= 0:
        yield block[start:end]
        start = end + 1
    yield block[start:]


resolve_lazily(ServerSentEvent)
