"""The annotations of everything public resolve to types at run time, for the tools that read them."""

from __future__ import annotations

import inspect
import pkgutil
import subprocess
import sys
import typing
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

import replicate
import replicate.resources
import replicate.types
from replicate import _annotations
from replicate._dual.async_names import AsyncNames
from replicate._flows.use import AsyncFunction, Function, Run
from replicate.resources.models import Models
from replicate.resources.predictions import EventStream, Prediction, Predictions
from replicate_api.types import UNSET, Unset

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCKING, ASYNC = replicate.Client(api_token="r8_types"), replicate.AsyncReplicate(bearer_token="r8_types")


def is_ours(value: Any) -> bool:
    """Return whether something is defined in this project."""
    return str(getattr(value, "__module__", None)).partition(".")[0] in ("replicate", "replicate_api")


def public_classes() -> Iterator[type]:
    """Yield the classes that programs use."""
    for package in (replicate, replicate.types):
        yield from (value for name in package.__all__ if isinstance(value := getattr(package, name), type))
    for package in (replicate.resources, replicate.types):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            for value in vars(import_module(info.name)).values():
                if isinstance(value, type) and (issubclass(value, AsyncNames) or typing.is_typeddict(value)):
                    yield value
    yield from (Function, AsyncFunction, Run, EventStream)


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield the functions of a class that are defined in this project, and those of its properties."""
    for name in sorted({name for kind in cls.__mro__ if is_ours(kind) for name in vars(kind)}):
        if name.startswith("_") and name != "__init__":
            continue
        raw = inspect.getattr_static(cls, name)
        value = raw.fget if isinstance(raw, property) else raw.func if isinstance(raw, cached_property) else None
        value = value or getattr(cls, name, None)
        if inspect.isroutine(value) and is_ours(value):
            yield f"{cls.__name__}.{name}", value


def methods(owner: Any, label: str) -> Iterator[tuple[str, Any]]:
    """Yield the methods of a client and of its namespaces."""
    for name in dir(owner):
        if name.startswith(("_", "with_raw_response", "with_streaming_response")):
            continue
        value = getattr(owner, name)
        if inspect.ismethod(value):
            yield f"{label}.{name}", value
        elif isinstance(value, AsyncNames):
            yield from methods(value, f"{label}.{name}")


CLASSES = {f"{cls.__module__}.{cls.__qualname__}": cls for cls in public_classes() if is_ours(cls)}
FUNCTIONS = {
    name: value for name in replicate.__all__ if inspect.isroutine(value := getattr(replicate, name)) and is_ours(value)
}
METHODS = {
    **dict(each for cls in CLASSES.values() for each in members(cls)),
    **dict(methods(BLOCKING, "client")),
    **dict(methods(ASYNC, "async_client")),
}


def check(value: Any) -> None:
    """Read the annotations in each of the three ways; none may leave an unresolved name."""
    for hints in (typing.get_type_hints(value), inspect.get_annotations(value, eval_str=True)):
        assert not [name for name, hint in hints.items() if isinstance(hint, str)]
    if not inspect.isroutine(value):
        return
    for parameter in inspect.signature(value, eval_str=True).parameters.values():
        assert not isinstance(parameter.annotation, str), parameter


def test_the_tables_are_not_empty() -> None:
    """The tables have the expected public names."""
    assert {"replicate.client.Replicate", "replicate.exceptions.ModelError", "replicate._objects.page.Page"} <= {
        *CLASSES
    }
    assert {"run", "use", "stream", "paginate", "async_run", "search"} <= {*FUNCTIONS}
    assert {"client.predictions.get", "async_client.models.search", "Prediction.wait"} <= {*METHODS}


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES.keys())
def test_classes(cls: type) -> None:
    """The attributes of a class have types."""
    check(cls)


@pytest.mark.parametrize("name", ["DataRemovedError", "ModelError", "PredictionCanceled", "PredictionTimeout"])
def test_what_errors_carry(name: str) -> None:
    """The prediction of an error has its public class."""
    assert typing.get_type_hints(getattr(replicate, name))["prediction"] == Prediction[Any]


@pytest.mark.parametrize("function", [*FUNCTIONS.values(), *METHODS.values()], ids=[*FUNCTIONS, *METHODS])
def test_functions_and_methods(function: Any) -> None:
    """The parameters and the result of a function or method have types."""
    check(function)


@pytest.mark.parametrize("name", [name for name in METHODS if name.startswith(("client.", "async_client."))])
def test_hints_and_signature_agree(name: str) -> None:
    """The type hints of a method are the types in its signature."""
    method = METHODS[name]
    signature, hints = inspect.signature(method), typing.get_type_hints(method, include_extras=True)
    hints.pop("self", None)
    given = hints.pop("return", None)
    named = {each.name: each for each in signature.parameters.values() if each.annotation is not each.empty}
    assert {*hints} == {*named}
    for word, hint in hints.items():
        assert hint == (type(None) if named[word].annotation is None else named[word].annotation)
    assert given in (signature.return_annotation, type(None))


@pytest.mark.parametrize("method", [Predictions.get, BLOCKING.predictions.get, ASYNC.predictions.get])
def test_the_keywords_of_an_option_dict(method: Any) -> None:
    """A method that unpacks a TypedDict has a hint for each of its keywords, as its signature shows them."""
    hints = typing.get_type_hints(method)
    assert hints["timeout"] == float | None
    assert hints["prediction"] == str | Prediction[Any] | Unset
    assert hints["extra_headers"] == Mapping[str, str] | None
    assert typing.get_origin(hints["return"]) is Prediction


def test_an_option_that_is_unset() -> None:
    """The type of an option includes Unset, unless it is Any or includes None; that of a callback always does."""
    parameters = inspect.signature(BLOCKING.run).parameters
    assert parameters["max_retries"].annotation == int | Unset
    assert parameters["timeout"].annotation == float | None
    assert parameters["on_update"].annotation == Callable[[replicate.Prediction], object] | None | Unset
    assert parameters["ref"].annotation is Any
    assert parameters["ref"].default is UNSET


def test_a_signature_is_shown_as_it_is_written() -> None:
    """The text of a signature has the annotations of the source, which are shorter than the resolved types."""
    signature = inspect.signature(Models.get)
    assert "timeout: 'float | httpx.Timeout | None' = UNSET" in str(signature)
    assert str(signature).endswith("-> 'Model[C]'")
    assert str(inspect.signature(BLOCKING.models.get)).endswith("-> 'Model[C]'")


def test_an_annotation_that_cannot_be_resolved() -> None:
    """An annotation with an unknown name stays text, and the function's others are resolved."""

    def function(model: _annotations.Names, other: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    hints = _annotations.resolve_lazily(function).__annotations__
    assert dict(hints) == {"model": _annotations.Names, "other": "Nowhere", "return": None}


def test_hints_are_a_dict() -> None:
    """Annotations behave like any dict."""

    def fresh() -> Any:
        def function(number: int, text: str = "") -> bool: ...  # type: ignore[empty-body]

        return _annotations.resolve_lazily(function).__annotations__

    expected = {"number": int, "text": str, "return": bool}
    assert fresh() == expected
    assert {**fresh()} == expected
    assert dict(fresh()) == expected
    assert fresh().copy() == expected
    assert [*fresh().items()] == [*expected.items()]
    assert [*fresh().values()] == [*expected.values()]
    assert [*fresh()] == [*fresh().keys()] == [*expected]
    assert fresh()["number"] is fresh().get("number") is int
    assert len(fresh()) == 3
    assert "text" in fresh()
    assert repr(fresh()) == repr(expected)


@pytest.mark.parametrize(
    "code",
    [
        "import replicate; replicate.Client(api_token='x').predictions.get; replicate.Client.run",
        "import replicate; import replicate.exceptions; replicate.FileOutput; replicate.use",
    ],
)
def test_annotations_are_resolved_only_when_read(code: str) -> None:
    """Importing and using the package reads no source, and loads neither typing_extensions nor pydantic."""
    late = "assert not {'typing_extensions', 'pydantic', 'pydantic_core'} & {*sys.modules}, 'loaded'"
    code = f"import sys; {code}; from replicate import _annotations; assert not _annotations.KNOWN, 'read'; {late}"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)
