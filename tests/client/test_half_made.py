"""An object whose constructor raised can be shown: debuggers and error trackers call `repr` of all local variables."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Any

import pytest

import replicate
from replicate import AsyncReplicate, Client, FileOutput, Page, Prediction, Replicate, ReplicateException
from replicate.exceptions import PredictionTimeout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEVER_HALF_MADE = ("replicate._annotations", "replicate._dual.signatures", "replicate._http.log")
"""Their classes are made of complete values only."""


def classes() -> Iterator[type[Any]]:
    """Yield all errors, and all classes with a `__repr__` of this package that is written by hand."""
    names = [found.name for found in pkgutil.walk_packages(replicate.__path__, "replicate.")]
    for name in (name for name in names if not name.startswith(("replicate.local", *NEVER_HALF_MADE))):
        for kind in vars(importlib.import_module(name)).values():
            if isinstance(kind, type) and name in (kind.__module__, "replicate.exceptions"):
                code = getattr(kind.__repr__, "__code__", None)
                if issubclass(kind, ReplicateException) or (
                    code and code.co_filename.endswith(".py") and "replicate" in code.co_filename
                ):
                    yield kind


def half_made(kind: type[Any]) -> Any:
    """Make an object without its constructor."""
    try:
        return kind.__new__(kind)
    except TypeError:  # its `__new__` takes arguments
        return object.__new__(kind)


def test_objects_that_are_half_made_can_be_shown() -> None:
    """`repr`, `str` and `bool` of an object without any attributes do not raise."""
    found = {*classes()}
    assert {Replicate, AsyncReplicate, Client, Prediction, Page, FileOutput, PredictionTimeout} <= found
    assert len(found) > 90
    for kind in found:
        made = half_made(kind)
        assert repr(made), kind
        assert isinstance(str(made), str), kind
        assert isinstance(bool(made), bool)


CALLS: dict[str, Callable[[], object]] = {
    "Replicate": lambda: Replicate(bearer_token="t", timeout="x"),  # type: ignore[arg-type]
    "AsyncReplicate": lambda: AsyncReplicate(bearer_token="t", max_retries=-1),
    "Client": lambda: Client(api_token="t", headers={"A": "b\nc"}),
    "copy": lambda: Replicate(bearer_token="t").copy(base_url="x"),
    "use": lambda: Replicate(bearer_token="t").use("no model"),
    "run": lambda: Replicate(bearer_token="t").run("a/b", {"c": object()}),
    "stream": lambda: Replicate(bearer_token="t").stream("a/b", timeout="x"),  # type: ignore[arg-type]
    "FileOutput": lambda: FileOutput("x:y").read(),
    "PredictionTimeout": lambda: PredictionTimeout(None, 5),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", CALLS)
def test_the_local_variables_of_a_call_that_raises_can_be_shown(name: str) -> None:
    """Every local variable in every frame has a repr."""
    with pytest.raises((ReplicateException, TypeError, ValueError, AttributeError)) as caught:
        CALLS[name]()
    shown = 0
    trace = caught.value.__traceback__
    while trace:
        for value in trace.tb_frame.f_locals.values():
            shown += bool(repr(value))
        trace = trace.tb_next
    assert shown
