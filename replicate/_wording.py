"""The words of errors: what the API, a model or this package says, made fit to be shown."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar, Protocol

    class JobLike(Protocol):
        """What errors tell of a prediction or a training."""

        endpoints: ClassVar[Any]
        """Their `noun` is what it is called."""
        id: Any
        model: Any
        status: Any
        logs: Any
        error: Any
        urls: Any


LONGEST_LOGS = 5_000
"""Characters at the end of the logs that an error may show."""
PROBLEM = ("type", "title", "status", "detail", "instance")
"""The fields of an RFC 9457 problem, in the order in which version 1 prints them."""


def details(problem: Mapping[str, Any]) -> str:
    """Write the text that version 1 has for an error of the API: a line for each known field of the problem."""
    lines = [f"{name}: {harmless(str(problem[name]))}" for name in PROBLEM if problem.get(name) is not None]
    return "\n".join(["ReplicateError Details:", *lines])


def harmless(text: str) -> str:
    """Show the characters of a text that would steer a terminal as what they are not."""
    return text if text.isprintable() else text.translate(_Harmless({10: 10, 9: 9}))


class _Harmless(dict[int, int]):
    """What to show for each character: looked up once for all its occurrences, since a text may be long."""

    def __missing__(self, code: int) -> int:
        self[code] = shown = code if chr(code).isprintable() else 0xFFFD
        return shown


def sentence(text: str) -> str:
    """End a text with a full stop."""
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def end_sentence(prediction: JobLike) -> str:
    """Tell in one sentence how a prediction ended: its id, status and error."""
    reason = str(prediction.error or "") or ("no error was given" if prediction.status == "failed" else None)
    return harmless(f"Prediction {prediction.id} {prediction.status}" + (f": {reason}" if reason else ""))


def notes_of(prediction: JobLike, text: str | None, lines: int = 5) -> list[str]:
    """List what else there is to know of how a prediction ended, as notes: its id, model, last logs and web page.

    `text` is the error's own text, if that does not name the prediction.
    """
    logs = str(prediction.logs or "").rstrip()
    end = f"…{logs[-LONGEST_LOGS:]}" if len(logs) > LONGEST_LOGS else logs
    notes = [f"Prediction {prediction.id} {prediction.status}."] if text else []
    if prediction.model:
        notes.append(f"model: {prediction.model}")
    if end:
        notes.append("last logs:\n" + "\n".join(f"  {line}" for line in end.splitlines()[-lines:]))
    if web := getattr(prediction.urls, "web", None):  # older answers have none
        notes.append(f"see {web}")
    return [harmless(note) for note in notes]


def timeout_texts(run: JobLike, seconds: float, trouble: str | None = None) -> tuple[str, str]:
    """Tell how things stand with a prediction or a training that had not finished in time, and what to do now.

    `trouble` is what the last looks at it failed with.
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
