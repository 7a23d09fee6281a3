"""Following a prediction while it runs: by its stream of events where it has one, by looking at it where not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from replicate._dual.generators import nested
from replicate._http.deadline import Deadline
from replicate._http.sse import LINE_END, ServerSentEvent
from replicate._jobs.events import BrokenStreamError, events, stream_url
from replicate._jobs.outputs import raw
from replicate._jobs.polling import interval, pace, poll
from replicate._jobs.wait import LATE, Watch, check_kept, look, settle
from replicate._json import is_array, members
from replicate._objects.resource import session_of
from replicate._wording import ended, harmless, told
from replicate.exceptions import APIError, PredictionTimeout, RunError, StreamError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from replicate._jobs.output_files import Files
    from replicate._models.schema import OutputSchema

REASONS = {"failed": '{"reason": "error"}', "canceled": '{"reason": "canceled"}', "aborted": '{"reason": "canceled"}'}
"""The data of `done` where it is not told by a stream."""
PATIENCE = 10.0
"""For how many seconds a prediction, whose stream told of its end, may still look unfinished."""


async def streamed(watch: Watch, schema: OutputSchema, files: Files[Any], *, cancel: bool) -> AsyncGenerator[Any, None]:
    """Yield the prediction that is watched, then its events to its end, as many at a time as come together.

    Cancels the prediction if this is closed before, provided `cancel`. Raises StreamError if the prediction fails, or
    cannot be followed; PredictionTimeout, RunError.
    """
    prediction: Any = watch.run
    failed: str | None = None
    batch: list[ServerSentEvent] = []
    async with watch.owned(cancel=cancel), nested(followed(watch, schema)) as batches:
        yield prediction
        async for batch in batches:
            for event in batch:
                if not event:
                    failed = failure(event) if failed is None else failed
                elif ":" in event:  # most have none, which is soon told
                    event.data = files.item(event.data)
                    await files.save(prediction)
            if batch[-1].event == "done":
                break  # there is nothing left to cancel
            yield batch
    async with watch.owned(cancel=False):
        if watch.updates.wanted and failed is None:
            await ending(watch)
        yield batch
        if failed is not None:
            raise await stream_error(watch, failed)
        files.check(prediction, files.made)


async def followed(watch: Watch, schema: OutputSchema) -> AsyncGenerator[list[ServerSentEvent], None]:
    """Yield the events of a prediction up to `done`: of its stream, and what that leaves out by looking."""
    seen: list[str] = []
    prediction: Any = watch.run
    try:
        if url := stream_url(prediction):
            try:
                async with nested(events(prediction, url, watch.deadline)) as source:
                    async for batch in source:
                        await watch.updates.happened(prediction, batch, schema)
                        seen += [event.data for event in batch if event or event.event == "output"]
                        yield batch
            except (BrokenStreamError, PredictionTimeout) as error:
                if error is watch.updates.error:
                    raise
                await watch.look()
                if isinstance(error, PredictionTimeout) and not prediction.finished:
                    raise  # else it was in time, and only its reader was not
            else:
                return
        async with nested(looked(watch, schema, seen)) as rest:
            async for item in rest:
                text = item if isinstance(item, str) else json.dumps(item, ensure_ascii=False, separators=(",", ":"))
                yield [ServerSentEvent("output", text)]
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


def failure(event: ServerSentEvent) -> str | None:
    """Give what an event tells of a failure: an error, or a reason to be done before the end."""
    if event.event == "error":
        return str(event.data)
    if event.event != "done":
        return None
    try:
        reason = members(json.loads(event.data)).get("reason")
    except ValueError:
        return None
    return None if reason is None else str(reason)


async def ending(watch: Watch) -> Exception | None:
    """Look how a prediction ended, whose stream told of its end, if that can be learned in time; if not, give why."""
    prediction: Any = watch.run
    try:
        if not prediction.finished:
            await look(prediction, watch.deadline)
        left = min(PATIENCE, watch.deadline.remaining())
        if left > 0:
            await settle(prediction, Deadline(session_of(watch.run), left), watch.updates)
    except (APIError, PredictionTimeout) as error:
        if error is watch.updates.error:
            raise
        return error
    return None


async def stream_error(watch: Watch, reason: str) -> RunError:
    """Make the error of a stream that told of a failure: as the prediction ended, if that can be learned in time.

    One that was canceled when the deadline was over was canceled for that: PredictionTimeout.
    """
    cause = await ending(watch)
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
    """Make the error of a stream whose prediction did not succeed: its text is what the model said."""
    said = harmless(str(prediction.error or "")) or None
    made = StreamError(ended(prediction), said=said, detail=prediction.error or reason, prediction=prediction)
    for note in told(prediction, said):
        made.add_note(note)
    return made


async def items(watch: Watch, schema: OutputSchema) -> AsyncGenerator[Any, None]:
    """Yield the items of a prediction's output as they come, each once; the prediction is finished at the end.

    By events where they are offered and an item is a text, which without a schema only the first of them tells. What
    the events leave out is taken from the prediction itself. Raises PredictionTimeout at the deadline, APIError.
    """
    seen: list[Any] = []
    prediction: Any = watch.run
    url = stream_url(prediction)
    if url and not schema.known:
        await poll(watch.session, lambda: prediction.finished or raw(prediction), watch.look, watch.deadline)
    texts = schema.streams_text if schema.known else bool(raw(prediction)) and schema.is_text(raw(prediction))
    if url and texts and not prediction.finished:
        try:
            async with nested(pieces(watch, url, schema)) as source:
                async for text in source:
                    seen.append(text)
                    yield text
        except (BrokenStreamError, PredictionTimeout) as error:  # the prediction itself tells the rest
            if error is watch.updates.error:
                raise
        await watch.look()
    async with nested(looked(watch, schema, seen)) as rest:
        async for item in rest:
            yield item


async def pieces(watch: Watch, url: str, schema: OutputSchema) -> AsyncGenerator[str, None]:
    """Yield the texts of a stream from the beginning of the output, or none of a stream that begins later."""
    prediction: Any = watch.run
    known = text_of(raw(prediction))
    async with nested(events(prediction, url, watch.deadline)) as source:
        async for batch in source:
            await watch.updates.happened(prediction, batch, schema)
            for event in batch:
                if event.event == "output":
                    if known[: len(event)] != event[: len(known)]:
                        return
                    known = known[len(event) :]
                    yield str(event)


async def looked(watch: Watch, schema: OutputSchema, seen: list[Any]) -> AsyncGenerator[Any, None]:
    """Yield the items of an output that have not been seen, looking at the prediction until it has finished.

    A reader may be so slow that the deadline comes meanwhile: one look after it tells what was there in time.
    """
    prediction: Any = watch.run
    session, deadline = session_of(watch.run), watch.deadline
    waited, fixed = Deadline(session, None), pace(session)
    while True:
        if prediction.finished or schema.iterator or (not schema.known and is_array(raw(prediction))):
            for item in unseen(raw(prediction), seen, schema):
                seen.append(item)
                yield item
        if prediction.finished:
            return
        if deadline.remaining() <= 0 and watch.final:
            raise watch.late()
        await session.transport.sleep(max(0.0, min(interval(waited.elapsed(), fixed), deadline.remaining())))
        await watch.look()


def unseen(output: Any, seen: list[Any], schema: OutputSchema) -> list[Any]:
    """Give what an output holds beyond the items seen; of a text in pieces, which may be cut differently, the rest.

    What was seen as an event has a newline for each line end.
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
    """Give an item as an event has it: each line end of a text is a newline."""
    return LINE_END.sub("\n", item) if isinstance(item, str) else item
