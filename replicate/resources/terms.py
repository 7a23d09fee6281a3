"""What a create may be told, checked before anything is sent or uploaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from replicate._core.options import check_keywords, check_values
from replicate._core.plain import check_json, is_array
from replicate.exceptions import InputError
from replicate_api import models
from replicate_api.types import one_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replicate._core.session import Session

LONGEST_HOLD = 60
"""Seconds. The longest that the API keeps an answer back for `Prefer: wait`."""

PREFER = re.compile(r"wait(=\d+)?")


def check(input: Mapping[str, Any] | None, options: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    """Raise TypeError or ValueError for what shows at a glance that it cannot be sent."""
    check_keywords(options, allowed)
    check_values(options)
    preference(options)
    check_flags(options, "stream")
    after = options.get("cancel_after")
    if after is not None and not isinstance(after, str):
        raise TypeError(f"cancel_after must be a str such as '90s', '5m' or '1h', not {type(after).__name__}")
    if after is not None and not re.fullmatch(r"[0-9][0-9.smhd]*", after):
        raise ValueError(f"cancel_after must be such as '90s', '5m' or '1h', not {after!r}")
    for name in ("webhook", "webhook_completed"):
        check_webhook(name, options.get(name))
    check_events(options.get("webhook_events_filter"))
    if (body := options.get("extra_body")) is not None:
        check_json(body, "extra_body")
    if input is not None and not hasattr(input, "keys"):
        raise InputError(f"input must map the model's input names to values, not be {type(input).__name__}")


def check_flags(options: Mapping[str, Any], *names: str) -> None:
    """Raise TypeError for what is neither True nor False, where that is all there is."""
    for name in names:
        flag = options.get(name)
        if flag is not None and not isinstance(flag, bool):
            raise TypeError(f"{name} must be True or False, not {type(flag).__name__}")


def check_webhook(name: str, url: Any) -> None:
    """Raise TypeError or ValueError for what is no address of a webhook."""
    if url is None:
        return
    if not isinstance(url, str):
        raise TypeError(f"{name} must be a URL, not {type(url).__name__}")
    if not url.startswith(("https://", "http://")):
        raise ValueError(f"{name} must be a URL such as 'https://example.com/hook', not {url!r}")


def check_events(events: Any) -> None:
    """Raise TypeError or ValueError for what names no events of webhooks."""
    if events is None:
        return
    if isinstance(events, str) or not (is_array(events) or hasattr(events, "__iter__")):
        raise TypeError(f"webhook_events_filter must be a list such as ['completed'], not {type(events).__name__}")
    for event in events:
        one_of("webhook_events_filter", event, models.WebhookEvent)


def preferred(session: Session[Any], prefer: str | None) -> tuple[Session[Any], str | None]:
    """Take a `Prefer: wait` that is set as a header for what it means: it is reckoned with, like the argument."""
    headers = session.config.headers
    held = next((value for name, value in headers.items() if name.lower() == "prefer"), None)
    if held is None or not PREFER.fullmatch(held):
        return session, prefer
    rest = {name: value for name, value in headers.items() if name.lower() != "prefer"}
    return session.evolve(headers=rest), prefer or held


def preference(options: Mapping[str, Any]) -> str | None:
    """Write the `Prefer` header. Raise ValueError for what the API would not take."""
    wait, prefer = options.get("wait"), options.get("prefer")
    if not isinstance(prefer, str | None):
        raise TypeError(f"prefer must be 'wait' or 'wait=1' to 'wait={LONGEST_HOLD}', not {type(prefer).__name__}")
    if not isinstance(wait, int | float | None):
        raise TypeError(f"wait must be True, False or 1 to {LONGEST_HOLD} seconds, not {type(wait).__name__}")
    if prefer is not None:
        if wait is not None:
            raise TypeError("wait= and prefer= say the same: pass one of them")
        if not PREFER.fullmatch(prefer) or not 1 <= hold(prefer) <= LONGEST_HOLD:
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
