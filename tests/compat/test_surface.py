"""The public surface of six published versions: each module and public name, each call and its parameters.

A file beside this project holds the surface. If the file is absent, these tests do not run.
"""

from __future__ import annotations

import inspect
import json
from importlib import import_module
from inspect import Parameter
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import replicate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SURFACE = Path(__file__).parents[3] / "shared" / "api-surface.json"

pytestmark = pytest.mark.skipif(not SURFACE.exists(), reason="the published surface is not beside this project")

BY_NAME = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
BY_PLACE = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)

CODE_GENERATOR = "of the code generator that made version 2: it marks types for that client's own encoder"
LISTS = "it served version 2's own lists: client.get(path, cast_to=dict) gives a page, and its `next` the one after"
TOLERANT = "answers are always read tolerantly, so that there is nothing to make strict"
ONE_CONSTRUCTOR = "it passed arguments to the constructors of subclasses; a copy here is made without a constructor"
NO_PLATFORM = "no headers about the platform are sent"
A_TYPE = "it is a union of types, which nobody calls"

NO_NAMES: Mapping[str, str] = {
    "replicate.types.deployments.prediction_create_params.PropertyInfo": CODE_GENERATOR,
    "replicate.types.models.prediction_create_params.PropertyInfo": CODE_GENERATOR,
    "replicate.types.prediction_create_params.PropertyInfo": CODE_GENERATOR,
    "replicate.types.prediction_list_params.PropertyInfo": CODE_GENERATOR,
}
"""Names that do not exist any more, and the reasons."""

CLIENTS = ("Client", "Replicate", "AsyncReplicate")
NO_CALLS: Mapping[str, str] = {
    "replicate.ProxiesTypes": A_TYPE,
    **{f"{client}.get_api_list": LISTS for client in CLIENTS},
    **{f"{client}.platform_headers": NO_PLATFORM for client in CLIENTS},
}
"""Calls that do not exist any more, and the reasons."""

NO_PARAMETERS: Mapping[str, str] = {
    **{f"{client} _strict_response_validation": TOLERANT for client in CLIENTS},
    **{f"{client}.copy _extra_kwargs": ONE_CONSTRUCTOR for client in CLIENTS},
}
"""Parameters that do not exist any more, and the reasons."""


class Call(NamedTuple):
    """A call of a published version."""

    version: str
    name: str
    parameters: list[tuple[str, str, str]]
    """Name, kind (`any`, `kw`, `pos`, `*`, `**`) and optionality of each parameter."""

    @property
    def keywords(self) -> list[str]:
        """The names of the parameters that can be passed by keyword."""
        return [name for name, kind, _ in self.parameters if kind in ("any", "kw")]

    @property
    def positions(self) -> int:
        """The number of parameters that can be passed by position."""
        return sum(kind in ("any", "pos") for _, kind, _ in self.parameters)


def surface() -> dict[str, Any]:
    """Read the file."""
    read: dict[str, Any] = json.loads(SURFACE.read_text("utf-8"))
    return read


def calls() -> Iterator[Call]:
    """Yield every call of every version."""
    for version, offers in surface().items():
        for name, parameters in offers["calls"].items():
            yield Call(version, name, parameters)


def missing(offered: Mapping[str, Any], reasons: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the names that are missing without a reason, and the reasons that are not needed (any more)."""
    absent = {name for name, found in offered.items() if not found}
    return sorted(absent - reasons.keys()), sorted(reasons.keys() - absent)


def test_there_is_something_to_compare() -> None:
    """The file holds the six versions, each with modules and calls."""
    assert len(surface()) == 6
    assert all(offers["modules"] and offers["calls"] for offers in surface().values())


def test_every_module_and_name() -> None:
    """Every module can be imported and has its public names, except the listed ones, which are all absent."""
    offered = {
        f"{module}.{name}": hasattr(import_module(module), name)
        for offers in surface().values()
        for module, names in offers["modules"].items()
        for name in [*names, "__doc__"]
    }
    assert missing(offered, NO_NAMES) == ([], [])


@pytest.fixture
def callables() -> Iterator[dict[str, Any]]:
    """Return every call that exists, by name; None for one that does not."""
    with replicate.Client("t") as client, replicate.Replicate(bearer_token="t") as replicate_client:
        owners: dict[str, Any] = {
            "AsyncReplicate": replicate.AsyncReplicate(bearer_token="t"),
            "Client": client,
            "Replicate": replicate_client,
            "replicate": replicate,
        }

        def found(name: str) -> Any:
            owner, _, rest = name.partition(".")
            what: Any = getattr(replicate, owner) if not rest else None
            try:
                what = what or attrgetter(rest)(owners[owner])
            except AttributeError:
                return None
            return what if callable(what) else None

        yield {call.name: found(call.name) for call in calls()}


def test_every_call(callables: dict[str, Any]) -> None:
    """Every call can still be made, except the listed ones, which are all absent."""
    assert missing(callables, NO_CALLS) == ([], [])


def test_every_parameter(callables: dict[str, Any]) -> None:
    """Every call takes every keyword it took, and as many positions; the listed exceptions are all needed."""
    offered: dict[str, bool] = {}
    for call in calls():
        if callables[call.name] is None:
            continue
        takes = inspect.signature(callables[call.name]).parameters.values()
        kinds = {each.kind for each in takes}
        by_name = {
            each.name for each in takes if each.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
        }
        places = sum(each.kind in (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD) for each in takes)
        for name in call.keywords:
            offered[f"{call.name} {name}"] = name in by_name
        enough = places >= call.positions or Parameter.VAR_POSITIONAL in kinds
        offered[f"{call.name} takes {call.positions} by position"] = enough
    assert missing(offered, NO_PARAMETERS) == ([], [])
