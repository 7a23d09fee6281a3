"""Streaming a model's output as events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._dual.generators import nested
from replicate._flows.run import called, wanted_files
from replicate._inputs.aliases import stated
from replicate._jobs.follow import streamed
from replicate._jobs.options import check_flags
from replicate._jobs.output_files import make_ready
from replicate._jobs.wait import Watch
from replicate.resources.predictions import EventStream

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from replicate._dual.colours import C
    from replicate._flows.call import Call
    from replicate._http.session import Session
    from replicate._jobs.options import RunOptions
    from replicate._jobs.output_files import Files


def stream(session: Session[C], ref: Any, input: Mapping[str, Any] | None, options: RunOptions) -> EventStream[C]:
    """Prepare a call, and give the events of the prediction that it will start."""
    settings = stated(options)
    check_flags(settings, "use_file_output", "cancel_on_exit")
    files = wanted_files(session, settings)
    call = called(session, ref, input, settings)
    make_ready(files.folder)
    return EventStream(session, started(call, files), deadline=call.deadline)


async def started(call: Call[Any], files: Files[Any]) -> AsyncGenerator[Any, None]:
    """Start a prediction, and yield it and then its events."""
    with call.updates:
        async with call.block:
            watch = Watch(await call.start(stream=True), call.deadline, call.updates, call.block)
            async with nested(streamed(watch, call.output, files)) as events:
                async for each in events:
                    yield each
