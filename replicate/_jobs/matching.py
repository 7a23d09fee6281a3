"""Decide whether a job is the one that a create asked for. Pure functions: no I/O."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from replicate._json import is_array, is_object, members
from replicate._models.reference import is_name
from replicate._times import http_date, shifted, utc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

URL = re.compile(r"(?:https?|data|blob|file|ftp|s3|gs):\S*\Z", re.IGNORECASE)
MASK = re.compile(
    r"\S{0,8}[*•●█]{3,}\S{0,8}\Z|[\[<(*]+(?:redacted|masked|hidden|filtered|removed)[\]>)*]+\Z", re.IGNORECASE
)
SLACK = timedelta(seconds=2)
"""The largest tolerated difference between times that the API reports."""


class Asked(NamedTuple):
    """What a create asks for, in the terms in which the API shows the job that it starts."""

    named: Mapping[str, str]
    input: Mapping[str, Any]
    destination: str | None = None
    """The destination of a training. No list shows it."""

    @classmethod
    def of(cls, path: str, body: Mapping[str, Any]) -> Asked:
        """Return what a create with this path and this body asks for."""
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
        """A hash that stands for the request where the request itself is not to be kept."""
        return hash(json.dumps(self, sort_keys=True, default=str))

    def shows_as(self, other: Asked) -> bool:
        """Return whether the jobs that the two requests start look the same in a list."""
        return (self.named, self.input) == (other.named, other.input)

    def fits(self, started: Any) -> bool:
        """Return whether a job may be what was asked for.

        Its shown input must not contradict what was sent, and must show at least one of the inputs sent.
        """
        shown = getattr(started, "input", None)
        named = all(getattr(started, name, None) == value for name, value in self.named.items())
        return named and is_object(shown) and alike(self.input, shown) and self._is_shown(shown)

    def is_exactly(self, started: Any) -> bool:
        """Return whether a job is what was asked for, with exactly the input that was sent."""
        return self.fits(started) and same(self.input, started.input) and same(started.input, self.input)

    def _is_shown(self, shown: Mapping[str, Any]) -> bool:
        sent = {name for name, value in self.input.items() if value is not None}
        return not sent or not sent.isdisjoint(shown)

    def differs(self, started: Any) -> bool:
        """Return whether a job has another value for a plain input. If so, it is certainly not what was asked for."""
        shown = members(getattr(started, "input", None))
        return any(
            is_plain(value) and is_plain(shown[name]) and str(value).strip() != str(shown[name]).strip()
            for name, value in self.input.items()
            if name in shown and not same(value, shown[name])
        )


def is_plain(value: Any) -> bool:
    """Return whether the API shows a value as it was sent: a number, or a text that is neither a URL nor a mask."""
    if isinstance(value, str):
        return not is_masked(value) and not URL.match(value)
    return isinstance(value, (bool, int, float))


def is_masked(value: Any) -> bool:
    """Return whether a text is a mask in the place of a hidden value."""
    return isinstance(value, str) and MASK.match(value) is not None


def alike(sent: Any, shown: Any) -> bool:
    """Return whether a shown value may be the one sent. The API adds members, leaves some out, and masks others."""
    if is_masked(shown):
        return True
    if is_object(sent) and is_object(shown):
        return all(alike(value, shown[name]) for name, value in sent.items() if name in shown)
    if is_array(sent) and is_array(shown):
        return len(sent) == len(shown) and all(map(alike, sent, shown))
    return same(sent, shown)


def same(sent: Any, shown: Any) -> bool:
    """Return whether a shown value is the one sent. The API may add members, and leave out those that are null."""
    if is_object(sent) and is_object(shown):
        return all(same(value, shown.get(name)) for name, value in sent.items())
    if is_array(sent) and is_array(shown):
        return len(sent) == len(shown) and all(map(same, sent, shown))
    if isinstance(sent, bool) or isinstance(shown, bool):
        return sent is shown
    return bool(sent == shown)


class Fit(NamedTuple):
    """The jobs that may be what a create asked for."""

    found: list[Any]
    exact: bool
    """Whether they have exactly the input that was sent, either unchanged or with defaults of the model added."""


def fitting(asked: Asked, started: Sequence[Any], properties: Callable[[Any], Mapping[str, Any]]) -> Fit:
    """Select the jobs that have exactly the input that was sent, or else those that may have it.

    `properties` returns the input properties in the schema of a job's model, by name, as far as they are known.
    """
    found = [each for each in started if asked.fits(each)]
    whole = [each for each in found if same(asked.input, each.input)]
    exact = [each for each in whole if same(each.input, asked.input)]
    exact = exact or [each for each in whole if same(each.input, {**defaults_of(properties(each)), **asked.input})]
    if exact:
        return Fit(exact, exact=True)
    found = found if asked.input else []  # any job would fit
    return Fit([each for each in found if explained(asked.input, each.input, properties(each))], exact=False)


def explained(sent: Mapping[str, Any], shown: Mapping[str, Any], properties: Mapping[str, Any]) -> bool:
    """Return whether a shown input can result from the one sent, by the known properties of the model.

    If it shows another value for an unsent property than the default, or does not show a plain value of a property, it
    is the input of another job. Only secrets may be left out.
    """
    added, defaults = without(shown, sent), defaults_of(properties)
    given = [name for name, value in added.items() if value is not None and name in properties and name not in defaults]
    left_out = [
        name
        for name, value in sent.items()
        if name not in shown and is_plain(value) and name in properties and not is_secret(properties[name])
    ]
    return not given and not left_out and alike(defaults, added)


def defaults_of(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults of the properties that have one."""
    return {name: each["default"] for name, each in properties.items() if "default" in members(each)}


def is_secret(schema: Any) -> bool:
    """Return whether a property holds a secret, which the API need not show."""
    found = members(schema)
    return bool(found.get("writeOnly") or found.get("x-cog-secret")) or found.get("format") == "password"


def without(shown: Any, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a shown input that were not sent."""
    return {name: value for name, value in members(shown).items() if name not in sent}


def threshold(date: str | None, now: datetime, elapsed: float) -> datetime:
    """Return the earliest time, by the API's clock, at which a job requested `elapsed` seconds ago may have started.

    `date` is the `Date` header of a response that has just arrived. Without one, `now` counts, this machine's time.
    """
    return shifted(http_date(date or "") or now, -timedelta(seconds=elapsed) - SLACK)


def recent(started: Any, since: datetime) -> bool:
    """Return whether a job was created at that time or later."""
    created = getattr(started, "created_at", None)
    if not isinstance(created, datetime) or not is_name(getattr(started, "id", None)):
        return False
    return utc(created) >= since
