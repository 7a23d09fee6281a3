"""respan-instrumentation-replicate: its spans for calls."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from driving import BROKEN, FLUX, LLAMA, VICUNA, drive, equal, thing
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from respan_instrumentation_replicate import ReplicateInstrumentor

import replicate

if TYPE_CHECKING:
    from collections.abc import Iterator

INPUT = {"prompt": "hello there"}
TEXT = "You said: hello there"
SPANS = InMemorySpanExporter()
PROVIDER = TracerProvider()
PROVIDER.add_span_processor(SimpleSpanProcessor(SPANS))
trace.set_tracer_provider(PROVIDER)


@contextlib.contextmanager
def instrumented() -> Iterator[None]:
    SPANS.clear()
    instrumentor = ReplicateInstrumentor()
    instrumentor.activate()
    try:
        yield
    finally:
        instrumentor.deactivate()


def only_span(name: str) -> dict[str, Any]:
    """Return the attributes of the only span."""
    equal([span.name for span in SPANS.get_finished_spans()], [name])
    return dict(SPANS.get_finished_spans()[0].attributes)


def completion(attributes: dict[str, Any]) -> str:
    """Return the completion in a span. For a stream, respan includes the data of the last event, `{}`."""
    return attributes["gen_ai.completion.0.content"].removesuffix("{}")


def check(name: str, model: str, text: str = TEXT) -> None:
    attributes = only_span(name)
    equal(attributes["gen_ai.request.model"], model)
    equal(attributes["gen_ai.prompt.0.content"], "hello there")
    equal(completion(attributes), text)


@thing("run, official model")
def run() -> None:
    with instrumented():
        equal("".join(replicate.run(LLAMA, input=INPUT)), TEXT)
        check("replicate.run", LLAMA)


@thing("run, by version")
def by_version() -> None:
    with instrumented():
        equal("".join(replicate.run(VICUNA, input=INPUT)), TEXT)
        check("replicate.run", VICUNA)


@thing("run, images")
def images() -> None:
    with instrumented():
        made = replicate.run(FLUX, input=INPUT)
        check("replicate.run", FLUX, "".join(image.url for image in made))


@thing("run of a Client")
def client() -> None:
    with instrumented():
        equal("".join(replicate.Client().run(LLAMA, INPUT)), TEXT)
        check("replicate.run", LLAMA)


@thing("run, with respan_params")
def params() -> None:
    with instrumented():
        wanted = {"customer_identifier": "ada", "span_name": "mine"}
        equal("".join(replicate.run(LLAMA, input=INPUT, respan_params=wanted)), TEXT)
        check("mine", LLAMA)


@thing("async_run")
async def async_run() -> None:
    with instrumented():
        equal("".join(await replicate.async_run(LLAMA, input=INPUT)), TEXT)
        check("async_replicate.run", LLAMA)


@thing("async_run, by version")
async def async_by_version() -> None:
    with instrumented():
        equal("".join([item async for item in await replicate.async_run(VICUNA, input=INPUT)]), TEXT)
        check("async_replicate.run", VICUNA)


@thing("stream")
def stream() -> None:
    with instrumented():
        equal("".join(map(str, replicate.stream(LLAMA, input=INPUT))), TEXT)
        check("replicate.stream", LLAMA)


@thing("stream, left early")
def left() -> None:
    with instrumented():
        events = replicate.stream(LLAMA, input=INPUT)
        equal(str(next(events)), "You said:")
        events.close()
        check("replicate.stream", LLAMA, "You said:")


@thing("async_stream")
async def async_stream() -> None:
    with instrumented():
        equal("".join([str(event) async for event in await replicate.async_stream(LLAMA, input=INPUT)]), TEXT)
        check("async_replicate.stream", LLAMA)


@thing("predictions: create, wait, get, list, cancel")
def predictions() -> None:
    with instrumented():
        made = replicate.predictions.create(model=LLAMA, input=INPUT)
        made.wait()
        equal("".join(made.output), TEXT)
        equal(replicate.predictions.get(made.id).status, "succeeded")
        assert made.id in [one.id for one in replicate.predictions.list()]
        replicate.predictions.cancel(made.id)
    spans = [span.name.removeprefix("replicate.") for span in SPANS.get_finished_spans()]
    wanted = ["predictions.create", "prediction.wait", "predictions.get", "predictions.list", "predictions.cancel"]
    equal(spans, wanted)
    summary = SPANS.get_finished_spans()[2].attributes["traceloop.entity.output"]
    assert '"status":"succeeded"' in summary, summary


@thing("predictions: async_create, async_wait, async_get")
async def async_predictions() -> None:
    with instrumented():
        made = await replicate.predictions.async_create(model=LLAMA, input=INPUT)
        await made.async_wait()
        equal("".join(made.output), TEXT)
        equal((await replicate.predictions.async_get(made.id)).status, "succeeded")
    equal(len(SPANS.get_finished_spans()), 3)


@thing("prediction.stream")
def prediction_stream() -> None:
    with instrumented():
        made = replicate.predictions.create(model=LLAMA, input=INPUT, stream=True)
        equal("".join(map(str, made.stream())), TEXT)
    span = SPANS.get_finished_spans()[-1]
    equal((span.name, completion(dict(span.attributes))), ("replicate.stream", TEXT))


@thing("prediction.async_stream")
async def prediction_async_stream() -> None:
    with instrumented():
        made = await replicate.predictions.async_create(model=LLAMA, input=INPUT, stream=True)
        equal("".join([str(event) async for event in made.async_stream()]), TEXT)
    span = SPANS.get_finished_spans()[-1]
    equal((span.name, completion(dict(span.attributes))), ("replicate.stream", TEXT))


@thing("failed prediction")
def failed() -> None:
    with instrumented():
        try:
            replicate.run(BROKEN, input=INPUT)
        except replicate.exceptions.ModelError:
            check("replicate.run", BROKEN, "cannot do hello there")
        else:
            raise AssertionError("no error")


@thing("deactivate")
def deactivate() -> None:
    with instrumented():
        pass
    equal("".join(replicate.run(LLAMA, input=INPUT)), TEXT)
    equal("".join(map(str, replicate.stream(LLAMA, input=INPUT))), TEXT)
    equal(SPANS.get_finished_spans(), ())


if __name__ == "__main__":
    drive()
