"""Decoding server-sent events from bytes, as the WHATWG HTML standard says (section 9.2.6). No I/O."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

LINE_END = re.compile(r"\r\n|\n|\r")


class EventName(str):
    """The name of an event, which is also its `value`, as of a member of an enumeration; any name can be one."""

    __slots__ = ()
    OUTPUT: ClassVar[EventName]
    LOGS: ClassVar[EventName]
    ERROR: ClassVar[EventName]
    DONE: ClassVar[EventName]

    @property
    def value(self) -> str:
        return str(self)


for known in ("output", "logs", "error", "done"):
    setattr(EventName, known.upper(), EventName(known))


class ServerSentEvent(str):
    """One event of a stream. As a `str` it is the output text: its data for an output event, empty for any other.

    `event` is "output", "logs", "error", "done" or a name yet unknown; `data` is what it carries; `id` can resume the
    stream after it; `retry` is a reconnection time in milliseconds, if the server named one.
    """

    EventType: ClassVar[type[EventName]] = EventName

    event: EventName
    data: str
    id: str | None
    retry: int | None

    __slots__ = ("data", "event", "id", "retry")

    def __new__(cls, event: str = "message", data: str = "", id: str | None = None, retry: int | None = None) -> Self:
        self = super().__new__(cls, data if event == "output" else "")
        self.event, self.data, self.id, self.retry = EventName(event), data, id, retry
        return self

    def __repr__(self) -> str:
        return f"ServerSentEvent(event={self.event!r}, data={self.data!r}, id={self.id!r})"

    def __reduce__(self) -> tuple[type[ServerSentEvent], tuple[str, str, str | None, int | None]]:
        return ServerSentEvent, (self.event, self.data, self.id, self.retry)


class Decoder:
    """Turns the bytes of a stream, in chunks cut anywhere, into events."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest: list[str] = []  # of a line whose end has not come
        self._started = self._after_return = False
        self._event = ""
        self._data: list[str] = []
        self._retry: int | None = None
        self.last_id: str | None = None

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Yield the events that a chunk completes."""
        text = self._utf8.decode(chunk)
        if not text:
            return
        if not self._started:
            self._started, text = True, text.removeprefix("\ufeff")
        if self._after_return:  # this may begin with the second half of a "\r\n"
            text = text.removeprefix("\n")
        self._after_return = text.endswith("\r")
        *lines, rest = LINE_END.split(text)
        if lines:
            lines[0] = "".join((*self._rest, lines[0]))
            self._rest = []
        self._rest.append(rest)
        for line in lines:
            event = self._line(line)
            if event is not None:  # an event without text is false
                yield event

    def _line(self, line: str) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "event":
                self._event = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self.last_id = value
            case "retry" if value.isascii() and value.isdigit():
                self._retry = int(value)
            case _:  # a comment, which has no field name, or a field yet unknown
                pass
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        event, data, retry = self._event, self._data, self._retry
        self._event, self._data, self._retry = "", [], None
        if not data:
            return None
        return ServerSentEvent(event or "message", "\n".join(data), self.last_id, retry)
