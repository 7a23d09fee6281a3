"""What calls that start something may be told, checked before anything is sent or uploaded."""

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
    from replicate import Prediction  # as users know it: its own module is above this one
    from replicate._http.session import Session
else:
    Prediction = Any  # a TypedDict's annotations may be evaluated, and it imports this module

LONGEST_HOLD = 60
"""Seconds. The longest that the API keeps an answer back for `Prefer: wait`."""

PREFER = re.compile(r"wait(=\d+)?")


class WebhookOptions(TypedDict, total=False):
    """What is told of a prediction or a training."""

    webhook: str | None
    """An https URL that the API tells of what happens."""
    webhook_completed: str | None
    """As `webhook`, but only told at the end."""
    webhook_events_filter: Sequence[models.WebhookEvent] | None
    """What the webhook is told of: "start", "output", "logs", "completed"; everything by default."""


class WebhookSettings(WebhookOptions, total=False):
    """What is told of a prediction or a training, and how files are sent to it."""

    file_encoding_strategy: FileEncodingStrategy | None
    """How files in the input are sent: "auto" (as data URI if small, else uploaded), "base64" or "url"."""


class PredictionSettings(WebhookSettings, total=False):
    """How a prediction is started."""

    wait: bool | int | None
    """Keep the answer back until the prediction has finished: for up to so many seconds (1 to 60), True for 60."""
    prefer: str | None
    """The same as a `Prefer` header: "wait" or "wait=5"."""
    cancel_after: str | None
    """Let the API cancel the prediction if it has not finished by then: "90s", "5m", "1h"."""
    stream: bool | None
    """Ask for a stream of events, at `urls.stream`."""


class PredictionOptions(PredictionSettings, RequestOptions, total=False):
    """What every method that starts a prediction also takes."""


class WatchOptions(TypedDict, total=False):
    """How to be told of a prediction while it runs.

    The API is then not asked to keep its answer back, for that would keep the news back too, unless `wait` says so.
    """

    on_update: Callable[[Prediction], object] | None
    """Called with the prediction once it was started, and whenever its status, logs, output or progress changed."""
    progress: bool | None
    """Show how far it is: by tqdm if that is installed, in plain lines on stderr if not."""


class SaveOptions(TypedDict, total=False):
    """Where to save the files of an output."""

    save_to: str | os.PathLike[str] | None
    """A folder, made if it is not there, for the files of the output as they come; else the client's `output_dir`."""


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


class ModelPredictionOptions(ModelWords, PredictionOptions, total=False):
    """What starting a prediction with an official model takes."""


class DeploymentPredictionOptions(DeploymentWords, PredictionOptions, total=False):
    """What starting a prediction with a deployment takes."""


class TrainingOptions(WebhookSettings, ModelWords, RequestOptions, total=False):
    """What starting a training takes by keyword."""

    version: Any
    version_id: str
    input: Mapping[str, Any]
    destination: Any


MEMBERS = (*WebhookOptions.__annotations__, "stream")
"""What goes into the body of a create, beside the input."""


def check(input: Mapping[str, Any] | None, options: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError for what shows at a glance that it cannot be sent; the API judges the values."""
    check_values(options)
    prefer_header(options)
    if (after := options.get("cancel_after")) is not None:
        check_text("cancel_after", after)
    check_fields({name: options.get(name) for name in (*MEMBERS, "extra_body")})
    if input is not None and not hasattr(input, "keys"):
        raise InputError(f"input must map the model's input names to values, not be {type(input).__name__}")


def check_fields(fields: Mapping[str, Any]) -> None:
    """Raise TypeError or ValueError for a member of a body that JSON cannot express; the API judges its value."""
    for name, value in fields.items():
        if value is not UNSET and value is not None:
            check_json(value, name)


def check_flags(options: Mapping[str, Any], *names: str) -> None:
    """Raise TypeError for what is neither True nor False, where that is all there is."""
    for name in names:
        flag = options.get(name)
        if flag is not None and not isinstance(flag, bool):
            raise TypeError(f"{name} must be True or False, not {type(flag).__name__}")


def with_request_options(session: Session[Any], options: Mapping[str, Any]) -> Session[Any]:
    """Give a session with those of the options that are for its requests."""
    return session.given({name: options[name] for name in REQUEST_OPTIONS if name in options})


def with_prefer(session: Session[Any], prefer: str | None) -> tuple[Session[Any], str | None]:
    """Take a `Prefer: wait` that is set as a header for what it means: it is reckoned with, like the argument.

    An argument that is no wait is sent as a header, and not reckoned with.
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
    """Write the `Prefer` header. Raises TypeError; ValueError for a wait that is none."""
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
    """Read how many seconds a `Prefer` header asks the API to keep the answer back."""
    return int(prefer.partition("=")[2] or LONGEST_HOLD)
