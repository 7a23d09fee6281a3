"""The errors that this package raises. Each says what to do next; none contains the token.

ReplicateException
├── ReplicateError                        the call has started nothing, and can be repeated
│   ├── APIError                          communication with the API failed
│   │   ├── APIStatusError                it responded with an error: one subclass per status
│   │   │   └── NotFoundError
│   │   │       └── FileExpiredError      a file no longer exists
│   │   ├── APIResponseValidationError    its response could not be parsed
│   │   └── APIConnectionError            the API could not be reached, or the connection broke
│   │       └── APITimeoutError
│   ├── FileTooLargeError                 a file is larger than `max_bytes`
│   └── SaveError                         `save_all` could not save all files
├── RunError                              the call ended after its prediction may have been started
│   ├── ModelError                        the prediction failed
│   │   └── PredictionCanceled
│   ├── PredictionTimeout                 the prediction did not finish in time
│   ├── StreamError                       a stream of events broke, or reported an error
│   ├── DataRemovedError                  the prediction's output is gone
│   └── AmbiguousCreateError              it is unknown whether something was started
└── InputError                            an input cannot be sent, or the model does not have it

A loop that repeats a call on ReplicateError never pays twice. A RunError has the `prediction`, if it is known:
continue with that instead.
"""

from __future__ import annotations

from replicate._errors import ReplicateException as ReplicateException  # noqa: PLC0414 - exported
from replicate._upward import connection_errors, error_of
from replicate._wording import end_sentence, notes_of, timeout_texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import httpx

    from replicate import Prediction  # through the package, as its module is in a higher layer
    from replicate._wording import JobLike

# fmt: off
__all__ = [
    "APIConnectionError", "APIError", "APIResponseValidationError", "APIStatusError", "APITimeoutError",
    "AmbiguousCreateError", "AuthenticationError", "BadRequestError", "ConflictError", "DataRemovedError",
    "FileExpiredError", "FileTooLargeError", "InputError", "InsufficientCreditError", "InternalServerError",
    "ModelError", "NotFoundError", "PermissionDeniedError", "PredictionCanceled", "PredictionTimeout",
    "RateLimitError", "ReplicateError", "ReplicateException", "RequestTooLargeError", "RunError", "SaveError",
    "StreamError", "UnprocessableEntityError",
]
# fmt: on


class ReplicateError(ReplicateException):
    """The call failed, and has started nothing."""

    @classmethod
    def from_response(cls, response: httpx.Response) -> ReplicateError:
        """Make the error for a response with an error status, of the class for that status."""
        error: ReplicateError = error_of(response)
        return error


class APIError(ReplicateError):
    """Communication with the API failed."""

    def __init__(self, message: str = "", request: httpx.Request | None = None, **fields: Any) -> None:
        super().__init__(message, request=request, **fields)


class APIStatusError(APIError):
    """The API responded with an error status."""

    def __init__(self, message: str = "", *, response: httpx.Response | None = None, **fields: Any) -> None:
        status = None if response is None else response.status_code
        known: dict[str, Any] = {"status": status, "status_code": status, "response": response, **fields}
        super().__init__(message, **known)


class BadRequestError(APIStatusError):
    """400: the API cannot process the request."""


class AuthenticationError(APIStatusError):
    """401: the token is missing, wrong or revoked."""


class InsufficientCreditError(APIStatusError):
    """402: the account has no credit or payment method for this."""


class PermissionDeniedError(APIStatusError):
    """403: the token's account may not do this."""


class NotFoundError(APIStatusError):
    """404: the object does not exist, or the token's account may not see it."""


class FileExpiredError(NotFoundError):
    """404 or 410 for a file: it no longer exists."""


class ConflictError(APIStatusError):
    """409: the request conflicts with the state of the object."""


class RequestTooLargeError(APIStatusError):
    """413: the file or the request is too large."""


class UnprocessableEntityError(APIStatusError):
    """422: the request is well-formed, but an input or the version is not valid."""


class RateLimitError(APIStatusError):
    """429: too many requests. `retry_after` is the number of seconds that the API asks to wait, or None."""


class InternalServerError(APIStatusError):
    """5xx: the API has failed."""


class APIResponseValidationError(APIError):
    """The API responded with success, but its response could not be parsed."""


class APIConnectionError(APIError):
    """The API could not be reached, or the connection broke. `sent` says whether the request may have arrived.

    If httpx raised the original error, this is also an instance of its class, for programs that catch that.
    """

    sent: bool = True

    def __init__(self, message: str = "Connection error.", request: httpx.Request | None = None, **fields: Any) -> None:
        super().__init__(message, request, **fields)


class APITimeoutError(APIConnectionError):
    """The API did not respond in time, or the deadline passed before anything was started."""

    def __init__(self, message: str | httpx.Request = "Request timed out.", *args: Any, **fields: Any) -> None:
        # Version 2 takes the request first.
        given: tuple[Any, ...] = (message, *args) if isinstance(message, str) else ("Request timed out.", message)
        super().__init__(*given, **fields)


class FileTooLargeError(ReplicateError):
    """A file is larger than `max_bytes`. Nothing of it was kept."""


class SaveError(ReplicateError):
    """Some files could not be saved; all others were.

    `errors` maps the URL of each file that failed to its error. `paths` is what `save_all` would have returned, with
    None in place of the files that failed.
    """

    errors: Mapping[str, Exception] = {}
    paths: Any = None


class RunError(ReplicateException):
    """A call ended after its prediction may have been started: check that one before you start another.

    `prediction` is the prediction that the call started, as last seen, or None if it is unknown. The error that ended
    the call is the `__cause__`; this error has all of its fields. If files of an output could not be saved, `output` is
    the whole output, and `errors` maps the URL of each file that failed to its error.
    """

    output: Any = None
    errors: Mapping[str, Exception] = {}
    paths: Any = None

    @classmethod
    def of(cls, cause: Exception, prediction: JobLike | None) -> RunError:
        """Make the error for a call that `cause` has ended, with its text, fields and notes, but this `prediction`."""
        ours = cause if isinstance(cause, ReplicateException) else None
        error = cls(ours.message if ours else repr(cause))
        error.__dict__.update(vars(ours) if ours else {}, prediction=prediction)
        error.__dict__["__notes__"] = []
        for note in vars(cause).get("__notes__", ()):
            error.add_note(str(note))
        error.__cause__ = cause
        return error


class ModelError(RunError):
    """The prediction failed. `prediction` is its final state, with logs and metrics.

    The text is the model's error message. Notes contain the prediction's id, the end of its logs and its web page.
    """

    prediction: Prediction[Any]

    def __init__(self, prediction: JobLike, message: str | None = None) -> None:
        said = str(prediction.error or "") or None
        super().__init__(
            message or end_sentence(prediction), said=message or said, detail=prediction.error, prediction=prediction
        )
        for note in notes_of(prediction, message or said):
            self.add_note(note)


class PredictionCanceled(ModelError):  # noqa: N818 - as decided
    """The prediction was canceled while it ran, or aborted before it started."""


class DataRemovedError(RunError):
    """The prediction succeeded, but its output was removed. `prediction` is what is left of it."""

    prediction: Prediction[Any]

    def __init__(self, prediction: JobLike) -> None:
        super().__init__(
            f"The output of prediction {prediction.id} has been removed.",
            prediction=prediction,
            hint="The API removes input, output and logs an hour after the end of a prediction that it was asked for: "
            "take the output by then, or have a webhook bring it. To get it again, run the model again.",
        )


class PredictionTimeout(RunError):  # noqa: N818 - as decided
    """The prediction did not finish in time. `prediction` is its state as last seen.

    It was canceled if the call had started it. If it continues, you can wait for it. This is not a `TimeoutError`: a
    loop that runs a model again on a TimeoutError would pay again.
    """

    prediction: Prediction[Any]

    def __init__(self, prediction: JobLike, seconds: float, trouble: str | None = None) -> None:
        self.seconds: float = seconds
        self._trouble = trouble
        super().__init__("late", prediction=prediction)
        self.tell()

    def tell(self) -> None:
        """Update the text and the hint to the prediction's current state."""
        message, hint = timeout_texts(self.prediction, self.seconds, self._trouble)
        self._say(message)
        self.advise(hint)


class StreamError(RunError, RuntimeError):
    """A stream of events broke before its end, or reported an error. `prediction` is its prediction."""


class AmbiguousCreateError(RunError):
    """The API may have started, and charge for, a prediction or training: check that before you repeat the call."""


class InputError(ReplicateException, TypeError, ValueError):
    """An input cannot be sent, or the model does not have it. Nothing was started."""


def __getattr__(name: str) -> Any:
    """Return a connection error that is also a subclass of an httpx error, such as `ReadTimeout`. Loads httpx."""
    kinds = {} if name.startswith("_") else connection_errors()
    if name not in kinds:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return kinds[name]
