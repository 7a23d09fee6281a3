"""Running a model: start, wait, and give its output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from replicate._core.options import SendOptions, check_keywords, read_timeout
from replicate._flows.output import OutputIterator
from replicate._flows.start import Call
from replicate.resources.creation import MARGIN, PREDICTION_OPTIONS, PredictionSettings
from replicate.resources.outputs import raw
from replicate.resources.saving import Files, SaveOptions, make_ready, saving
from replicate.resources.spelling import stated
from replicate.resources.terms import LONGEST_HOLD, check_flags
from replicate.resources.waiting import check_success, owned, settle
from replicate.resources.watching import WATCH_OPTIONS, Updates, WatchOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate._core.dual import C
    from replicate._core.session import Session
    from replicate._data.schema import OutputSchema
    from replicate.resources.predictions import Prediction


class CallOptions(PredictionSettings, SendOptions, WatchOptions, SaveOptions, total=False):
    """What `run` also takes."""

    timeout: float | None
    """Seconds that the whole call may take, from the first request to the result; None for as long as it takes."""
    cancel_on_exit: bool | None
    """Cancel the prediction if this call is left early: by Ctrl-C, a canceled task, its timeout. True unless given."""


class RunOptions(CallOptions, total=False):
    """What `run` takes by keyword, and `stream` too."""

    use_file_output: bool | None
    """Give files as FileOutput (the default), or as plain URLs."""


RUN_OPTIONS = (*PREDICTION_OPTIONS, "cancel_on_exit", "use_file_output", "save_to", *WATCH_OPTIONS)
AT_ONCE: Mapping[str, Any] = {"wait": None, "prefer": None}
"""Do not keep the answer back, for its end is followed in another way."""


async def run(session: Session[C], ref: Any, input: Mapping[str, Any] | None, options: RunOptions) -> Any:
    """Run a model and give its output; of a model that makes it item by item, an iterator over the items."""
    check_keywords(options, RUN_OPTIONS)
    settings = stated(options)
    check_flags(settings, "use_file_output", "cancel_on_exit")
    files = wanted_files(session, settings)
    call = called(session, ref, input, settings)
    make_ready(files.folder)
    schema = (await call.describe()).output
    if schema.iterator:
        prediction, cancel = await call.start(**AT_ONCE), call.cancel_on_exit
        return OutputIterator(prediction, schema, files, call.deadline, cancel=cancel, updates=call.updates)
    return await files.of(await result(call), schema)


def wanted_files(session: Session[C], settings: dict[str, Any]) -> Files[C]:
    """Take from the settings how the files of the output are wanted."""
    into = saving(session, settings.pop("save_to", None))
    return Files(session, into, use_file_output=settings.pop("use_file_output", None))


def called(session: Session[C], ref: Any, input: Mapping[str, Any] | None, settings: dict[str, Any]) -> Call[C]:
    """Make a call, and take from the settings what is for the call itself."""
    cancel = settings.pop("cancel_on_exit", None) is not False
    timeout = settings.pop("timeout", None)
    updates = Updates(session, settings.pop("on_update", None), settings.pop("progress", None))
    return Call(session, ref, input, settings, timeout, cancel_on_exit=cancel, updates=updates)


async def result(call: Call[C]) -> Prediction[C]:
    """Start a prediction and give it when it has succeeded, in one request if that is possible.

    Raises ModelError if it fails, PredictionTimeout at the deadline; both carry it. It is canceled when this is left
    early, unless the call was told not to.
    """
    with call.updates as updates:
        prediction = await call.start(wait=holding(call.session, call.settings, updates))
        async with owned(prediction, cancel=call.cancel_on_exit, updates=updates):
            if not whole(prediction, (await call.describe()).output):
                await settle(prediction, call.deadline, updates)
            check_success(prediction, call.deadline, call.settings.get("cancel_after"))
    return prediction


def holding(session: Session[Any], settings: Mapping[str, Any], updates: Updates) -> int | None:
    """Decide for how many seconds to ask the API to keep its answer back; None not to ask.

    Always less than what the connection is given to answer; `post` sees to it that it is less than the time left, too.
    What takes longer is looked at from time to time, and so is what somebody watches, unless told to wait.
    """
    wait: bool | int | None = settings.get("wait")
    if wait is False or settings.get("prefer") or (wait is None and updates.wanted):
        return None
    longest: float = LONGEST_HOLD
    if wait is not None and wait is not True:
        longest = wait
    elif (patience := read_timeout(session.config.timeout)) is not None:
        longest = min(longest, patience * MARGIN)
    return int(longest) or None


def whole(prediction: Prediction[Any], schema: OutputSchema) -> bool:
    """Tell whether the output is all there is.

    It is when the prediction has finished. The API has also been seen to answer `Prefer: wait` with a prediction that
    is still "processing" and has its output: that is all if the model gives its output at once, not piece by piece.
    """
    if prediction.finished:
        return True
    early: bool = prediction.__dict__.get("_answered_early", False)
    output = raw(prediction)
    piecemeal = schema.iterator or (not schema.known and isinstance(output, list))
    return early and not piecemeal and output is not None
