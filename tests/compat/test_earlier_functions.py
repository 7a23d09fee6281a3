"""The functions of earlier versions that this version keeps for compatibility only."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import replicate
from replicate._compat import version1, version2
from replicate.client import RetryTransport

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = b"event: output\nid: 1\ndata: Hello\n\nevent: done\nid: 2\ndata: {}\n\n"


def streamed(content: bytes = EVENTS, kind: str = "text/event-stream; charset=utf-8") -> httpx.Response:
    return httpx.Response(200, headers={"content-type": kind}, content=content)


def test_an_event_source() -> None:
    """An `EventSource` yields the events of a streamed response."""
    events = list(version1.EventSource[Any](None, streamed()))
    assert [(event.event, str(event), event.id) for event in events] == [("output", "Hello", "1"), ("done", "", "2")]


def test_an_asynchronous_event_source() -> None:
    """An `EventSource` yields them in `async for` too."""
    import asyncio

    async def collect() -> list[str]:
        return [str(event) async for event in version1.EventSource[Any](None, streamed())]

    assert asyncio.run(collect()) == ["Hello", ""]


@pytest.mark.parametrize(("option", "kind"), [(None, replicate.FileOutput), (True, replicate.FileOutput), (False, str)])
def test_files_of_an_event_source(option: bool | None, kind: type) -> None:  # noqa: FBT001
    """An output event that is the URL of a file holds a FileOutput, unless `use_file_output=False`."""
    content = b"event: output\ndata: https://replicate.delivery/a.png\n\nevent: output\ndata: https:\n\n"
    with replicate.Client("t") as client:
        for owner in (client, None):
            events = list(version1.EventSource[Any](owner, streamed(content), use_file_output=option))
            assert [type(event.data) for event in events] == [kind, str]
            assert str(events[0]) == str(events[0].data) == "https://replicate.delivery/a.png"


def test_an_event_source_refuses_other_content() -> None:
    """A response of another content type is refused."""
    with pytest.raises(ValueError, match="this answer is text/html"):
        version1.EventSource[Any](None, streamed(kind="text/html"))


def test_names_of_events() -> None:
    """The name of an event is a `str` with the members of version 1's enumeration; unknown names are accepted."""
    kinds = replicate.ServerSentEvent.EventType
    event = replicate.ServerSentEvent("logs", "text")
    assert event.event == kinds.LOGS == event.event.value == "logs"
    assert replicate.ServerSentEvent("news", "text").event.value == "news"


def test_inputs_and_outputs(tmp_path: Path) -> None:
    """Inputs are encoded and outputs transformed as in version 1."""
    path = tmp_path / "a.txt"
    path.write_bytes(b"abc")
    assert version1.base64_encode_file(io.BytesIO(b"abc")) == "data:application/octet-stream;base64,YWJj"
    with replicate.Client("t") as client:
        encoded = version1.encode_json({"file": path, "n": [1]}, client)
        output = version1.transform_output({"files": ["https://a.test/b.png", "data:,x"], "text": "x"}, client)
    assert encoded == {"file": "data:text/plain;base64,YWJj", "n": [1]}
    assert [type(each) for each in output["files"]] == [replicate.FileOutput] * 2
    assert output["text"] == "x"


@pytest.mark.parametrize(
    ("cog", "early"), [("0.3.8", True), ("0.3.9", False), ("0.16.12", False), ("dev", None), ("0.3.9-beta1", None)]
)
def test_schemas_of_early_models(cog: str, early: bool | None) -> None:  # noqa: FBT001 - a table
    """Array outputs of models built with an early Cog are marked as iterators in their schema."""
    schema = {"components": {"schemas": {"Output": {"type": "array"}}}}
    assert version1.version_has_no_array_type(cog) is early
    made = version1.make_schema_backwards_compatible(schema, cog)
    assert ("x-cog-array-type" in made["components"]["schemas"]["Output"]) is bool(early)
    assert schema == {"components": {"schemas": {"Output": {"type": "array"}}}}


def test_paths_and_urls(tmp_path: Path) -> None:
    """`get_path_url` returns the URL of an output; `file_from_path` returns the form in which a file is sent."""
    (tmp_path / "a.txt").write_bytes(b"abc")
    assert version2.get_path_url(replicate.FileOutput[Any]("https://a.test/b")) == "https://a.test/b"
    assert version2.get_path_url("https://a.test/b") is None
    assert version2.file_from_path(tmp_path / "a.txt") == ("a.txt", b"abc")


def test_the_transport_that_retried() -> None:
    """RetryTransport passes requests on, and warns that the client retries now."""
    answering = httpx.MockTransport(lambda _: httpx.Response(200, json={"id": "p1"}))
    with pytest.warns(DeprecationWarning, match="max_retries= to the client"):
        transport = RetryTransport(answering, max_attempts=1)
    with replicate.Client("t", transport=transport) as client:
        assert client.predictions.get("p1").id == "p1"
