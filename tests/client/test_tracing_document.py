"""The observer of docs/tracing.md makes spans of OpenTelemetry: a prediction each, with its requests as children."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.colours import collect, got, leaves_streams

import replicate
from replicate import ModelError

if TYPE_CHECKING:
    from replicate.local import Server

DOCUMENT = Path(__file__).parents[2] / "docs" / "tracing.md"

pytestmark = [
    pytest.mark.skipif(not DOCUMENT.exists(), reason="documents stay behind when the installed wheel is tested"),
    leaves_streams,
]


class Exported:
    """The spans that were ended, and the observer that makes them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sdk: Any = pytest.importorskip("opentelemetry.sdk.trace")
        export: Any = pytest.importorskip("opentelemetry.sdk.trace.export")
        memory: Any = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
        self._spans = memory.InMemorySpanExporter()
        provider = sdk.TracerProvider()
        provider.add_span_processor(export.SimpleSpanProcessor(self._spans))
        self.tracer = provider.get_tracer("replicate")
        [block] = [
            each
            for each in re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
            if "Tracing" in each
        ]
        names: dict[str, Any] = {"__name__": "document"}
        monkeypatch.setitem(vars(replicate), "observers", None)  # which the block sets
        exec(compile(block, DOCUMENT.name, "exec"), names)
        assert [type(each).__name__ for each in replicate.observers or ()] == ["Tracing"]
        self.observer = names["Tracing"](self.tracer)

    @property
    def spans(self) -> list[Any]:
        """All that have ended."""
        return list(self._spans.get_finished_spans())

    def predictions(self) -> list[Any]:
        """Those of predictions."""
        return [span for span in self.spans if span.name.startswith("predict ")]

    def children(self, parent: Any) -> list[str]:
        """Tell what was asked about a prediction."""
        return [span.name.split("/")[-1] for span in self.spans if span.parent == parent.context]


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> Exported:
    """Have spans exported to a list."""
    return Exported(monkeypatch)


async def test_a_prediction_is_a_span(clients: Any, server: Server, exported: Exported) -> None:
    """It begins with the create, ends with the prediction, and has the requests about it as children."""
    client = clients(server, observers=[exported.observer])
    with exported.tracer.start_as_current_span("program") as program:
        assert await got(client.run("me/official", {"text": "a"}, wait=False)) == "A!"
    [span] = exported.predictions()
    [made] = [each for each in server.predictions if each.id == span.attributes["replicate.prediction"]]
    assert span.name == "predict me/official"
    assert span.attributes["replicate.status"] == "succeeded"
    assert span.attributes["replicate.predict_time"] >= 0
    create, *looks = [each for each in exported.spans if "http.request.method" in each.attributes]
    assert span.attributes["replicate.request_id"] == create.attributes["replicate.request_id"]
    assert create.attributes["http.response.status_code"] == 201
    assert span.start_time <= create.start_time
    assert exported.children(span) == [made.id] * len(looks)
    assert span.parent == create.parent == program.get_span_context()
    assert exported.observer.runs == {}


async def test_a_failure_is_the_status_of_its_span(clients: Any, server: Server, exported: Exported) -> None:
    """A prediction that failed, and a request that did, are spans with an error."""
    client = clients(server, observers=[exported.observer])
    with pytest.raises(ModelError):
        await got(client.run("me/broken", {"text": "no memory"}))
    [span] = exported.predictions()
    assert (span.status.is_ok, span.status.description) == (False, "no memory")
    refused = [each for each in exported.spans if each.attributes.get("error.type") == "NotFoundError"]
    assert [each.attributes["http.response.status_code"] for each in refused] == [404]  # it is no official model
    assert not refused[0].status.is_ok


async def test_a_stream_is_a_span(clients: Any, server: Server, exported: Exported) -> None:
    """It ends as the prediction does, with its metrics; each of several predictions has its own."""
    client = clients(server, observers=[exported.observer])
    for _ in range(2):
        assert "".join(await collect(await got(client.stream("me/words")))) == "one two three "
    one, two = exported.predictions()
    for span in (one, two):
        assert span.attributes["replicate.predict_time"] >= 0
        assert span.attributes["replicate.prediction"] in exported.children(span)
    assert one.context != two.context
