"""The options of calls that start a job, checked before anything is sent or uploaded."""

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
    from replicate import Prediction  # by its public name: its module is above this one
    from replicate._http.session import Session
else:
    Prediction = Any  # a TypedDict's annotations may be evaluated

LONGEST_HOLD = 60
"""Seconds. The longest time that the API waits for `Prefer: wait`."""

PREFER = re.compile(r"wait(=\d+)?")


class WebhookOptions(TypedDict, total=False):
    """Where the API reports the progress of a job."""

    webhook: str | None
    """An https URL that the API calls about the job."""
    webhook_completed: str | None
    """As `webhook`, but only called at the end."""
    webhook_events_filter: Sequence[models.WebhookEvent] | None
    """The events that the webhook is called for: "start", "output", "logs", "completed"."""


class WebhookSettings(WebhookOptions, total=False):
    """Where the API reports the progress of a job, and how its files are sent."""

    file_encoding_strategy: FileEncodingStrategy | None
    """How files in the input are sent: "auto" (as data URI if small, else uploaded), "base64" or "url"."""


class PredictionSettings(WebhookSettings, total=False):
    """How a prediction is started."""

    wait: bool | int | None
    """Let the API respond when the prediction has ended, after so many seconds (1 to 60; True: 60) at the latest."""
    prefer: str | None
    """The same as a `Prefer` header: "wait" or "wait=5"."""
    cancel_after: str | None
    """Let the API cancel the prediction if it has not ended by then: "90s", "5m", "1h"."""
    stream: bool | None
    """Ask for a stream of events, at `urls.stream`."""


class PredictionOptions(PredictionSettings, RequestOptions, total=False):
    """The options of every method that starts a prediction."""


class WatchOptions(TypedDict, total=False):
    """How to watch a prediction while it runs.

    Unless `wait` is given, the API is then not asked to wait, because that would delay the updates.
    """

    on_update: Callable[[Prediction], object] | None
    """Called with the prediction after its start, and whenever its status, logs, output or progress changes."""
    progress: bool | None
    """Show the progress: with tqdm if it is installed, else in plain lines on stderr."""


class SaveOptions(TypedDict, total=False):
    """Where to save the files of an output."""

    save_to: str | os.PathLike[str] | None
    """A folder for the output's files, created if needed. The client's `output_dir` by default."""


class CallOptions(PredictionSettings, SendOptions, WatchOptions, SaveOptions, total=False):
    """The options of `run`."""

    timeout: float | None
    """Seconds for the whole call, from the first request to the result; None for no limit."""
    cancel_on_exit: bool | None
    """Cancel the prediction if this call is left early: by Ctrl-C, a canceled task, its timeout. True by default."""


class RunOptions(CallOptions, total=False):
    """The keywords of `run` and `stream`."""

    use_file_output: bool | None
    """Return files as FileOutput (the default), or as plain URLs."""


class ModelPredictionOptions(ModelWords, PredictionOptions, total=False):
    """The options for starting a prediction of an official model."""


class DeploymentPredictionOptions(DeploymentWords, PredictionOptions, total=False):
    """The options for starting a prediction of a deployment."""


class TrainingOptions(WebhookSettings, ModelWords, RequestOptions, total=False):
    """The keywords for starting a training."""

    version: Any
    version_id: str
    input: Mapping[str, Any]
    destination: Any


MEMBERS = (*WebhookOptions.__annotations__, "stream")
"""The options that go into the body of a create."""


def check(input: Mapping[str, Any] | None, options: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError for what cannot be sent at all. The API validates values."""
    check_values(options)
    prefer_header(options)
    if (after := options.get("cancel_after")) is not None:
        check_text("cancel_after", after)
    check_fields({name: options.get(name) for name in (*MEMBERS, "extra_body")})
    if input is not None and not hasattr(input, "keys"):
        raise InputError(f"input must map the model's input names to values, not be {type(input).__name__}")


def check_fields(fields: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError for a body member that JSON cannot express. The API validates values."""
    for name, value in fields.items():
        if value is not UNSET and value is not None:
            check_json(value, name)


def check_flags(options: Mapping[str, Any], *names: str) -> None:
    """Raise TypeError for a flag that is neither True nor False."""
    for name in names:
        flag = options.get(name)
        if flag is not None and not isinstance(flag, bool):
            raise TypeError(f"{name} must be True or False, not {type(flag).__name__}")


def with_request_options(session: Session[Any], options: Mapping[str, Any]) -> Session[Any]:
    """Return a session with the request options among some options."""
    return session.given({name: options[name] for name in REQUEST_OPTIONS if name in options})


def with_prefer(session: Session[Any], prefer: str | None) -> tuple[Session[Any], str | None]:
    """Treat a `Prefer: wait` header of the client like the argument: the time limits consider it.

    A `prefer` argument without a wait is sent as it is.
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
    """Return the `Prefer` header. Raises TypeError; ValueError for an invalid wait."""
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
    """Return the seconds that a `Prefer` header asks the API to wait."""
    return int(prefer.partition("=")[2] or LONGEST_HOLD)
