"""Server-sent events, decoded from bytes in chunks of any size."""

from __future__ import annotations

import copy
import json
import pickle
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from replicate import FileOutput
from replicate._http.sse import Decoder, ServerSentEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

Fields = tuple[str, str, "str | None", "int | None"]


def decoded(chunks: Iterable[bytes]) -> list[Fields]:
    decoder = Decoder()
    return [(e.event, e.data, e.id, e.retry) for chunk in chunks for e in decoder.feed(chunk)]


def event(data: str, event: str = "message", id: str | None = None, retry: int | None = None) -> Fields:
    return (event, data, id, retry)


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [event("a")]),
        (b"data: a\r\rdata: b\r\n\r\n", [event("a"), event("b")]),
        (b"event: output\ndata:a\n\n", [event("a", "output")]),
        (b"data:  two spaces \n\n", [event(" two spaces ")]),
        (b"data: a\ndata: b\ndata\n\n", [event("a\nb\n")]),
        (b"data:\n\n", [event("")]),
        (b"data\n\n", [event("")]),
        (b": a comment\ndata: a\n: another\n\n:\n\n", [event("a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [event("a")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [event("a")]),
        (b"id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", [event("a", id="1"), event("b", id="1"), event("c", id="")]),
        (b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [event("a", id="1"), event("b", id="1")]),
        (b"id: 1\n\ndata: a\n\n", [event("a", id="1")]),
        (b"retry: 50\ndata: a\n\ndata: b\n\n", [event("a", retry=50), event("b")]),
        (b"retry: 5s\ndata: a\n\nretry: -1\ndata: b\n\nretry:\ndata: c\n\n", [event("a"), event("b"), event("c")]),
        ("retry: \u0665\ndata: a\n\n".encode(), [event("a")]),
        (b"event: lost\n\ndata: a\n\n", [event("a")]),
        (b"flavour: sweet\nDATA: no\ndata: a\n\n", [event("a")]),
        (b"data: a\n\ndata: never finished\n", [event("a")]),
        ("data: a\u2028b\u0085c\x0bd\x1ce\n\n".encode(), [event("a\u2028b\u0085c\x0bd\x1ce")]),
        (b"data: \xff\xfe\n\n", [event("��")]),
        (b"data: a:b: c\n\n", [event("a:b: c")]),
        (b"\n\n\n", []),
        (b"data: x\nevent: output\nid: 1\ndata: y\n\n", [event("x\ny", "output", id="1")]),
        (b"event: output\nid: 1\ndata: x\ndata: y\n\n", [event("x\ny", "output", id="1")]),
        (
            b"event: output\nid: 1\ndata: x\n\n: note\n\nevent: output\nid: 2\ndata: y\n\nevent: done\ndata: {}\n\n",
            [event("x", "output", id="1"), event("y", "output", id="2"), event("{}", "done", id="2")],
        ),
        (b"", []),
    ],
)
def test_a_stream_is_read_as_the_standard_says(stream: bytes, events: list[Fields]) -> None:
    """Fields, line ends, comments, ids and byte order marks follow the HTML standard, in one chunk or byte by byte."""
    assert decoded([stream]) == events
    assert decoded(bytes([byte]) for byte in stream) == events


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ["", "data: é\u2028😀", "data", "event: output", "id: 7", "id: a\0b", "retry: 12", ": note", "x: y"]
        ),
        st.text(max_size=8).map(lambda text: "data:" + text),
    )
)


@given(LINES, st.lists(st.sampled_from(["\n", "\r", "\r\n"]), min_size=1), st.lists(st.integers(0, 400)), st.booleans())
def test_the_chunks_make_no_difference(
    lines: list[str],
    ends: list[str],
    cuts: list[int],
    mark: bool,  # noqa: FBT001
) -> None:
    """A stream in any chunks gives the same events as the whole stream."""
    text = "".join(line + ends[index % len(ends)] for index, line in enumerate(lines))
    stream = (b"\xef\xbb\xbf" if mark else b"") + text.encode()
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(bounds)]
    assert decoded(chunks) == decoded([stream])


def oracle(stream: bytes) -> list[Fields]:
    """Decode a whole stream step by step, as in the text of the standard."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]  # the last line is incomplete
    events: list[Fields] = []
    data = event_type = ""
    last_event_id = None
    retry = None
    for line in lines:
        if line == "":
            if data != "":
                events.append(event(data.removesuffix("\n"), event_type or "message", last_event_id, retry))
            data, event_type, retry = "", "", None
            continue
        if line.startswith(":"):
            continue
        field, colon, value = line.partition(":")
        if colon and value.startswith(" "):
            value = value[1:]
        if field == "event":
            event_type = value
        elif field == "data":
            data += value + "\n"
        elif field == "id" and "\0" not in value:
            last_event_id = value
        elif field == "retry" and value and all(digit in "0123456789" for digit in value):
            retry = int(value)
    return events


PIECES = st.one_of(
    st.sampled_from(["\n", "\r", "\r\n", "\n\n", "\r\r", ":", " ", "\0", "\ufeff", "\u2028", "\u0085", "\x0b", "é😀"]),
    st.sampled_from(["event: output\nid: 1\ndata: x\n\n", "event: done\nid: 2\ndata: {}\n\n", "id: a\0b\n", "data\n"]),
    st.sampled_from(
        ["event", "event: output\n", "data", "data: ", "data: x\n", "id: 7\n", "id", "retry: 12\n", "retry"]
    ),
    st.text(max_size=3),
).map(str.encode) | st.binary(max_size=3)


@given(st.lists(PIECES, max_size=30), st.lists(st.integers(0, 400)))
def test_any_stream_is_read_as_the_standard_says(pieces: list[bytes], cuts: list[int]) -> None:
    """Any stream in any chunks gives the events that the steps of the standard give."""
    stream = b"".join(pieces)
    bounds = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    assert decoded(stream[start:end] for start, end in pairwise(bounds)) == oracle(stream)


@pytest.mark.parametrize("stream", [b"retry: 70\n\n", b"retry: 5\ndata: a\n\nretry: 70\n: note\n\n"])
def test_a_reconnection_time_needs_no_event(stream: bytes) -> None:
    """The decoder keeps the last reconnection time, even if no event came with it."""
    decoder = Decoder()
    decoder.feed(stream)
    assert decoder.retry == 70


@given(st.lists(st.binary(max_size=20)))
def test_any_bytes_can_be_fed(chunks: list[bytes]) -> None:
    """No bytes make the decoder raise, and it never gives more events than there are line ends."""
    assert len(decoded(chunks)) <= sum(chunk.count(b"\n") + chunk.count(b"\r") for chunk in chunks)


def test_an_event_is_dispatched_as_soon_as_possible() -> None:
    """A lone CR ends a line at once, although an LF may follow; that LF is not a line of its own."""
    decoder = Decoder()
    assert [e.data for e in decoder.feed(b"data: a\r\r")] == ["a"]
    assert [e.data for e in decoder.feed(b"\ndata: b\r\n\r")] == ["b"]
    assert [e.data for e in decoder.feed(b"\n\ndata: c\n\n")] == ["c"]


def test_a_long_line_in_many_chunks_is_joined_once() -> None:
    """The chunks of a long line, such as an image, are joined only once."""
    chunk = b"x" * 1000
    decoder = Decoder()
    assert [e for _ in range(5) for e in decoder.feed(b"data: " + chunk)] == []
    [made] = decoder.feed(b"\n\n")
    assert len(made.data) == 5 * len(chunk) + 4 * len("data: ")


def test_an_event_is_its_output_as_text() -> None:
    """As a `str`, an output event is its text; any other event is empty, and so false."""
    output = ServerSentEvent("output", "hello", "1")
    logs = ServerSentEvent("logs", "loading", "2")
    done = ServerSentEvent("done", "{}", "3")
    assert f"{output}{logs}{done}" == "hello"
    assert output
    assert not logs
    assert logs.data == "loading"
    assert repr(logs) == "ServerSentEvent(event='logs', data='loading', id='2')"


@pytest.mark.parametrize(
    "twin",
    [copy.copy, copy.deepcopy, *(lambda e, p=p: pickle.loads(pickle.dumps(e, p)) for p in range(2, 6))],
)
def test_events_can_be_copied_and_pickled(twin: object) -> None:
    """Copies and pickles have all fields."""
    made = twin(ServerSentEvent("logs", "text", "9", 50))  # type: ignore[operator]
    assert (type(made), made.event, made.data, made.id, made.retry) == (ServerSentEvent, "logs", "text", "9", 50)


def test_event_types_are_an_enumeration() -> None:
    """`ServerSentEvent.EventType` is a str Enum, as in version 1; an event with an unknown name is accepted."""
    kinds = ServerSentEvent.EventType
    assert issubclass(kinds, Enum)
    assert [*kinds] == ["output", "logs", "error", "done"]
    assert kinds["OUTPUT"] is kinds("output") is kinds.OUTPUT
    assert (kinds.LOGS.name, kinds.LOGS.value, str(kinds.LOGS)) == ("LOGS", "logs", "logs")
    with pytest.raises(ValueError, match="nonsense"):
        kinds("nonsense")
    [event, other] = Decoder().feed(b"event: done\ndata: {}\n\nevent: new\ndata: x\n\n")
    assert event.event is kinds.DONE
    assert {kinds.DONE: 1}[event.event] == {"done": 1}[event.event] == 1
    assert (other.event, other.event.value, isinstance(other.event, Enum)) == ("new", "new", False)
    assert pickle.loads(pickle.dumps(event)).event is kinds.DONE


def test_an_event_as_plain_data() -> None:
    """An event has `dict()`, `json()` and their aliases; a file in it becomes its URL."""
    event = ServerSentEvent("output", "hi", "1", 5)
    assert event.dict() == event.to_dict() == event.model_dump() == json.loads(event.json())
    assert event.dict() == {"event": "output", "data": "hi", "id": "1", "retry": 5}
    assert ServerSentEvent("logs", "hi").dict(exclude_none=True, exclude={"event"}) == {"data": "hi"}
    url = "https://files.example/a.png"
    assert ServerSentEvent("output", FileOutput(url)).dict(include={"data"}) == {"data": url}


def test_pydantic_takes_events() -> None:
    """Pydantic validates, dumps and describes events by their fields."""
    adapter = TypeAdapter(list[ServerSentEvent])
    event = ServerSentEvent("output", "hi", "1")
    assert adapter.validate_python([event])[0] is event
    [read] = adapter.validate_json(adapter.dump_json([event]))
    assert (read, read.event, read.id, read.retry) == ("hi", "output", "1", None)
    assert adapter.json_schema()["items"]["properties"].keys() == {"event", "data", "id", "retry"}
    for wrong in (["hi"], [{"nonsense": 1}]):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)
