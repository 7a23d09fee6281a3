"""The options of calls that start a job, and the checks made before anything is sent or uploaded."""

from __future__ import annotations

import os  # noqa: TC003 - a TypedDict's annotations may be evaluated
import re
from collections.abc import Callable, Mapping, Sequence  # noqa: TC003 - as above
from typing import TYPE_CHECKING, Any, TypedDict

from replicate._http.options import (
    REQUEST_OPTIONS,
    FileEncodingStrategy,
    RequestOptions,
    SendOptions,
    check_text,
    check_values,
    merged,
)
from replicate._inputs.aliases import DeploymentWords, ModelWords
from replicate._json import check_json
from replicate.exceptions import InputError
from replicate_api import models  # noqa: TC001 - as above
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from replicate import Prediction  # the public name, as its own module is in a higher layer
    from replicate._http.session import Session
else:
    Prediction = Any  # a TypedDict's annotations may be evaluated

LONGEST_HOLD = 60
"""The longest wait, in seconds, that the API accepts in `Prefer: wait`."""

PREFER = re.compile(r"wait(=\d+)?")


class WebhookOptions(TypedDict, total=False):
    """The webhook of a prediction or a training."""

    webhook: str | None
    """An https URL to which the API sends events."""
    webhook_completed: str | None
    """Like `webhook`, but only called at the end."""
    webhook_events_filter: Sequence[models.WebhookEvent] | None
    """The events sent to the webhook: "start", "output", "logs", "completed"; all of them by default."""


class WebhookSettings(WebhookOptions, total=False):
    """The webhook of a prediction or a training, and how its files are sent."""

    file_encoding_strategy: FileEncodingStrategy | None
    """How files in the input are sent: "auto" (as data URI if small, else uploaded), "base64" or "url"."""


class PredictionSettings(WebhookSettings, total=False):
    """How a prediction is started."""

    wait: bool | int | None
    """Seconds for which the API may hold its response back until the prediction has finished: 1 to 60; True for 60."""
    prefer: str | None
    """The same as a `Prefer` header: "wait" or "wait=5"."""
    cancel_after: str | None
    """Time after which the API cancels the prediction if it has not finished: "90s", "5m", "1h"."""
    stream: bool | None
    """Request an event stream, at `urls.stream`."""


class PredictionOptions(PredictionSettings, RequestOptions, total=False):
    """The options of every method that starts a prediction."""


class WatchOptions(TypedDict, total=False):
    """How to observe a prediction while it runs.

    The API is then not asked to hold its response back, as this would delay the updates too, unless `wait` is given.
    """

    on_update: Callable[[Prediction], object] | None
    """Called with the prediction after it was started, and whenever its status, logs, output or progress change."""
    progress: bool | None
    """Show the progress: with tqdm if it is installed, otherwise as plain lines on stderr."""


class SaveOptions(TypedDict, total=False):
    """Where to save the files of an output."""

    save_to: str | os.PathLike[str] | None
    """A folder, created if missing, for output files, saved as they arrive. Default: the client's `output_dir`."""


class CallOptions(PredictionSettings, SendOptions, WatchOptions, SaveOptions, total=False):
    """The options that `run` takes in addition."""

    timeout: float | None
    """Seconds that the whole call may take, from the first request to the result; None for no limit."""
    cancel_on_exit: bool | None
    """Cancel the prediction if the call is left early: on Ctrl-C, task cancellation, its timeout. Default: True."""


class RunOptions(CallOptions, total=False):
    """The keyword options of `run` and `stream`."""

    use_file_output: bool | None
    """Return files as FileOutput (the default), or as plain URLs."""


class ModelPredictionOptions(ModelWords, PredictionOptions, total=False):
    """The options for starting a prediction with an official model."""


class DeploymentPredictionOptions(DeploymentWords, PredictionOptions, total=False):
    """The options for starting a prediction with a deployment."""


class TrainingOptions(WebhookSettings, ModelWords, RequestOptions, total=False):
    """The keyword options for starting a training."""

    version: Any
    version_id: str
    input: Mapping[str, Any]
    destination: Any


MEMBERS = (*WebhookOptions.__annotations__, "stream")
"""The options that are members of a create's body, in addition to the input."""


def check(input: Mapping[str, Any] | None, options: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError for an input or options that cannot be sent. The API checks the values itself."""
    if options:  # most calls have none
        check_values(options)
        prefer_header(options)
        if (after := options.get("cancel_after")) is not None:
            check_text("cancel_after", after)
        check_fields({name: options.get(name) for name in (*MEMBERS, "extra_body")})
    if input is not None and not hasattr(input, "keys"):
        raise InputError(f"input must map the model's input names to values, not be {type(input).__name__}")


def check_fields(fields: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError for a body member that JSON cannot express. The API checks its value."""
    for name, value in fields.items():
        if value is not UNSET and value is not None:
            check_json(value, name)


def check_flags(options: Mapping[str, Any], *names: str) -> None:
    """Raise TypeError for a named option that is neither True nor False."""
    for name in names:
        flag = options.get(name)
        if flag is not None and not isinstance(flag, bool):
            raise TypeError(f"{name} must be True or False, not {type(flag).__name__}")


def with_request_options(session: Session[Any], options: Mapping[str, Any]) -> Session[Any]:
    """Return a session with those of the options that apply to its requests."""
    return session.given({name: options[name] for name in REQUEST_OPTIONS if name in options})


def with_prefer(session: Session[Any], prefer: str | None) -> tuple[Session[Any], str | None]:
    """Return a session and the `Prefer: wait` to send. A wait set as a header of the session counts like the argument.

    A `prefer` argument that is not a wait becomes a header of the session, and does not count as a wait.
    """
    headers = session.config.headers
    if prefer is not None and not PREFER.fullmatch(prefer):
        return session.evolve(headers=merged(headers, {"Prefer": prefer})), None
    held = next((value for name, value in headers.items() if name.lower() == "prefer"), None)
    if held is None or not PREFER.fullmatch(held):
        return session, prefer
    rest = {name: value for name, value in headers.items() if name.lower() != "prefer"}
    return session.evolve(headers=rest), prefer or held


def prefer_header(options: Mapping[str, Any]) -> str | None:
    """Return the `Prefer` header for the options. Raises TypeError; ValueError for an invalid wait."""
    wait, prefer = options.get("wait"), options.get("prefer")
    if not isinstance(prefer, str | None):
        raise TypeError(f"prefer must be 'wait' or 'wait=1' to 'wait={LONGEST_HOLD}', not {type(prefer).__name__}")
    if not isinstance(wait, int | float | None):
        raise TypeError(f"wait must be True, False or 1 to {LONGEST_HOLD} seconds, not {type(wait).__name__}")
    if prefer is not None:
        if wait is not None:
            raise TypeError("cannot mix and match prefer and wait: they say the same, so pass one of them")
        check_text("prefer", prefer)
        if PREFER.fullmatch(prefer) and not 1 <= prefer_wait_seconds(prefer) <= LONGEST_HOLD:
            raise ValueError(f"prefer must be 'wait' or 'wait=1' to 'wait={LONGEST_HOLD}', not {prefer!r}")
        return prefer
    if wait is True:
        return "wait"
    if wait is None or wait is False:
        return None
    if not 1 <= wait <= LONGEST_HOLD:
        raise ValueError(f"wait must be True, False or 1 to {LONGEST_HOLD} seconds, not {wait!r}")
    return f"wait={int(wait)}"


def prefer_wait_seconds(prefer: str) -> int:
    """Return how many seconds a `Prefer` header asks the API to hold its response back."""
    return int(prefer.partition("=")[2] or LONGEST_HOLD)
