"""The base class of all errors of this package."""

from __future__ import annotations

from replicate._annotations import resolve_lazily
from replicate._wording import PROBLEM, details, harmless, sentence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    import httpx


class ReplicateException(Exception):  # noqa: N818 - its name in all generations
    """The base class of all errors of this package.

    All errors have the fields of an RFC 9457 problem (`type`, `title`, `status`, `detail`, `instance`) and those of an
    HTTP exchange (`status_code`, `request`, `response`, `body`, `request_id`, `retry_after`); a field that does not
    apply is None. `cursor` is the page of a list that could not be loaded, and `hint` says what usually helps.

    `str(error)` of an error of the API or of a model is what the API or the model said; the hint and further facts are
    notes (`__notes__`), which tracebacks show. The text of any other error ends with the hint. `message` is a summary
    in one sentence. All of these are safe to print; the other fields are as they came.
    """

    message: str = ""

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
    """The prediction or training that the call has started, as last seen, or None."""

    _said: str | None = None
    """What the API or the model said, if that is the error's text."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        resolve_lazily(cls)

    def __init__(self, message: str = "", *, said: str | None = None, **fields: Any) -> None:
        known = {name: value for name, value in fields.items() if value is not None}
        hint = known.pop("hint", None)
        if not message and said is None and any(name in known for name in PROBLEM):
            said = details(known)
        super().__init__("")  # httpx's classes take a text
        self._say(message or ": ".join(str(known[name]) for name in ("title", "detail") if name in known), said)
        self.__dict__.update(known)
        self.advise(hint)

    def _say(self, message: str, said: str | None = None) -> None:
        """Set or replace the text: a summary, and what the API or the model said, if that is the error's text."""
        self.message = harmless(message)
        if said is not None:
            self._said = harmless(said)
        BaseException.__init__(self, self.message if self._said is None else self._said)

    def add_note(self, note: str, /) -> None:
        """Add a note, which tracebacks show after the text."""
        super().add_note(harmless(note))

    def advise(self, hint: str | None) -> Self:
        """Set or replace the hint. Returns the error itself."""
        notes = [note for note in vars(self).get("__notes__", ()) if note != self.hint]
        vars(self).pop("hint", None)
        if hint:
            self.hint = harmless(hint)
            notes += [] if self._said is None else [self.hint]
        if notes or "__notes__" in vars(self):
            vars(self)["__notes__"] = notes
        return self

    def __str__(self) -> str:
        if self._said is not None:
            return self._said
        return f"{sentence(self.message)} {self.hint}" if self.hint else self.message

    def to_dict(self) -> dict[str, Any]:
        """Return the known fields of the problem."""
        return {name: value for name in PROBLEM if (value := getattr(self, name)) is not None}

    def __reduce__(self) -> tuple[Any, ...]:
        # Leave out the HTTP exchange, which holds the token and open streams.
        state = {name: value for name, value in self.__dict__.items() if name not in ("request", "response")}
        return (_restore, (type(self), self.args), state)

    def __setstate__(self, state: Mapping[str, Any] | None) -> None:
        self.__dict__.update(state or {})


def _restore(kind: type[ReplicateException], args: tuple[Any, ...]) -> ReplicateException:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


def brief(error: BaseException) -> str:
    """Return an error's text for use in another error's. For an error of this package, it is the summary."""
    return error.message if isinstance(error, ReplicateException) else str(error)
