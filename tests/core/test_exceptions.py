"""The errors: their classes, their texts, and that they can be copied and pickled."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import httpx
import pytest
from support.sessions import TOKEN

from replicate import exceptions
from replicate.exceptions import (
    AmbiguousCreateError,
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    DataRemovedError,
    InputError,
    ModelError,
    NotFoundError,
    PredictionCanceled,
    PredictionTimeout,
    ReplicateError,
    ReplicateException,
    RunError,
    SaveError,
    StreamError,
)
from replicate.resources.predictions import Prediction
from replicate_api import models

CLASSES = [
    kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, ReplicateException)
]


def prediction(**fields: Any) -> Prediction[Any]:
    data = {"id": "p1", "status": "failed", "error": "out of memory", "model": "owner/name", **fields}
    return Prediction.bind(models.Prediction.from_dict(data), None)  # type: ignore[arg-type]


def example(kind: type[ReplicateException]) -> Any:
    if issubclass(kind, (ModelError, DataRemovedError)):
        return kind(prediction())
    if kind is PredictionTimeout:
        return PredictionTimeout(prediction(status="processing"), 2.5)
    if not issubclass(kind, ReplicateError):
        return kind("message")
    request = httpx.Request("GET", "https://api.example.test/", headers={"Authorization": f"Bearer {TOKEN}"})
    response = httpx.Response(404, request=request, stream=httpx.ByteStream(b""))
    return kind(
        "message", hint="Do this.", status=404, request=request, response=response, body={"a": [1]}, retry_after=2.0
    )


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_every_error_can_be_copied_and_pickled(kind: type[ReplicateException], twin: Any) -> None:
    """Copies and pickles have the same class, text and fields, but not the HTTP request and response, nor the token."""
    error = example(kind)
    made = twin(error)
    assert type(made) is kind
    assert str(made) == str(error)
    kept = {name: value for name, value in vars(error).items() if name not in ("request", "response", "prediction")}
    assert {name: value for name, value in vars(made).items() if name != "prediction"} == kept
    if hasattr(error, "prediction") and error.prediction is not None:
        assert made.prediction == error.prediction
    assert TOKEN.encode() not in pickle.dumps(error)


@pytest.mark.parametrize("kind", CLASSES)
def test_no_error_shows_the_token(kind: type[ReplicateException]) -> None:
    """Neither text, repr nor fields of an error show the token, although its request carries it."""
    error = example(kind)
    assert TOKEN not in f"{error} {error!r} {vars(error)!r} {error.args!r}"


@pytest.mark.parametrize(
    ("kind", "bases"),
    [
        (ReplicateError, [ReplicateException]),
        (NotFoundError, [APIStatusError, APIError, ReplicateError]),
        (APITimeoutError, [APIConnectionError, APIError]),
        (RunError, [ReplicateException]),
        (ModelError, [RunError]),
        (PredictionCanceled, [ModelError, RunError]),
        (DataRemovedError, [RunError]),
        (PredictionTimeout, [RunError]),
        (StreamError, [RunError, RuntimeError]),
        (AmbiguousCreateError, [RunError]),
        (SaveError, [ReplicateError]),
        (InputError, [ReplicateException, TypeError, ValueError]),
    ],
)
def test_errors_can_be_caught_by_kind(kind: type[Exception], bases: list[type[Exception]]) -> None:
    """Each error is a subclass of the classes that the module's documentation shows, and of some built-in ones."""
    assert all(issubclass(kind, base) for base in bases)


def test_the_documentation_draws_all_errors() -> None:
    """The tree in the module's documentation has each class once, below its base, except those for one status."""
    lines = [
        line for line in str(exceptions.__doc__).splitlines() if line.startswith(("Replicate", "├", "└", "│", " "))
    ]
    drawn: list[tuple[int, str]] = [(line.index(word), word) for line in lines if (word := first_word(line))]
    for place, (depth, name) in enumerate(drawn):
        base = next((above for deep, above in reversed(drawn[:place]) if deep < depth), "Exception")
        assert base in [each.__name__ for each in getattr(exceptions, name).__bases__], name
    assert len(drawn) == len({name for _, name in drawn})
    assert {kind.__name__ for kind in CLASSES} - {name for _, name in drawn} == {
        kind.__name__ for kind in APIStatusError.__subclasses__() if kind is not NotFoundError
    }


def first_word(line: str) -> str:
    """Return the name of the class in a line of the tree."""
    words = line.replace("│", " ").replace("├──", " ").replace("└──", " ").split()
    return words[0] if words and hasattr(exceptions, words[0]) else ""


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if issubclass(kind, RunError)])
def test_an_error_after_the_start_never_invites_a_retry(kind: type[Exception]) -> None:
    """No error that can occur after the start is a ReplicateError, an httpx error, a TimeoutError or an OSError."""
    assert not issubclass(kind, (ReplicateError, httpx.HTTPError, TimeoutError, OSError, InputError))


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if issubclass(kind, ReplicateError)])
def test_a_started_call_is_ended_by_a_copy_of_its_cause(kind: type[ReplicateError]) -> None:
    """RunError has the text, fields and notes of the error that ended the call, and the call's own prediction."""
    cause, running = example(kind), prediction(status="processing")
    cause.add_note("A note.")
    cause.prediction = prediction(id="another")
    error = RunError.of(cause, running)
    assert type(error) is RunError
    assert error.prediction is running
    assert str(error) == str(cause)
    assert error.__cause__ is cause
    assert {**vars(cause), "prediction": running} == vars(error)
    error.add_note("Of its own.")
    assert cause.__notes__[-1] == "A note."


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_is_documented_and_public(kind: type[Exception]) -> None:
    """Every error has a docstring and is exported by the package."""
    import replicate

    assert kind.__doc__
    assert kind.__name__ in replicate.__all__
    assert getattr(replicate, kind.__name__) is kind


def test_a_field_that_does_not_apply_is_none() -> None:
    """All errors have all fields; those that do not apply are None."""
    error = ReplicateError("message")
    names = [
        "type",
        "title",
        "status",
        "detail",
        "instance",
        "status_code",
        "request",
        "response",
        "body",
        "request_id",
        "retry_after",
        "hint",
    ]
    assert [getattr(error, name) for name in names] == [None] * len(names)
    assert error.to_dict() == {}


@pytest.mark.parametrize(("said", "end"), [("gone", "."), ("Gone.", ""), ("gone!", ""), ("why?", ""), ("too lo…", "")])
def test_a_sentence_ends_before_the_hint(said: str, end: str) -> None:
    """A message without a full stop gets one before the hint."""
    assert str(ReplicateError(said, hint="Mend it.")) == f"{said}{end} Mend it."
    assert str(ReplicateError(said)) == said


def test_the_text_ends_with_the_hint() -> None:
    """`str` is the message followed by the hint; `message` is without the hint."""
    error = ReplicateError("It broke.", hint="Mend it.")
    assert str(error) == "It broke. Mend it."
    assert error.message == "It broke."
    assert error.args == ("It broke.",)


def test_a_model_error_says_how_the_prediction_ended() -> None:
    """The text is the model's error; the notes have the id, status, model, last logs and URL of the prediction."""
    failed = prediction(
        logs="".join(f"line {number}\n" for number in range(9)), urls={"web": "https://replicate.com/p/p1"}
    )
    error = ModelError(failed)
    assert str(error) == "out of memory"
    assert error.message == "Prediction p1 failed: out of memory"
    assert error.__notes__ == [
        "Prediction p1 failed.",
        "model: owner/name",
        "last logs:\n" + "\n".join(f"  line {number}" for number in range(4, 9)),
        "see https://replicate.com/p/p1",
    ]
    assert error.prediction is failed
    assert error.detail == "out of memory"
    assert error.status is None


def test_model_text_cannot_control_a_terminal() -> None:
    """Control characters in an error or in logs are escaped, except line feeds and tabs."""
    error = ModelError(prediction(error="\x1b[2Jred\u202e\nline", logs="a\tb\x07\n"))
    assert str(error) == "\\x1b[2Jred\\u202e\nline"
    assert error.message == "Prediction p1 failed: \\x1b[2Jred\\u202e\nline"
    assert "last logs:\n  a\tb\\x07" in error.__notes__


@pytest.mark.parametrize(("fields", "text"), [({}, "no error was given"), ({"status": "canceled"}, None)])
def test_a_prediction_without_an_error_gets_a_text(fields: dict[str, Any], text: str | None) -> None:
    """If the model gave no error, the text is ours: the id and how the prediction ended."""
    ended = prediction(error=None, **fields)
    error = ModelError(ended) if text else PredictionCanceled(ended)
    assert str(error) == f"Prediction p1 {ended.status}" + (f": {text}" if text else "")
    assert error.__notes__ == ["model: owner/name"]


@pytest.mark.parametrize("odd", [{"logs": ["a"], "urls": None, "error": None, "model": None}, {"logs": 7, "urls": 7}])
def test_a_malformed_prediction_can_fail_too(odd: dict[str, Any]) -> None:
    """A prediction with fields of unexpected types still makes a readable error."""
    error = ModelError(prediction(**odd))
    assert error.message.startswith("Prediction p1 failed: ")
    assert str(error) in ("out of memory", error.message)


def test_a_timeout_says_that_the_prediction_continues() -> None:
    """The text has the id, the state, and what can be done; the error carries the prediction."""
    running = prediction(status="processing")
    error = PredictionTimeout(running, 2.5)
    assert error.prediction is running
    assert "Prediction p1 is still processing after 2.5 s." in str(error)
    assert "cancel('p1')" in str(error)
    running.status = "succeeded"
    error.tell()
    assert "it succeeded since" in str(error)
