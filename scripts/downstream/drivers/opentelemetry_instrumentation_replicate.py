"""opentelemetry-instrumentation-replicate: its spans and events for calls; and its own tests."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driving import DIFFUSION, LLAMA, VICUNA, drive, equal, said, thing
from opentelemetry.instrumentation.replicate import ReplicateInstrumentor
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import replicate

if TYPE_CHECKING:
    from collections.abc import Iterator

INPUT = {"prompt": "hello there", "temperature": 0.5}
OWN_TESTS = "own tests: "


@contextlib.contextmanager
def instrumented(*, events: bool = False) -> Iterator[tuple[Any, Any]]:
    """Instrument the client; yield the exporters of spans and events."""
    spans, logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
    traces, records = TracerProvider(), LoggerProvider()
    traces.add_span_processor(SimpleSpanProcessor(spans))
    records.add_log_record_processor(SimpleLogRecordProcessor(logs))
    instrumentor = ReplicateInstrumentor(use_legacy_attributes=not events)
    instrumentor.instrument(tracer_provider=traces, logger_provider=records)
    try:
        yield spans, logs
    finally:
        instrumentor.uninstrument()


def only_span(spans: Any, name: str) -> dict[str, Any]:
    """Return the attributes of the only span."""
    [span] = spans.get_finished_spans()
    equal(span.name, name)
    return dict(span.attributes)


def told(attributes: dict[str, Any]) -> str:
    """Return the completion in a span, joined from its parts."""
    return "".join(text for name, text in attributes.items() if name.startswith("gen_ai.completion."))


@thing("run, official model")
def run() -> None:
    with instrumented() as (spans, _):
        equal("".join(replicate.run(LLAMA, input=INPUT)), "You said: hello there")
        attributes = only_span(spans, "replicate.run")
    equal(attributes["gen_ai.request.model"], LLAMA)
    equal(attributes["gen_ai.request.temperature"], 0.5)
    equal(attributes["gen_ai.prompt.0.user"], "hello there")
    equal(told(attributes), "You said: hello there")


@thing("run, by version")
def by_version() -> None:
    with instrumented() as (spans, _):
        equal("".join(replicate.run(VICUNA, input=INPUT)), "You said: hello there")
        equal(told(only_span(spans, "replicate.run")), "You said: hello there")


@thing("run, images")
def images() -> None:
    with instrumented() as (spans, _):
        equal(len(list(replicate.run(DIFFUSION, input={"prompt": "a cat"}))), 2)
        only_span(spans, "replicate.run")


@thing("stream")
def stream() -> None:
    with instrumented() as (spans, _):
        equal("".join(map(str, replicate.stream(LLAMA, input=INPUT))), "You said: hello there")
        equal(told(only_span(spans, "replicate.stream")), "You said: hello there")


@thing("predictions.create")
def create() -> None:
    with instrumented() as (spans, _):
        version = replicate.models.get(VICUNA.partition(":")[0]).versions.get(VICUNA.partition(":")[2])
        equal(replicate.predictions.create(version=version, input=INPUT).input, INPUT)
        equal(only_span(spans, "replicate.predictions.create")["gen_ai.request.model"], version.id)


@thing("events of run")
def events_of_run() -> None:
    with instrumented(events=True) as (_, logs):
        list(replicate.run(LLAMA, input=INPUT))
        records = [log.log_record for log in logs.get_finished_logs()]
    equal([record.event_name for record in records], ["gen_ai.user.message"] + 3 * ["gen_ai.choice"])
    equal("".join(record.body["message"]["content"] for record in records[1:]), "You said: hello there")


@thing("events of stream")
def events_of_stream() -> None:
    with instrumented(events=True) as (_, logs):
        list(replicate.stream(LLAMA, input=INPUT))
        records = [log.log_record for log in logs.get_finished_logs()]
    equal([record.event_name for record in records], ["gen_ai.user.message", "gen_ai.choice"])
    equal(records[1].body["message"]["content"], "You said: hello there")


@thing("uninstrument")
def uninstrument() -> None:
    before = (replicate.run, replicate.stream)
    with instrumented() as (spans, _):
        pass
    equal((replicate.run, replicate.stream), before)
    list(replicate.run(LLAMA, input=INPUT))
    equal(spans.get_finished_spans(), ())


def own_tests() -> None:
    """Run the tests of the package, which replay recorded traffic of the real API."""
    tests = Path(os.environ["SOURCES"], "tests")
    environment = {name: value for name, value in os.environ.items() if name != "REPLICATE_BASE_URL"}
    environment["COLUMNS"] = "400"  # pytest truncates lines that do not fit
    plain = ["-c", os.devnull, "--rootdir", str(tests.parent), "-p", "no:cacheprovider", "-p", "no:warnings"]
    command = [sys.executable, "-P", "-m", "pytest", *plain, "-q", "-rA", "--tb=short", str(tests)]
    done = subprocess.run(
        command, cwd=tests.parent, env=environment, stdout=subprocess.PIPE, text=True, check=False
    ).stdout
    sys.stderr.write(done)
    for line in done.splitlines():
        outcome, _, rest = line.partition(" ")
        if outcome in {"PASSED", "FAILED", "ERROR"}:
            name, _, error = rest.partition(" - ")
            said(OWN_TESTS + name.rpartition("::")[2], None if outcome == "PASSED" else error or "assertion")


if __name__ == "__main__":
    drive()
    own_tests()
