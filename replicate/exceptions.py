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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    import httpx

    from replicate.resources.predictions import Prediction

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

PROBLEM = ("type", "title", "status", "detail", "instance")
"""The fields of an RFC 9457 problem, in the order in which version 1 prints them."""


class ReplicateException(Exception):  # noqa: N818 - its name in all generations
    """The root of all errors of this package.

    All errors have the fields of an RFC 9457 problem (`type`, `title`, `status`, `detail`, `instance`) and those of an
    HTTP exchange (`status_code`, `request`, `response`, `body`, `request_id`, `retry_after`); a field that does not
    apply is None. `cursor` is the page of a list that could not be had, and `hint` says what usually helps.

    `str(error)` of an error of the API or of a model is what the API or the model said; the hint and further facts are
    notes (`__notes__`), which tracebacks show. The text of any other error ends with the hint. `message` is a summary
    in one sentence.
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
    prediction: Any = None
    """What the call has started, as last seen, or None."""

    _said: str | None = None
    """What the API or the model said, where that is the error's text."""

    def __init__(self, message: str = "", *, said: str | None = None, **fields: Any) -> None:
        known = {name: value for name, value in fields.items() if value is not None}
        hint = known.pop("hint", None)
        if not message and said is None and any(name in known for name in PROBLEM):
            said = details(known)
        self.message: str = message or ": ".join(str(known[name]) for name in ("title", "detail") if name in known)
        super().__init__(self.message)
        self.__dict__.update(known)
        if said is not None:
            self.__dict__["_said"] = said
        self.advise(hint)

    def advise(self, hint: str | None) -> Self:
        """Set the hint, in the place of an earlier one. Gives the error itself."""
        notes = [note for note in vars(self).get("__notes__", ()) if note != self.hint]
        vars(self).pop("hint", None)
        if hint:
            self.hint = hint
            notes += [] if self._said is None else [hint]
        if notes or "__notes__" in vars(self):
            vars(self)["__notes__"] = notes
        return self

    def __str__(self) -> str:
        if self._said is not None:
            return self._said
        return f"{sentence(self.message)} {self.hint}" if self.hint else self.message

    def to_dict(self) -> dict[str, Any]:
        """Give the problem's fields that are known."""
        return {name: value for name in PROBLEM if (value := getattr(self, name)) is not None}

    def __reduce__(self) -> tuple[Any, ...]:
        # An HTTP exchange holds the token and open streams: neither is for a pickle.
        state = {name: value for name, value in self.__dict__.items() if name not in ("request", "response")}
        return (_restore, (type(self), self.args), state)

    def __setstate__(self, state: Mapping[str, Any] | None) -> None:
        self.__dict__.update(state or {})


def _restore(kind: type[ReplicateException], args: tuple[Any, ...]) -> ReplicateException:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class ReplicateError(ReplicateException):
    """Something went wrong, and the call that raises it has started nothing."""

    @classmethod
    def from_response(cls, response: httpx.Response) -> ReplicateError:
        """Make the error for an answer with an error status, of the class for it."""
        from importlib import import_module

        # The way up, as `Resource` has it: how answers are read is known there, what errors are is known here.
        error: ReplicateError = import_module("replicate._core.problems").error_of(response)
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
    def of(cls, cause: ReplicateError, prediction: Prediction[Any] | None) -> RunError:
        """Make the error for a call that `cause` has ended, with its text, fields and notes."""
        error = cls(cause.message)
        carried = vars(cause).get("prediction") or prediction
        error.__dict__.update(vars(cause), prediction=carried)
        error.__dict__["__notes__"] = [*vars(cause).get("__notes__", ())]
        error.__cause__ = cause
        return error


class ModelError(RunError):
    """The prediction failed. `prediction` is how it ended, with its logs and metrics.

    Its text is what the model said; notes tell the prediction's id, the end of its logs and where to see all of it.
    """

    prediction: Prediction[Any]

    def __init__(self, prediction: Prediction[Any], message: str | None = None) -> None:
        said = harmless(str(prediction.error or "")) or None
        super().__init__(message or ended(prediction), said=message or said, detail=prediction.error)
        self.prediction = prediction
        for note in told(prediction, message or said):
            self.add_note(note)


class PredictionCanceled(ModelError):  # noqa: N818 - as decided
    """The prediction was canceled while it ran, or aborted before it started."""


class DataRemovedError(RunError):
    """The prediction succeeded, but its output is gone. `prediction` is what is left of it."""

    prediction: Prediction[Any]

    def __init__(self, prediction: Prediction[Any]) -> None:
        self.prediction = prediction
        super().__init__(
            f"The output of prediction {prediction.id} has been removed.",
            hint="The API removes input, output and logs an hour after the end of a prediction that it was asked for: "
            "take the output by then, or have a webhook bring it. To get it again, run the model again.",
        )


class PredictionTimeout(RunError):  # noqa: N818 - as decided
    """The prediction did not finish in the time given. `prediction` is how it was last seen.

    It was canceled if the call had started it; if it goes on, it can be waited for. It is no `TimeoutError`: a loop
    that runs a model again on one would pay again.
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
        self.message = message
        BaseException.__init__(self, message)
        self.advise(hint)


class StreamError(RunError, RuntimeError):
    """A stream of events broke before its end, or told of an error. `prediction` is what it belonged to."""


class AmbiguousCreateError(RunError):
    """The API may or may not have started (and charge for) what was asked for: look before asking again."""


class InputError(ReplicateException, TypeError, ValueError):
    """An input that cannot be sent, or that the model does not have. Nothing was started."""


def details(problem: Mapping[str, Any]) -> str:
    """Write the text that version 1 has for an error of the API: a line for each known field of the problem."""
    lines = [f"{name}: {harmless(str(problem[name]))}" for name in PROBLEM if problem.get(name) is not None]
    return "\n".join(["ReplicateError Details:", *lines])


def harmless(text: str) -> str:
    """Show the characters of a text that would steer a terminal as what they are not."""
    return "".join(each if each.isprintable() or each in "\n\t" else "\ufffd" for each in text)


def brief(error: BaseException) -> str:
    """Give an error's text for use within another's: of one of ours, its summary."""
    return error.message if isinstance(error, ReplicateException) else str(error)


def sentence(text: str) -> str:
    """End a text with a full stop."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def ended(prediction: Prediction[Any]) -> str:
    """Tell in one sentence how a prediction ended: its id, status and error."""
    reason = harmless(str(prediction.error or "")) or ("no error was given" if prediction.status == "failed" else None)
    return f"Prediction {prediction.id} {prediction.status}" + (f": {reason}" if reason else "")


def told(prediction: Prediction[Any], text: str | None, lines: int = 5) -> list[str]:
    """List what else there is to know of how a prediction ended, as notes: its id, model, last logs and web page.

    `text` is the error's own text, if that does not name the prediction.
    """
    logs = str(prediction.logs or "").rstrip().splitlines()[-lines:]
    notes = [f"Prediction {prediction.id} {prediction.status}."] if text else []
    if prediction.model:
        notes.append(f"model: {prediction.model}")
    if logs:
        notes.append("last logs:\n" + "\n".join(f"  {harmless(line)}" for line in logs))
    if web := getattr(prediction.urls, "web", None):  # older answers have none
        notes.append(f"see {web}")
    return notes
