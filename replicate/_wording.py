"""The texts that people see: how they are made safe to print, and the sentences of errors of jobs."""

from __future__ import annotations

from functools import wraps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, ClassVar, Protocol, TypeVar

    Shown = TypeVar("Shown")

    class JobLike(Protocol):
        """The parts of a prediction or a training that errors mention."""

        endpoints: ClassVar[Any]
        """Their `noun` is "prediction" or "training"."""
        id: Any
        model: Any
        status: Any
        logs: Any
        error: Any
        urls: Any


LONGEST_TEXT = 1_000_000
"""Maximum number of characters that an error shows of a text. Its fields hold the whole text."""
LONGEST_LOGS = 5_000
"""Maximum number of characters that an error shows from the end of the logs."""
PROBLEM = ("type", "title", "status", "detail", "instance")
"""The fields of an RFC 9457 problem, in the order in which version 1 prints them."""


def details(problem: Mapping[str, Any]) -> str:
    """Return version 1's text for an error of the API: a line for each known field of the problem."""
    lines = [f"{name}: {problem[name]}" for name in PROBLEM if problem.get(name) is not None]
    return "\n".join(["ReplicateError Details:", *lines])


ESCAPED = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of control and format characters, surrogates, and separators of lines."""
JOINERS = "\xad\u200c\u200d"
"""Format characters that ordinary texts contain: the soft hyphen, and those of emoji, Persian and Hindi."""


def harmless(text: str) -> str:
    r"""Escape the characters that could control a terminal or deceive a reader, such as \x1b. Line feeds and tabs stay.

    Errors, warnings, logs, displays and reprs all show texts through this. Doing it again changes nothing. A very long
    text is cut.
    """
    text = text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"
    return text if text.isprintable() else text.translate(_Escapes("\n"))


def one_line(text: str) -> str:
    """Escape the same characters, and line feeds."""
    return text if text.isprintable() else text.translate(_Escapes())


class _Escapes(dict[int, int | str]):
    """What each character is shown as, computed once for all its occurrences, as a text may be long."""

    def __init__(self, kept: str = "") -> None:
        super().__init__((ord(character), ord(character)) for character in f"{kept}\t{JOINERS}")

    def __missing__(self, code: int) -> int | str:
        from unicodedata import category

        character = chr(code)
        self[code] = shown = repr(character)[1:-1] if category(character) in ESCAPED else code
        return shown


def safe_repr(write: Callable[[Shown], str]) -> Callable[[Shown], str]:
    """Make a `__repr__` harmless, and able to show an object whose constructor raised, as tracebacks may do."""

    @wraps(write)
    def represent(self: Shown) -> str:
        try:
            return one_line(write(self))
        except AttributeError:
            return f"<{type(self).__name__}>"

    return represent


def sentence(text: str) -> str:
    """Return a text with a full stop at its end, unless it ends a sentence already."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def end_sentence(prediction: JobLike) -> str:
    """Return a sentence with a prediction's id, status and error."""
    reason = str(prediction.error or "") or ("no error was given" if prediction.status == "failed" else None)
    return f"Prediction {prediction.id} {prediction.status}" + (f": {reason}" if reason else "")


def notes_of(prediction: JobLike, text: str | None, lines: int = 5) -> list[str]:
    """Return the notes of an error for a prediction: its id and status, model, last logs and web page.

    `text` is the error's own text if it does not name the prediction, else None.
    """
    logs = str(prediction.logs or "").rstrip()
    end = f"…{logs[-LONGEST_LOGS:]}" if len(logs) > LONGEST_LOGS else logs
    notes = [f"Prediction {prediction.id} {prediction.status}."] if text else []
    if prediction.model:
        notes.append(f"model: {prediction.model}")
    if end:
        notes.append("last logs:\n" + "\n".join(f"  {line}" for line in end.splitlines()[-lines:]))
    if web := getattr(prediction.urls, "web", None):  # older responses have none
        notes.append(f"see {web}")
    return notes


def timeout_texts(run: JobLike, seconds: float, trouble: str | None = None) -> tuple[str, str]:
    """Return the message and the hint for a prediction or a training that has not finished in time.

    `trouble` is the error of the last polls, if they failed.
    """
    noun = run.endpoints.noun
    if run.status in ("canceled", "aborted"):
        message = f"{noun.title()} {run.id} had not finished after {seconds:g} s, and was {run.status}."
        return message, "A longer timeout= gives it more time, cancel_on_exit=False lets it go on."
    if run.status in ("succeeded", "failed"):
        message = f"{noun.title()} {run.id} had not finished after {seconds:g} s; it {run.status} since."
        return message, "It is in this error's `prediction`."
    wait, cancel = f"client.{noun}s.wait({run.id!r})", f"client.{noun}s.cancel({run.id!r})"
    message = f"{noun.title()} {run.id} is still {run.status} after {seconds:g} s."
    if trouble:
        message = (
            f"{noun.title()} {run.id} had not been seen to finish after {seconds:g} s. It was {run.status} when it was "
            f"last seen; since then it could not be looked at: {sentence(trouble)}"
        )
        return message, f"It may go on, and is charged for then: wait for it with {wait}, or stop it with {cancel}."
    return message, f"It goes on, and is charged for: wait for it with {wait}, or stop it with {cancel}."
