"""Following a running prediction: by its stream of events if it has one, by polling otherwise.

`changes` is the only loop. Events, items and log lines are derived from it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from replicate._dual.generators import closing
from replicate._http.deadline import Deadline
from replicate._http.sse import LINE_END, ServerSentEvent
from replicate._jobs.events import BrokenStreamError, events, stream_url
from replicate._jobs.fetch import refresh
from replicate._jobs.outputs import raw_output
from replicate._jobs.wait import LATE, Watch, check_kept, wait_until_done
from replicate._json import is_array, members
from replicate._objects.resource import session_of
from replicate._wording import end_sentence, harmless, notes_of
from replicate.exceptions import APIError, PredictionTimeout, RunError, StreamError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from replicate._jobs.any_job import AnyJob
    from replicate._jobs.output_files import Files
    from replicate._models.schema import OutputSchema

REASONS = {"failed": '{"reason": "error"}', "canceled": '{"reason": "canceled"}', "aborted": '{"reason": "canceled"}'}
"""The data of `done` if no stream has sent it."""
PATIENCE = 10.0
"""Seconds that a prediction may still look unfinished after its stream has ended."""


async def stream_events(watch: Watch, schema: OutputSchema, files: Files[Any]) -> AsyncGenerator[Any, None]:
    """Yield the watched prediction, then its events until its end, in batches as they arrive.

    If this is closed earlier, the block of the call may cancel the prediction. Raises StreamError if the prediction
    fails, or cannot be followed; PredictionTimeout, RunError.
    """
    prediction: Any = watch.run
    failed: str | None = None
    batch: list[ServerSentEvent] = []
    async with watch.block as block:
        async with closing(follow_events(watch, schema)) as batches:
            yield prediction
            async for batch in batches:
                for event in batch:
                    if not event:
                        failed = failure_of(event) if failed is None else failed
                    elif ":" in event:  # cheap test: most texts have no colon
                        event.data = files.item(event.data)
                        await files.save(prediction)
                if batch[-1].event == "done":
                    break
                yield batch
        block.release()  # there is nothing left to cancel
        if watch.tells_end and failed is None:
            await await_end(watch)
        yield batch
        if failed is not None:
            raise await stream_error(watch, failed)
        files.check(prediction, files.made)


async def changes(watch: Watch, url: str | None) -> AsyncGenerator[list[ServerSentEvent], None]:
    """Yield each change of a watched job until it has ended: a batch of events, or an empty batch after a poll.

    The events come from the URL of a stream, if one is given. After it has ended or broken, or once the reader has set
    `watch.off_stream`, the job is polled, which shows what the events left out. Raises PredictionTimeout, APIError.
    """
    if url:
        try:
            async with closing(events(watch, url)) as source:
                async for batch in source:
                    yield batch
                    if watch.off_stream:
                        break
        except (BrokenStreamError, PredictionTimeout) as error:  # the reader may have been late, not the prediction
            if error is watch.updates.error:
                raise
        await watch.look()
    yield []
    while await watch.look_again():
        yield []


async def follow_events(watch: Watch, schema: OutputSchema) -> AsyncGenerator[list[ServerSentEvent], None]:
    """Yield the events of a prediction up to `done`: from its stream, and what that leaves out by polling."""
    seen: list[Any] = []
    prediction: Any = watch.run
    url = stream_url(prediction)
    try:
        async with closing(changes(watch, url)) as source:
            async for batch in source:
                if batch:
                    if watch.updates.wanted:
                        await watch.updates.happened(prediction, batch, schema)
                    seen += [event.data for event in batch if event or event.event == "output"]
                    yield batch
                    if batch[-1].event == "done":
                        return
                elif url and watch.final and not prediction.finished:
                    continue  # output after the deadline yields no event
                else:
                    for item in news(prediction, seen, schema):
                        seen.append(item)
                        yield [ServerSentEvent("output", text_or_json(item))]
        check_kept(prediction)
    except APIError as error:
        if error is watch.updates.error:
            raise
        raise StreamError(
            f"The stream of prediction {prediction.id} broke off before its end, and looking at it failed.",
            hint=f"The prediction may go on: client.predictions.wait({prediction.id!r}) gives its result.",
            prediction=prediction,
        ) from error
    yield [ServerSentEvent("done", REASONS.get(prediction.status, "{}"))]


def text_or_json(item: Any) -> str:
    """Return an item as the data of an event."""
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, separators=(",", ":"))


def failure_of(event: ServerSentEvent) -> str | None:
    """Return the failure that an event reports: an error, or the reason of `done`; None if it reports none."""
    if event.event == "error":
        return str(event.data)
    if event.event != "done":
        return None
    try:
        reason = members(json.loads(event.data)).get("reason")
    except ValueError:
        return None
    return None if reason is None else str(reason)


async def await_end(watch: Watch) -> Exception | None:
    """Poll a prediction whose stream has ended until its final state; return the error if that fails in time."""
    prediction: Any = watch.run
    try:
        if not prediction.finished:
            await refresh(prediction, watch.deadline)
        left = min(PATIENCE, watch.deadline.remaining())
        if left > 0:
            await wait_until_done(prediction, Deadline(session_of(watch.run), left), watch.updates)
    except (APIError, PredictionTimeout) as error:
        if error is watch.updates.error:
            raise
        return error
    return None


async def stream_error(watch: Watch, reason: str) -> RunError:
    """Return the error for a stream that reports a failure, with the prediction's final state if it is seen in time.

    If the prediction was canceled at the deadline, the error is PredictionTimeout.
    """
    cause = await await_end(watch)
    prediction: Any = watch.run
    deadline = watch.deadline
    if prediction.status in ("canceled", "aborted") and deadline.remaining() < LATE:
        return PredictionTimeout(prediction, deadline.seconds or 0)
    if prediction.status in ("failed", "canceled", "aborted"):
        made = failed_stream(prediction, reason)
    else:
        made = StreamError(
            f"The stream of prediction {prediction.id} told of a failure: {harmless(reason)}.",
            hint=f"client.predictions.wait({prediction.id!r}) tells how the prediction ended.",
            detail=reason,
            prediction=prediction,
        )
    made.__cause__ = cause
    return made


def failed_stream(prediction: Any, reason: str) -> StreamError:
    """Return the error for a prediction that did not succeed. Its text is the model's error."""
    said = harmless(str(prediction.error or "")) or None
    made = StreamError(end_sentence(prediction), said=said, detail=prediction.error or reason, prediction=prediction)
    for note in notes_of(prediction, said):
        made.add_note(note)
    return made


async def items(watch: Watch, schema: OutputSchema) -> AsyncGenerator[Any, None]:
    """Yield the items of a prediction's output as they come, each once. At the end, the prediction has ended.

    Items come from events if there is a stream and items are texts; without a schema, the first item shows that. What
    the events leave out, or a stream that begins after the output, is taken from the prediction itself. Raises
    PredictionTimeout at the deadline, APIError.
    """
    prediction: Any = watch.run
    url = stream_url(prediction)
    if url and not schema.known:
        while not raw_output(prediction) and await watch.look_again():
            pass
    texts = (
        schema.streams_text if schema.known else bool(raw_output(prediction)) and schema.is_text(raw_output(prediction))
    )
    seen: list[Any] = []
    known = text_of(raw_output(prediction)) if texts else ""
    async with closing(changes(watch, url if texts and not prediction.finished else None)) as source:
        async for batch in source:
            if batch and watch.updates.wanted:
                await watch.updates.happened(prediction, batch, schema)
            new: list[Any] = [] if batch else news(prediction, seen, schema)
            for event in batch:
                if event.event == "output":
                    if known[: len(event)] != event[: len(known)]:
                        watch.off_stream = True
                        break
                    known = known[len(event) :]
                    new.append(str(event))
            seen += new
            for item in new:
                yield item


def news(prediction: Any, seen: list[Any], schema: OutputSchema) -> list[Any]:
    """Return the new items of a prediction's output, if it comes in items or is complete."""
    output = raw_output(prediction)
    if prediction.finished or schema.iterator or (not schema.known and is_array(output)):
        return unseen(output, seen, schema)
    return []


def unseen(output: Any, seen: list[Any], schema: OutputSchema) -> list[Any]:
    """Return the items of an output that were not seen. Of a text, whose pieces may be split differently, the rest.

    Items that were seen as events have a newline for each line end.
    """
    if output is None:
        return []
    made: list[Any] = (
        [each for each in output if each is not None or not schema.concatenate] if is_array(output) else [output]
    )
    if not schema.is_text(output) or [plain(item) for item in made[: len(seen)]] == [plain(item) for item in seen]:
        return made[len(seen) :]
    rest = text_of(made)[len(text_of(seen)) :]
    return [rest] if rest else []


def text_of(output: Any) -> str:
    """Join an output as its events have it."""
    pieces: list[Any] = list(output) if is_array(output) else [output]
    return "".join(plain(str(piece)) for piece in pieces if piece is not None)


def plain(item: Any) -> Any:
    """Return an item as an event shows it: each line end of a text is a newline."""
    return LINE_END.sub("\n", item) if isinstance(item, str) else item


async def lines(prediction: AnyJob) -> AsyncGenerator[str, None]:
    """Yield the lines of a prediction's logs as they come, each once. At the end, the prediction has ended.

    Lines come from events if there is a stream; what these leave out comes from polling. Raises APIError.
    """
    watch, seen = Watch(prediction, Deadline(session_of(prediction), None)), whole(prediction)
    for line in seen:
        yield line
    told, parts = 0, list[str]()
    async with closing(changes(watch, None if prediction.finished else stream_url(prediction))) as source:
        async for batch in source:
            new = [] if batch else whole(prediction)[len(seen) :]
            parts.append("".join(event.data for event in batch if event.event == "logs"))
            if "\n" in parts[-1]:
                *made, rest = "".join(parts).split("\n")
                known, parts = len(seen) - told, [rest]
                if made[:known] != seen[told : told + len(made)]:  # the stream starts at another line
                    watch.off_stream = True
                    continue
                told += len(made)
                new = made[known:]
            seen += new
            for line in new:
                yield line


def whole(prediction: AnyJob) -> list[str]:
    """Return the complete lines of a prediction's logs; once it has ended, the last line too."""
    logs, finished = str(prediction.logs or ""), prediction.finished
    made = LINE_END.split(logs if finished else logs.removesuffix("\r"))  # it may be half of a line end
    return made if finished and made[-1] else made[:-1]
