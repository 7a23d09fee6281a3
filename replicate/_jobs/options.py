"""What a create may be told, checked before anything is sent or uploaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from replicate._http.options import REQUEST_OPTIONS, check_keywords, check_text, check_values, merged
from replicate._json import check_json
from replicate.exceptions import InputError
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate._http.session import Session

LONGEST_HOLD = 60
"""Seconds. The longest that the API keeps an answer back for `Prefer: wait`."""

PREFER = re.compile(r"wait(=\d+)?")

MEMBERS = ("webhook", "webhook_completed", "webhook_events_filter", "stream")
"""What goes into the body of a create, beside the input."""

HEADERS = ("wait", "prefer", "cancel_after")
PREDICTION_OPTIONS = (*HEADERS, *MEMBERS, "file_encoding_strategy", *REQUEST_OPTIONS)


def check(input: Mapping[str, Any] | None, options: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    """Raise TypeError or ValueError for what shows at a glance that it cannot be sent; the API judges the values."""
    check_keywords(options, allowed)
    check_values(options)
    preference(options)
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


def preferred(session: Session[Any], prefer: str | None) -> tuple[Session[Any], str | None]:
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


def preference(options: Mapping[str, Any]) -> str | None:
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
        if PREFER.fullmatch(prefer) and not 1 <= hold(prefer) <= LONGEST_HOLD:
            raise ValueError(f"prefer must be 'wait' or 'wait=1' to 'wait={LONGEST_HOLD}', not {prefer!r}")
        return prefer
    if wait is True:
        return "wait"
    if wait is None or wait is False:
        return None
    if not 1 <= wait <= LONGEST_HOLD:
        raise ValueError(f"wait must be True, False or 1 to {LONGEST_HOLD} seconds, not {wait!r}")
    return f"wait={int(wait)}"


def hold(prefer: str) -> int:
    """Read how many seconds a `Prefer` header asks the API to keep the answer back."""
    return int(prefer.partition("=")[2] or LONGEST_HOLD)
