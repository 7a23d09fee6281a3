"""Every error this package raises. Each says what to do next; none holds or shows the token.

ReplicateException
├── ReplicateError                        this call has started nothing: it may be made again
│   ├── APIError                          talking to the API went wrong
│   │   ├── APIStatusError                it answered with an error: one subclass a status
│   │   │   └── NotFoundError
│   │   │       └── FileExpiredError      a file is not there any more
│   │   ├── APIResponseValidationError    it answered with something that is no answer
│   │   └── APIConnectionError            it could not be reached, or the connection broke
│   │       └── APITimeoutError
│   ├── FileTooLargeError                 a file has more than `max_bytes`
│   └── SaveError                         `save_all` could not save every file
├── RunError                              the call ended after its prediction may have been started
│   ├── ModelError                        the prediction failed
│   │   └── PredictionCanceled
│   ├── PredictionTimeout                 the prediction did not finish in time
│   ├── StreamError                       a stream of events broke, or told of an error
│   ├── DataRemovedError                  the prediction's output is gone
│   └── AmbiguousCreateError              it may or may not have started what was asked for
└── InputError                            an input that cannot be sent, or that the model does not have

A loop that makes a call again on ReplicateError never pays twice. A RunError carries the `prediction` where it is
known: go on with that.
"""

from __future__ import annotations

from replicate._errors import ReplicateException as ReplicateException  # noqa: PLC0414 - for all who catch it
from replicate._upward import connection_errors, error_of
from replicate._wording import end_sentence, harmless, notes_of, timeout_texts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import httpx

    from replicate import Prediction  # as users know it: its own module is above this one
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
    """Something went wrong, and the call that raises it has started nothing."""

    @classmethod
    def from_response(cls, response: httpx.Response) -> ReplicateError:
        """Make the error for an answer with an error status, of the class for it."""
        error: ReplicateError = error_of(response)
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


class APIConnectionError(APIError):
    """The API could not be reached, or the connection broke. `sent` tells whether the request may have arrived.

    Where httpx raised an error for it, it is an instance of that error's class too, for programs that catch those.
    """

    sent: bool = True

    def __init__(self, message: str = "Connection error.", request: httpx.Request | None = None, **fields: Any) -> None:
        super().__init__(message, request, **fields)


class APITimeoutError(APIConnectionError):
    """The API did not answer in time, or the time was up before anything was started."""

    def __init__(self, message: str | httpx.Request = "Request timed out.", *args: Any, **fields: Any) -> None:
        # Version 2 takes the request first.
        given: tuple[Any, ...] = (message, *args) if isinstance(message, str) else ("Request timed out.", message)
        super().__init__(*given, **fields)


class FileTooLargeError(ReplicateError):
    """A file has more than `max_bytes`. Nothing of it was kept."""


class SaveError(ReplicateError):
    """Some of many files could not be saved; the others were.

    `errors` maps the URL of each file to what went wrong with it. `paths` is what `save_all` would have given, with
    None in the place of what could not be saved.
    """

    errors: Mapping[str, Exception] = {}
    paths: Any = None


class RunError(ReplicateException):
    """A call ended after its prediction may have been started: do not start another one before looking at that.

    `prediction` is what the call started, as last seen, or None where that is not known. Of the error that ended the
    call, which is this one's `__cause__`, it has all fields. Where the files of an output could not be saved, `output`
    is the whole output, and `errors` maps the URL of each file to what went wrong with it.
    """

    output: Any = None
    errors: Mapping[str, Exception] = {}
    paths: Any = None

    @classmethod
    def of(cls, cause: Exception, prediction: JobLike | None) -> RunError:
        """Make the error for a call that `cause` has ended, with its text, fields and notes, and its own prediction."""
        ours = cause if isinstance(cause, ReplicateException) else None
        error = cls(ours.message if ours else repr(cause))
        error.__dict__.update(vars(ours) if ours else {}, prediction=prediction)
        error.__dict__["__notes__"] = [*vars(cause).get("__notes__", ())]
        error.__cause__ = cause
        return error


class ModelError(RunError):
    """The prediction failed. `prediction` is how it ended, with its logs and metrics.

    Its text is what the model said; notes tell the prediction's id, the end of its logs and where to see all of it.
    """

    prediction: Prediction[Any]

    def __init__(self, prediction: JobLike, message: str | None = None) -> None:
        said = harmless(str(prediction.error or "")) or None
        super().__init__(
            message or end_sentence(prediction), said=message or said, detail=prediction.error, prediction=prediction
        )
        for note in notes_of(prediction, message or said):
            self.add_note(note)


class PredictionCanceled(ModelError):  # noqa: N818 - as decided
    """The prediction was canceled while it ran, or aborted before it started."""


class DataRemovedError(RunError):
    """The prediction succeeded, but its output is gone. `prediction` is what is left of it."""

    prediction: Prediction[Any]

    def __init__(self, prediction: JobLike) -> None:
        super().__init__(
            f"The output of prediction {prediction.id} has been removed.",
            prediction=prediction,
            hint="The API removes input, output and logs an hour after the end of a prediction that it was asked for: "
            "take the output by then, or have a webhook bring it. To get it again, run the model again.",
        )


class PredictionTimeout(RunError):  # noqa: N818 - as decided
    """The prediction did not finish in the time given. `prediction` is how it was last seen.

    It was canceled if the call had started it; if it goes on, it can be waited for. It is no `TimeoutError`: a loop
    that runs a model again on one would pay again.
    """

    prediction: Prediction[Any]

    def __init__(self, prediction: JobLike, seconds: float, trouble: str | None = None) -> None:
        self.seconds: float = seconds
        self._trouble = trouble
        super().__init__("late", prediction=prediction)
        self.tell()

    def tell(self) -> None:
        """Say how things stand with the prediction now."""
        message, hint = timeout_texts(self.prediction, self.seconds, self._trouble)
        self.message = message
        BaseException.__init__(self, message)
        self.advise(hint)


class StreamError(RunError, RuntimeError):
    """A stream of events broke before its end, or told of an error. `prediction` is what it belonged to."""


class AmbiguousCreateError(RunError):
    """The API may or may not have started (and charge for) what was asked for: look before asking again."""


class InputError(ReplicateException, TypeError, ValueError):
    """An input that cannot be sent, or that the model does not have. Nothing was started."""


def __getattr__(name: str) -> Any:
    """Give the connection errors that are httpx's as well, such as `ReadTimeout`, once httpx is wanted."""
    kinds = {} if name.startswith("_") else connection_errors()
    if name not in kinds:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return kinds[name]
