"""Odd values: what no answer should hold, and the changes that put each of them in a recorded response."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Step = str | int

ODD: dict[str, str] = {
    "null": "null",
    "true": "true",
    "zero": "0",
    "a negative number": "-1",
    "a fraction": "0.5",
    "a large float": "1e308",
    "a float out of range": "1e400",
    "NaN": "NaN",
    "infinity": "-Infinity",
    "a large int": "9" * 30,
    "an int of 5,000 digits": "9" * 5000,
    "an empty text": '""',
    "a space": '" "',
    "two dots": '".."',
    "a dot": '"."',
    "a slash": '"a/b"',
    "a path": '"/predictions?x=1"',
    "an unpaired surrogate": r'"\ud800"',
    "a reversal of the direction": r'"\u202e"',
    "an escape": r'"\u001b[2J\u0000"',
    "a line end": r'"a\r\nb: c"',
    "text beyond ASCII": '"\u00e4\u4e2d\U0001f999"',
    "10 kB of text": f'"{"x" * 10_000}"',
    "a URL": '"https://api.replicate.com/v1/predictions"',
    "a URL that is none": r'"https://[\ud800/"',
    "a URL with a bad port": '"https://a.test:99999999/x"',
    "a URL of 5,000 digits": f'"http://{"9" * 5000}/{"9" * 5000}"',
    "a data URI": '"data:image/png;base64,AAAA"',
    "an empty list": "[]",
    "a list in a list": "[[]]",
    "a list of null": "[null]",
    "a list of numbers": "[1, 2.5]",
    "a list of texts": '["a", "b"]',
    "a list of objects": '[{"a": 1}, {"id": ".."}]',
    "an empty object": "{}",
    "an object": '{"a": {}}',
    "an object with odd keys": r'{"": 1, "__class__": 2, "\ud800": 3, "id": [], "get": 1, "type": {}}',
    "a key twice": '{"a": 1, "a": [2]}',
    "lists, nested 900 deep": "[" * 900 + "]" * 900,
    "objects, nested 900 deep": '{"a":' * 900 + "1" + "}" * 900,
    "lists, nested 5,000 deep": "[" * 5_000 + "]" * 5_000,
    "the first year": '"0001-01-01T00:00:00Z"',
    "before the first year": '"0001-01-01T00:00:00+14:00"',
    "the last year": '"9999-12-31T23:59:59.999999Z"',
    "after the last year": '"9999-12-31T23:59:59-14:00"',
    "a date that is none": '"2024-02-30T25:61:00Z"',
    "a time only": '"12:30"',
    "a reference in a circle": '{"$ref": "#/components/schemas/Output", "allOf": null, "properties": []}',
    "an odd schema": '{"type": ["string", {}], "enum": [{"a": 1}, []], "default": {}, "x-order": "a", "anyOf": [1]}',
}
"""JSON texts of values that no answer should have."""

CONTENTS: dict[str, bytes] = {
    "nothing": b"",
    "half of an object": b'{"id": "p1", ',
    "no text": b"\xff\xfe\x00\xd8",
    "HTML": b"<html></html>",
    "two values": b"{}{}",
}
EVENTS: dict[str, bytes] = {
    "an id beyond ASCII": "event: output\nid: \u4e2d\u00e4\ndata: a\n\n".encode(),
    "an id of control characters": b"event: output\nid: \x1b\x7f\t\ndata: a\n\n",
    "an id of 10 kB": b"event: output\nid: " + b"x" * 10_000 + b"\ndata: a\n\n",
    "a name beyond ASCII": "event: \u4e2d\nid: 1\ndata: a\n\n".encode(),
    "bytes that are no text": b"event: output\nid: \xff\ndata: \xff\xfe\n\n",
    "a NUL": b"event: output\nid: \0\ndata: \0\n\n",
    "a retry of 400 digits": b"retry: " + b"9" * 400 + b"\nevent: output\nid: 1\ndata: a\n\n",
    "a retry of 18 digits": b"retry: " + b"9" * 18 + b"\nevent: output\nid: 1\ndata: a\n\n",
    "a retry of other digits": "retry: \u0661\nevent: output\nid: 1\ndata: a\n\n".encode(),
    "done, nested 900 deep": b"event: done\ndata: " + b"[" * 900 + b"]" * 900 + b"\n\n",
    "done, nested 100,000 deep": b"event: done\ndata: " + b"[" * 100_000 + b"]" * 100_000 + b"\n\n",
    "done for an odd reason": b'event: done\ndata: {"reason": {"a": [1e400, "\\ud800"]}}\n\n',
    "done with an int of 5,000 digits": b'event: done\ndata: {"reason": ' + b"9" * 5000 + b"}\n\n",
    "done with no JSON": b"event: done\ndata: {\n\n",
    "done without data": b"event: done\n\n",
    "an error": b'event: error\ndata: {"detail": [{}]}\n\n',
    "a URL that is none": b"event: output\nid: 1\ndata: https://[\n\n",
    "a data URI": b"event: output\nid: 1\ndata: data:image/png;base64,!\n\n",
}
HEADERS: dict[str, tuple[str | bytes, ...]] = {
    "date": ("Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -1400", "yesterday", "", b"\xff"),
    "retry-after": ("9" * 400, "-1", "nan", "1e400", "Mon, 01 Jan 0001 00:00:00 +1400", b"\xff"),
    "ratelimit-remaining": ("9" * 400, "-1", "nan", b"\xff"),
    "ratelimit-reset": ("9" * 400, "nan", "0.1", b"\xff"),
    "content-type": ("text/html; charset=nonsense", "application/json; charset=utf-16", "a; b; c=", b"\xff"),
    "content-disposition": ('attachment; filename="../.."', b"\xff", "attachment; filename*=utf-8''%ff"),
    "etag": (b"\xff", "", "W/x"),
    "x-request-id": (b"\xff", "x" * 10_000),
    "preference-applied": (b"\xff", "wait=x"),
    "location": ("", "..", "http://[", "/v1/predictions"),
}


class Exchange(NamedTuple):
    """A request and the response to it."""

    key: str
    status: int
    headers: tuple[tuple[str, str | bytes], ...]
    content: bytes

    @property
    def is_json(self) -> bool:
        return ("content-type", "application/json") in self.headers

    @property
    def is_stream(self) -> bool:
        return any(str(value).startswith("text/event-stream") for _, value in self.headers)


class Change(NamedTuple):
    """One odd value: where it is, what it is, and how to make the response that has it."""

    index: int
    key: str
    place: str
    name: str
    make: Callable[[], Exchange]

    def __str__(self) -> str:
        return f"{self.key}: {self.place} is {self.name}"


def places(value: Any, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Yield the path of each value in a JSON value, of the first item only in a list."""
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def replaced(value: Any, path: tuple[Step, ...], odd: str | None) -> bytes:
    """Return a JSON value as text, with another JSON text, or nothing, at a path."""
    root = [copy.deepcopy(value)]
    inner: Any = root
    *way, last = (0, *path)
    for step in way:
        inner = inner[step]
    if odd is None:
        del inner[last]
    else:
        inner[last] = "@@odd@@"
    return json.dumps(root[0]).replace('"@@odd@@"', odd or "").encode()


def changes(exchanges: list[Exchange]) -> Iterator[Change]:
    """Yield all changes of recorded exchanges."""
    for index, exchange in enumerate(exchanges):
        made: list[tuple[str, str, Callable[[], Exchange]]] = [
            *of_content(exchange),
            *of_headers(exchange),
            *(of_json(exchange) if exchange.is_json else ()),
            *(of_events(exchange) if exchange.is_stream else ()),
        ]
        for place, name, make in made:
            yield Change(index, exchange.key, place, name, make)


def of_json(exchange: Exchange) -> Iterator[tuple[str, str, Callable[[], Exchange]]]:
    """Yield the changes of a JSON response: each value is replaced by each odd one."""
    value = json.loads(exchange.content)
    for path in places(value):
        where = ".".join(map(str, path)) or "the answer"
        odd: dict[str, str | None] = {**ODD, **({"missing": None} if path and isinstance(path[-1], str) else {})}
        for name, text in odd.items():
            yield where, name, lambda path=path, text=text: exchange._replace(content=replaced(value, path, text))


def of_events(exchange: Exchange) -> Iterator[tuple[str, str, Callable[[], Exchange]]]:
    """Yield the changes of a stream of events: an odd one in the place of the first or of the last, or before all."""
    first, *middle, _, end = exchange.content.split(b"\n\n")
    rest, most = b"\n\n".join([*middle, _, end]), b"\n\n".join([first, *middle, b""])
    for name, odd in EVENTS.items():
        for where, content in (("first", odd + rest), ("last", most + odd), ("additional", odd + exchange.content)):
            yield f"the {where} event", name, lambda content=content: exchange._replace(content=content)


def of_content(exchange: Exchange) -> Iterator[tuple[str, str, Callable[[], Exchange]]]:
    """Yield other contents, also of errors."""
    for name, content in CONTENTS.items():
        yield "the content", name, lambda content=content: exchange._replace(content=content)
    for status in (404, 422, 429, 500):
        for name, odd in ODD.items():
            content = f'{{"detail": {odd}, "title": {odd}, "status": {odd}, "type": {odd}}}'.encode()
            yield (
                f"the error {status}",
                name,
                lambda status=status, content=content: exchange._replace(status=status, content=content),
            )


def of_headers(exchange: Exchange) -> Iterator[tuple[str, str, Callable[[], Exchange]]]:
    """Yield other headers."""
    for name, values in HEADERS.items():
        for value in values:
            rest = [each for each in exchange.headers if each[0] != name]
            yield (
                f"the header {name}",
                repr(value)[:40],
                lambda rest=rest, name=name, value=value: exchange._replace(headers=(*rest, (name, value))),
            )
