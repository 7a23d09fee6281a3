"""Follow a prediction while it runs: through its event stream if it has one, by polling otherwise.

`changes` is the only loop. Events, output items and log lines are read from it.
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
from replicate._json import is_array, members, parse
from replicate._objects.resource import session_of
from replicate._wording import end_sentence, notes_of
from replicate.exceptions import APIError, PredictionTimeout, RunError, StreamError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from replicate._jobs.any_job import AnyJob
    from replicate._jobs.output_files import Files
    from replicate._models.schema import OutputSchema

REASONS = {"failed": '{"reason": "error"}', "canceled": '{"reason": "canceled"}', "aborted": '{"reason": "canceled"}'}
"""The data of a `done` event that does not come from a stream, by status."""
PATIENCE = 10.0
"""Seconds for which a prediction may still be reported as unfinished after its stream has ended."""


async def stream_events(watch: Watch, schema: OutputSchema, files: Files[Any]) -> AsyncGenerator[Any, None]:
    """Yield the watched prediction, then its events until it ends, in batches of those that arrive together.

    Cancels the prediction if this generator is closed early, provided that the block of its call cancels. Raises
    StreamError if the prediction fails or cannot be followed; PredictionTimeout, RunError.
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
                    elif ":" in event:  # a cheap check: every URL has a colon, and most texts have none
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
    """Yield a batch for each change of the prediction until it ends: events that arrive together, or [] for a poll.

    The events come from the URL of a stream, if one is given. When the stream ends or breaks off, or the reader sets
    `watch.off_stream`, polling takes over and brings what the events have left out. Raises PredictionTimeout, APIError.
    """
    if url:
        try:
            async with closing(events(watch, url)) as source:
                async for batch in source:
                    yield batch
                    if watch.off_stream:
                        break
        except (BrokenStreamError, PredictionTimeout) as error:  # perhaps only the reader was late: poll once more
            if error is watch.updates.error:
                raise
        await watch.look()
    yield []
    while await watch.look_again():
        yield []


async def follow_events(watch: Watch, schema: OutputSchema) -> AsyncGenerator[list[ServerSentEvent], None]:
    """Yield the events of a prediction up to `done`: those of its stream, and the rest made from polling."""
    seen: list[Any] = []
    prediction: Any = watch.run
    url = stream_url(prediction)
    try:
        async with closing(changes(watch, url)) as source:
            async for batch in source:
                if batch:
                    await watch.report(batch, schema)
                    seen += [event.data for event in batch if event or event.event == "output"]
                    yield batch
                    if batch[-1].event == "done":
                        return
                elif url and watch.final and not prediction.finished:
                    continue  # output that arrived after the deadline makes no event
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
    """Return an output item as the data of an event."""
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, separators=(",", ":"))


def failure_of(event: ServerSentEvent) -> str | None:
    """Return the failure that an event reports: the data of `error`, or the reason of `done`; None if there is none."""
    if event.event == "error":
        return str(event.data)
    if event.event != "done":
        return None
    try:
        reason = members(parse(event.data)).get("reason")
    except ValueError:
        return None
    return None if reason is None else str(reason)


async def await_end(watch: Watch) -> Exception | None:
    """Poll a prediction whose stream has ended until it has finished. If that fails or takes too long, return why."""
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
    """Create the error for a stream that reported a failure, by the prediction's final status if that comes in time.

    A prediction that was canceled at the deadline was canceled because of it: PredictionTimeout.
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
            f"The stream of prediction {prediction.id} told of a failure: {reason}.",
            hint=f"client.predictions.wait({prediction.id!r}) tells how the prediction ended.",
            detail=reason,
            prediction=prediction,
        )
    made.__cause__ = cause
    return made


def failed_stream(prediction: Any, reason: str) -> StreamError:
    """Create the error for a stream whose prediction did not succeed. Its text is the model's own message."""
    said = str(prediction.error or "") or None
    made = StreamError(end_sentence(prediction), said=said, detail=prediction.error or reason, prediction=prediction)
    for note in notes_of(prediction, said):
        made.add_note(note)
    return made


async def items(watch: Watch, schema: OutputSchema) -> AsyncGenerator[Any, None]:
    """Yield the items of a prediction's output as they arrive, each once. At the end, the prediction has finished.

    Reads events if there is a stream and the items are texts. Without a schema, only the first output shows whether
    they are. Items that the events leave out, and all items if the stream begins later than the output, are taken from
    the polled prediction. Raises PredictionTimeout at the deadline, APIError.
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
    known, at = text_of(raw_output(prediction)) if texts else "", 0
    async with closing(changes(watch, url if texts and not prediction.finished else None)) as source:
        async for batch in source:
            await watch.report(batch, schema)
            new: list[Any] = [] if batch else news(prediction, seen, schema)
            for event in batch:
                if event.event == "output":
                    repeated = known[at : at + len(event)]
                    if repeated != event[: len(repeated)]:
                        watch.off_stream = True
                        break
                    at += len(repeated)
                    new.append(str(event))
            seen += new
            for item in new:
                yield item


def news(prediction: Any, seen: list[Any], schema: OutputSchema) -> list[Any]:
    """Return the unseen items of a prediction's output, if the output arrives item by item or is complete."""
    output = raw_output(prediction)
    if prediction.finished or schema.iterator or (not schema.known and is_array(output)):
        return unseen(output, seen, schema)
    return []


def unseen(output: Any, seen: list[Any], schema: OutputSchema) -> list[Any]:
    """Return the items of an output that were not seen. If its pieces of text are cut differently, return the rest.

    Items seen as events have a newline for each line end.
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
    """Join an output to one text, with the line ends that its events have."""
    pieces: list[Any] = list(output) if is_array(output) else [output]
    return "".join(plain(str(piece)) for piece in pieces if piece is not None)


def plain(item: Any) -> Any:
    """Return an item as an event has it: each line end of a text is a newline."""
    return LINE_END.sub("\n", item) if isinstance(item, str) else item


async def lines(prediction: AnyJob) -> AsyncGenerator[str, None]:
    """Yield the lines of a prediction's logs as they arrive, each once. At the end, the prediction has finished.

    Reads events if there is a stream, and polls for what they leave out. Raises APIError.
    """
    watch, seen = Watch(prediction, Deadline(session_of(prediction), None)), whole(prediction)
    watch.needed = "logs"
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
    """Return the complete lines of a prediction's logs; once it has finished, the last line even if incomplete."""
    logs, finished = str(prediction.logs or ""), prediction.finished
    made = LINE_END.split(logs if finished else logs.removesuffix("\r"))  # a "\r" at the end may be half of a line end
    return made if finished and made[-1] else made[:-1]
