"""Running a model: start it, wait for it and return its output."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from replicate._flows.call import Call
from replicate._http.options import read_timeout
from replicate._inputs.aliases import drop_unset
from replicate._jobs.create import MARGIN
from replicate._jobs.fetch import tell_end
from replicate._jobs.options import LONGEST_HOLD, check_flags
from replicate._jobs.output_files import Files, make_folder, save_folder
from replicate._jobs.outputs import raw_output
from replicate._jobs.updates import Updates
from replicate._jobs.wait import check_success, wait_until_done
from replicate._json import is_array
from replicate._models.schema import BY_VALUE
from replicate._outputs.output_list import OutputList

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate._dual.colours import C
    from replicate._http.session import Session
    from replicate._jobs.options import RunOptions
    from replicate._models.schema import OutputSchema
    from replicate.resources.predictions import Prediction


async def run(session: Session[C], ref: Any, input: Mapping[str, Any] | None, options: RunOptions) -> Any:
    """Run a model and return its output.

    A list becomes an OutputList, which prints as the joined text if it holds pieces of text. For a version that makes
    its output item by item, the result is an iterator over the items, which then owns the prediction.
    """
    settings = drop_unset(options)
    check_flags(settings, "use_file_output", "cancel_on_exit")
    files = output_files(session, settings)
    call = prepare_call(session, ref, input, settings)
    make_folder(files.folder)
    by_version = call.reference.version is not None
    if by_version:
        await call.recall()
    with ExitStack() as until_the_end:
        until_the_end.enter_context(call.updates)
        live = by_version and call.output.iterator and "wait" not in settings
        async with call.block:
            prediction = await call.start(wait=None if live else wait_option(call))
            if by_version and (await unfinished_schema(call, prediction)).iterator:
                until_the_end.pop_all()
                return call.iterate(prediction, files)
            return as_output_list(await files.of(await await_result(call, prediction)))


async def unfinished_schema(call: Call[C], prediction: Prediction[C]) -> OutputSchema:
    """Return the schema of an output that may arrive item by item: a list, or an output that is not there yet.

    For any other output, the value alone decides, whatever is known about the model.
    """
    if prediction.status == "succeeded" and raw_output(prediction) is not None and not is_array(raw_output(prediction)):
        return BY_VALUE
    return await call.learn_output(prediction)


def as_output_list(output: Any) -> Any:
    """Return an OutputList in place of a list; any other output is unchanged."""
    return OutputList(output) if is_array(output) else output


def output_files(session: Session[C], settings: dict[str, Any]) -> Files[C]:
    """Take the settings about output files out of `settings`, and return a Files that follows them."""
    into = save_folder(session, settings.pop("save_to", None))
    return Files(session, into, use_file_output=settings.pop("use_file_output", None))


def prepare_call(session: Session[C], ref: Any, input: Mapping[str, Any] | None, settings: dict[str, Any]) -> Call[C]:
    """Make a call. Takes the settings of the call itself out of `settings`."""
    cancel = settings.pop("cancel_on_exit", None) is not False
    timeout = settings.pop("timeout", None)
    updates = Updates(session, settings.pop("on_update", None), settings.pop("progress", None))
    return Call(session, ref, input, settings, timeout, cancel_on_exit=cancel, updates=updates)


async def await_result(call: Call[C], prediction: Prediction[C]) -> Prediction[C]:
    """Wait until a prediction that a call has started succeeds, and return it.

    Raises ModelError if it fails, PredictionTimeout at the deadline.
    """
    if not is_complete(call, prediction):
        await wait_until_done(prediction, call.deadline, call.updates)
    tell_end(prediction, complete=True)
    check_success(prediction, call.deadline, call.settings.get("cancel_after"))
    return prediction


def wait_option(call: Call[Any]) -> bool | int | None:
    """Return for how many seconds to ask the API to hold its response: True for its maximum, None not to ask.

    `post` keeps it below the time left and below the read timeout. If the client's read timeout is shorter than usual,
    so is the hold. A prediction that takes longer is polled. So is one with `on_update` or `progress`, unless the
    caller passes `wait`.
    """
    wait: bool | int | None = call.settings.get("wait")
    if wait is not None:
        return wait
    if call.settings.get("prefer") or call.updates.wanted:
        return None
    patience = read_timeout(call.session.config.timeout)
    return True if patience is None or patience >= LONGEST_HOLD else int(patience * MARGIN) or None


def is_complete(call: Call[Any], prediction: Prediction[Any]) -> bool:
    """Return whether the output is complete.

    It is complete when the prediction has finished. The API has also been observed to respond to `Prefer: wait`, well
    before the requested time was over, with a prediction that was still "processing" but had its whole output: the API
    waits for the end, not for the first item. A response at the end of the requested time may hold a part of the
    output.
    """
    if prediction.finished:
        return True
    output, created = raw_output(prediction), call.created
    return (
        output is not None and created is not None and created.answered_early and output is raw_output(created.payload)
    )
