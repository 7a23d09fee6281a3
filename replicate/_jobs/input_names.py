"""Refuse or warn of input names that a model does not have, and suggest the intended name."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from typing import TYPE_CHECKING

from replicate._http import log
from replicate._jobs.options import RunOptions
from replicate._models.descriptions import memory
from replicate.exceptions import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from replicate._http.session import Session
    from replicate._models.descriptions import Description
    from replicate._models.reference import Reference

NOT_INPUTS = {*RunOptions.__annotations__, "input", "streaming", "use_async", "validate"}
"""Options of calls that may have been mistaken for inputs of a model."""


def unknown_names(names: Iterable[str], description: Description) -> list[str]:
    """Return the input names that a model does not have."""
    known = description.inputs
    return [name for name in names if name not in known] if known else []


def check_names(reference: Reference, names: Iterable[str], description: Description) -> None:
    """Raise InputError for an input that the model does not have: the API would silently ignore it."""
    for name in unknown_names(names, description):
        raise InputError(f"{reference} has no input {name!r}; {advice(name, description)}")


def warn_of_names(session: Session[Any], reference: Reference, names: Iterable[str], description: Description) -> None:
    """Warn of each input that a model does not have, once per model and name."""
    warned = memory(session).warned
    for name in unknown_names(names, description):
        if (key := (str(reference), name)) not in warned:
            warned[key] = None
            message = f"{reference} has no input {name!r}; {advice(name, description)} It is sent all the same."
            log.warn(message, stacklevel=caller())


def caller() -> int:
    """Return the `stacklevel` of the first frame outside this package, for a warning to point at."""
    level, frame = 1, inspect.currentframe()
    frame = frame and frame.f_back
    while frame and frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "replicate":
        level, frame = level + 1, frame.f_back
    return level


def advice(name: str, description: Description) -> str:
    """Return a hint for an input name that does not exist: what was probably meant."""
    known = description.inputs
    if name in NOT_INPUTS:
        return f"{name}= is an option of run() and use() themselves. The model has {listed(known)}."
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"it has {listed(known)}."


def listed(names: Iterable[str]) -> str:
    """Join the input names of a model."""
    return ", ".join(sorted(names))
