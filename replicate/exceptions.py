"""Every error this package raises. Each says what to do next; none holds or shows the token.

ReplicateException
└── ReplicateError
    ├── APIError                          talking to the API went wrong
    │   ├── APIStatusError                it answered with an error: one subclass a status
    │   │   └── NotFoundError
    │   │       └── FileExpiredError      a file is not there any more
    │   ├── APIResponseValidationError    it answered with something that is no answer
    │   ├── APIConnectionError            it could not be reached, or the connection broke
    │   │   └── APITimeoutError
    │   └── AmbiguousCreateError          it may or may not have started what was asked for
    ├── ModelError                        the prediction failed
    │   └── PredictionCanceled
    ├── FileTooLargeError                 a file has more than `max_bytes`
    ├── SaveError                         files could not be saved
    ├── DataRemovedError                  the prediction's output is gone
    ├── PredictionTimeout                 the prediction did not finish in time
    └── StreamError                       a stream of events broke
"""

from __future__ import annotations

import httpx

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from replicate.resources.predictions import Prediction


class ReplicateException(Exception):  # noqa: N818 - its name in all generations
    """The root of all errors of this package."""


class ReplicateError(ReplicateException):
    """Something went wrong.

    All errors have the fields of an RFC 9457 problem (`type`, `title`, `status`, `detail`, `instance`) and those of an
    HTTP exchange (`status_code`, `request`, `response`, `body`, `request_id`, `retry_after`); a field that does not
    apply is None. `cursor` is the page of a list that could not be had, and `hint` says what usually helps.
    """

    type: str | None = None
    title: str | None = None
    status: int | None = None
    detail: str | None = None
    instance: str | None = None
    status_code: int | None = None
    request: httpx.Request | None = None
    response: httpx.Response | None = None
    body: Any = None
    request_id: str | None = None
    retry_after: float | None = None
    cursor: str | None = None
    hint: str | None = None

    def __init__(self, message: str = "", **fields: Any) -> None:
        known = {name: value for name, value in fields.items() if value is not None}
        self.message: str = message or ": ".join(str(known[name]) for name in ("title", "detail") if name in known)
        super().__init__(self.message)
        self.__dict__.update(known)

    @classmethod
    def from_response(cls, response: httpx.Response) -> ReplicateError:
        """Make the error for an answer with an error status, of the class for it."""
        from importlib import import_module

        # The way up, as `Resource` has it: how answers are read is known there, what errors are is known here.
        error: ReplicateError = import_module("replicate._core.problems").error_of(response)
        return error

    def __str__(self) -> str:
        return f"{sentence(self.message)} {self.hint}" if self.hint else self.message

    def to_dict(self) -> dict[str, Any]:
        """Give the problem's fields that are known."""
        names = ("type", "title", "status", "detail", "instance")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def __reduce__(self) -> tuple[Any, ...]:
        # An HTTP exchange holds the token and open streams: neither is for a pickle.
        state = {name: value for name, value in self.__dict__.items() if name not in ("request", "response")}
        return (_restore, (type(self), self.args), state)


def _restore(kind: type[ReplicateError], args: tuple[Any, ...]) -> ReplicateError:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class APIError(ReplicateError):
    """Talking to the API went wrong."""

    def __init__(self, message: str = "", request: httpx.Request | None = None, **fields: Any) -> None:
        super().__init__(message, request=request, **fields)


class APIStatusError(APIError):
    """The API answered with an error status."""

    def __init__(self, message: str = "", *, response: httpx.Response | None = None, **fields: Any) -> None:
        status = None if response is None else response.status_code
        known: dict[str, Any] = {"status": status, "status_code": status, "response": response, **fields}
        super().__init__(message, **known)


class BadRequestError(APIStatusError):
    """400: the request makes no sense to the API."""


class AuthenticationError(APIStatusError):
    """401: the token is missing, wrong or revoked."""


class InsufficientCreditError(APIStatusError):
    """402: the account has no credit or payment method for this."""


class PermissionDeniedError(APIStatusError):
    """403: the token's account may not do this."""


class NotFoundError(APIStatusError):
    """404: there is no such thing, or the token's account may not see it."""


class FileExpiredError(NotFoundError):
    """404 or 410, of a file: it is not there any more."""


class ConflictError(APIStatusError):
    """409: it is in the way of something else."""


class RequestTooLargeError(APIStatusError):
    """413: the file or the request is too large."""


class UnprocessableEntityError(APIStatusError):
    """422: the request is well-formed, but an input or the version is not valid."""


class RateLimitError(APIStatusError):
    """429: too many requests. `retry_after` is how many seconds the API asks to wait, if it says."""


class InternalServerError(APIStatusError):
    """5xx: the API is in trouble."""


class APIResponseValidationError(APIError):
    """The API answered with success, but with something that cannot be read as the answer."""


class APIConnectionError(APIError, httpx.TransportError):  # type: ignore[misc]  # httpx's `request` is never None
    """The API could not be reached, or the connection broke. `sent` tells whether the request may have arrived.

    It is one of httpx's errors too, for programs that catch those.
    """

    sent: bool = True

    def __init__(self, message: str = "Connection error.", request: httpx.Request | None = None, **fields: Any) -> None:
        super().__init__(message, request, **fields)


class APITimeoutError(APIConnectionError, httpx.TimeoutException):  # type: ignore[misc]  # as above
    """The API did not answer in time."""

    def __init__(self, message: str | httpx.Request = "Request timed out.", *args: Any, **fields: Any) -> None:
        # Version 2 takes the request first.
        given: tuple[Any, ...] = (message, *args) if isinstance(message, str) else ("Request timed out.", message)
        super().__init__(*given, **fields)


class AmbiguousCreateError(APIError):
    """The API may or may not have started (and charge for) what was asked for: look before asking again."""


class FileTooLargeError(ReplicateError):
    """A file has more than `max_bytes`. Nothing of it was kept."""


class SaveError(ReplicateError):
    """Some of many files could not be saved; the others were.

    `errors` maps the URL of each file to what went wrong with it. `paths` is what `save_all` would have given, with
    None in the place of what could not be saved. Where a call was to save its output, `output` is all of that, and
    `prediction` is what made it.
    """

    errors: Mapping[str, Exception] = {}
    paths: Any = None
    output: Any = None
    prediction: Prediction[Any] | None = None


class ModelError(ReplicateError):
    """The prediction failed. `prediction` is how it ended, with its logs and metrics."""

    prediction: Prediction[Any]

    def __init__(self, prediction: Prediction[Any], message: str | None = None) -> None:
        self.prediction = prediction
        super().__init__(message or ended(prediction), detail=prediction.error)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.prediction, self.message))


class PredictionCanceled(ModelError):  # noqa: N818 - as decided
    """The prediction was canceled while it ran, or aborted before it started."""


class DataRemovedError(ReplicateError):
    """The prediction succeeded, but its output is gone. `prediction` is what is left of it."""

    prediction: Prediction[Any]

    def __init__(self, prediction: Prediction[Any]) -> None:
        self.prediction = prediction
        super().__init__(
            f"The output of prediction {prediction.id} has been removed.",
            hint="The API removes input, output and logs an hour after the end of a prediction that it was asked for: "
            "take the output by then, or have a webhook bring it. To get it again, run the model again.",
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.prediction,))


class PredictionTimeout(ReplicateError, TimeoutError):  # noqa: N818 - as decided
    """The prediction did not finish in the time given. `prediction` is how it was last seen.

    It was canceled if the call had started it; if it goes on, it can be waited for.
    """

    prediction: Prediction[Any]

    def __init__(self, prediction: Prediction[Any], seconds: float) -> None:
        self.prediction = prediction
        self.seconds: float = seconds
        super().__init__("late")
        self.tell()

    def tell(self) -> None:
        """Say how things stand with the prediction now."""
        run = self.prediction
        noun = "training" if type(run).__name__ == "Training" else "prediction"
        if run.status in ("canceled", "aborted"):
            message = f"{noun.title()} {run.id} had not finished after {self.seconds:g} s, and was {run.status}."
            hint = "A longer timeout= gives it more time, cancel_on_exit=False lets it go on."
        elif run.status in ("succeeded", "failed"):
            message = f"{noun.title()} {run.id} had not finished after {self.seconds:g} s; it {run.status} since."
            hint = "It is in this error's `prediction`."
        else:
            message = f"{noun.title()} {run.id} is still {run.status} after {self.seconds:g} s."
            hint = (
                f"It goes on, and is charged for: wait for it with client.{noun}s.wait({run.id!r}), "
                f"or stop it with client.{noun}s.cancel({run.id!r})."
            )
        vars(self).update(message=message, hint=hint)
        BaseException.__init__(self, message)

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.prediction, self.seconds))


class StreamError(ReplicateError, RuntimeError):
    """A stream of events broke before its end, or told of an error. `prediction` is what it belonged to."""

    prediction: Prediction[Any] | None = None


def harmless(text: str) -> str:
    """Show the characters of a text that would steer a terminal as what they are not."""
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text)


def sentence(text: str) -> str:
    """End a text with a full stop."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def ended(prediction: Prediction[Any], lines: int = 5) -> str:
    """Tell how a prediction ended: its id, status, error, the end of its logs, and where to see all of it."""
    logs = str(prediction.logs or "").rstrip().splitlines()[-lines:]
    reason = harmless(str(prediction.error or "")) or ("no error was given" if prediction.status == "failed" else None)
    parts = [f"Prediction {prediction.id} {prediction.status}" + (f": {reason}" if reason else "")]
    if prediction.model:
        parts.append(f"  model: {prediction.model}")
    if logs:
        parts.append("  last logs:\n" + "\n".join(f"    {harmless(line)}" for line in logs))
    if web := getattr(prediction.urls, "web", None):  # older answers have none
        parts.append(f"  see {web}")
    return "\n".join(parts)
