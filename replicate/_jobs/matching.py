"""Telling whether something that was started is what a request asked for. Pure decisions: nothing here asks the API."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from replicate._json import is_array, is_object, members

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

URL = re.compile(r"(?:https?|data|blob|file|ftp|s3|gs):\S*\Z", re.IGNORECASE)
MASK = re.compile(
    r"\S{0,8}[*•●█]{3,}\S{0,8}\Z|[\[<(*]+(?:redacted|masked|hidden|filtered|removed)[\]>)*]+\Z", re.IGNORECASE
)
SLACK = timedelta(seconds=2)
"""How far moments that the API tells may be from each other."""


class Asked(NamedTuple):
    """What a create asks for, as what it starts will show it."""

    named: Mapping[str, str]
    input: Mapping[str, Any]
    destination: str | None = None
    """What no list shows."""

    @classmethod
    def of(cls, path: str, body: Mapping[str, Any]) -> Asked:
        """Read the path and the body of a create."""
        match [unquote(step) for step in path.strip("/").split("/")]:
            case ["models", owner, name, "predictions"]:
                named = {"model": f"{owner}/{name}"}
            case ["deployments", owner, name, "predictions"]:
                named = {"deployment": f"{owner}/{name}"}
            case ["models", owner, name, "versions", version, "trainings"]:
                named = {"model": f"{owner}/{name}", "version": version}
            case _:
                model, _, version = str(body.get("version", "")).rpartition(":")
                named = {"model": version} if "/" in version else {"version": version}
                named |= {"model": model} if model else {}
        return cls(named, body.get("input") or {}, body.get("destination"))

    @property
    def fingerprint(self) -> int:
        """What stands for it where it is not to be kept."""
        return hash(json.dumps(self, sort_keys=True, default=str))

    def shows_as(self, other: Asked) -> bool:
        """Tell whether what is started looks the same, whichever of the two has asked for it."""
        return (self.named, self.input) == (other.named, other.input)

    def fits(self, started: Any) -> bool:
        """Tell whether what was started may be what is asked for.

        Nothing that is shown of the input is another, and something is shown of what was sent.
        """
        shown = getattr(started, "input", None)
        named = all(getattr(started, name, None) == value for name, value in self.named.items())
        return named and is_object(shown) and alike(self.input, shown) and self._is_shown(shown)

    def is_exactly(self, started: Any) -> bool:
        """Tell whether what was started is what is asked for, with exactly the input that was sent."""
        return self.fits(started) and same(self.input, started.input) and same(started.input, self.input)

    def _is_shown(self, shown: Mapping[str, Any]) -> bool:
        sent = {name for name, value in self.input.items() if value is not None}
        return not sent or not sent.isdisjoint(shown)

    def differs(self, started: Any) -> bool:
        """Tell whether what was started has another value for a plain input: it is certainly not what is asked for."""
        shown = members(getattr(started, "input", None))
        return any(
            is_plain(value) and is_plain(shown[name]) and str(value).strip() != str(shown[name]).strip()
            for name, value in self.input.items()
            if name in shown and not same(value, shown[name])
        )


def is_plain(value: Any) -> bool:
    """Tell whether the API shows a value as it was sent: a number, or a text that names no file and hides nothing."""
    if isinstance(value, str):
        return not is_masked(value) and not URL.match(value)
    return isinstance(value, (bool, int, float))


def is_masked(value: Any) -> bool:
    """Tell whether a text stands for one that is not to be shown."""
    return isinstance(value, str) and MASK.match(value) is not None


def alike(sent: Any, shown: Any) -> bool:
    """Tell whether what the API shows may be what was sent. It adds members, leaves some out, and masks others."""
    if is_masked(shown):
        return True
    if is_object(sent) and is_object(shown):
        return all(alike(value, shown[name]) for name, value in sent.items() if name in shown)
    if is_array(sent) and is_array(shown):
        return len(sent) == len(shown) and all(map(alike, sent, shown))
    return same(sent, shown)


def same(sent: Any, shown: Any) -> bool:
    """Tell whether the API shows what was sent. It may have added members, and left out those that are null."""
    if is_object(sent) and is_object(shown):
        return all(same(value, shown.get(name)) for name, value in sent.items())
    if is_array(sent) and is_array(shown):
        return len(sent) == len(shown) and all(map(same, sent, shown))
    if isinstance(sent, bool) or isinstance(shown, bool):
        return sent is shown
    return bool(sent == shown)


class Fit(NamedTuple):
    """What may be what is asked for."""

    found: list[Any]
    exact: bool
    """Whether it has exactly the input that was sent: to the letter, or with defaults of its model added."""


def fitting(asked: Asked, started: Sequence[Any], defaults: Callable[[Any], Mapping[str, Any]]) -> Fit:
    """Choose what is asked for: what has exactly the input that was sent, or else what may have it.

    `defaults` gives those that are known. What has another value in the place of one was asked for by somebody else.
    """
    found = [each for each in started if asked.fits(each)]
    whole = [each for each in found if same(asked.input, each.input)]
    exact = [each for each in whole if same(each.input, asked.input)]
    exact = exact or [each for each in whole if same(each.input, {**defaults(each), **asked.input})]
    if exact:
        return Fit(exact, exact=True)
    found = found if asked.input else []  # anything would fit
    return Fit([each for each in found if alike(defaults(each), without(each.input, asked.input))], exact=False)


def without(shown: Any, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Give what an input shows that was not sent."""
    return {name: value for name, value in members(shown).items() if name not in sent}


def threshold(date: str | None, now: datetime, elapsed: float) -> datetime:
    """Give the moment, by the API's clock, from which on it may have started what was asked for `elapsed` seconds ago.

    `date` is the header of an answer that has just come, and `now` this machine's time where there is none.
    """
    try:
        moment = parsedate_to_datetime(date or "")
    except (ValueError, TypeError, OverflowError):
        moment = now
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment - timedelta(seconds=elapsed) - SLACK


def recent(started: Any, since: datetime) -> bool:
    """Tell whether something was started at that moment or later."""
    created = getattr(started, "created_at", None)
    if not isinstance(created, datetime) or not isinstance(getattr(started, "id", None), str):
        return False
    return (created if created.tzinfo else created.replace(tzinfo=UTC)) >= since
