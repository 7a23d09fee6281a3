"""Streaming a model's output as events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._dual.generators import closing
from replicate._flows.run import output_files, prepare_call
from replicate._inputs.aliases import drop_unset
from replicate._jobs.follow import stream_events
from replicate._jobs.options import check_flags
from replicate._jobs.output_files import make_folder
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
    """Prepare a call, and return the events of the prediction. The prediction starts when they are first read."""
    settings = drop_unset(options)
    check_flags(settings, "use_file_output", "cancel_on_exit")
    files = output_files(session, settings)
    call = prepare_call(session, ref, input, settings)
    make_folder(files.folder)
    return EventStream(session, start_stream(call, files), deadline=call.deadline)


async def start_stream(call: Call[Any], files: Files[Any]) -> AsyncGenerator[Any, None]:
    """Start a prediction, and yield first the prediction, then its events."""
    with call.updates:
        async with call.block:
            watch = Watch(await call.start(stream=True), call.deadline, call.updates, call.block)
            async with closing(stream_events(watch, call.output, files)) as events:
                async for each in events:
                    yield each
