"""Following the logs of a prediction while it runs, line by line."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from replicate._dual.generators import nested
from replicate._http.deadline import Deadline
from replicate._http.sse import LINE_END
from replicate._jobs.events import BrokenStreamError, events, stream_url
from replicate._jobs.polling import interval, pace
from replicate._jobs.wait import Watch
from replicate._objects.resource import session_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from replicate.resources.predictions import Prediction


async def lines(prediction: Prediction[Any]) -> AsyncGenerator[str, None]:
    """Yield the lines of a prediction's logs as they come, each once; the prediction is finished at the end.

    By events where they are offered, and what these leave out by looking. Raises APIError.
    """
    session, endless = session_of(prediction), Deadline(session_of(prediction), None)
    watch, seen = Watch(prediction, endless), whole(prediction)
    for line in seen:
        yield line
    if (url := stream_url(prediction)) and not prediction.finished:
        with suppress(BrokenStreamError):  # the prediction itself tells the rest
            async with nested(told(prediction, url, seen)) as source:
                async for line in source:
                    seen.append(line)
                    yield line
        await watch.look()
    waited, fixed = Deadline(session, None), pace(session)
    while True:
        for line in whole(prediction)[len(seen) :]:
            seen.append(line)
            yield line
        if prediction.finished:
            return
        await session.transport.sleep(interval(waited.elapsed(), fixed))
        await watch.look()


async def told(prediction: Prediction[Any], url: str, seen: list[str]) -> AsyncGenerator[str, None]:
    """Yield the lines that a stream tells beyond those seen; none of a stream that begins elsewhere."""
    before, parts, place = list(seen), list[str](), 0
    async with nested(events(prediction, url, Deadline(session_of(prediction), None))) as source:
        async for batch in source:
            said = "".join(event.data for event in batch if event.event == "logs")
            if "\n" not in said:
                parts.append(said)
                continue
            *made, rest = "".join([*parts, said]).split("\n")
            parts = [rest]
            for line in made:
                place += 1
                if place > len(before):
                    yield line
                elif line != before[place - 1]:
                    return


def whole(prediction: Prediction[Any]) -> list[str]:
    """Give the lines of a prediction's logs: those that are complete, and at its end the last one too."""
    logs, finished = str(prediction.logs or ""), prediction.finished
    made = LINE_END.split(logs if finished else logs.removesuffix("\r"))  # which may be half of a line end
    return made if finished and made[-1] else made[:-1]
