"""The generated package is imported in parts: operations and models that are not used are not loaded."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from typing import Any

import pytest

import replicate_api
from replicate_api import api, models

NAMES = [module.name for module in pkgutil.walk_packages(api.__path__, f"{api.__name__}.")]
ENDPOINTS = [name for name in NAMES if name.count(".") == 3]


def imported(statement: str) -> set[str]:
    """Return the modules that a new interpreter has imported after a statement."""
    program = f"import sys\n{statement}\nimport json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


def test_importing_the_package_loads_no_part_of_it() -> None:
    """Importing the package imports none of its parts, nor what those need."""
    found = imported("import replicate_api, replicate_api.models")
    assert {name for name in found if name.startswith("replicate_api")} == {"replicate_api", "replicate_api.models"}
    assert not found & {"attrs", "attr", "httpx", "typing", "asyncio", "dateutil"}


def test_an_endpoint_imports_only_the_models_that_it_reads() -> None:
    """Building a request imports no model; parsing a response imports its model and nested ones, and never httpx."""
    build = "from replicate_api.api.predictions import predictions_get as e; e.build_request('x')"
    assert not {name for name in imported(build) if name.startswith(("replicate_api.models.", "httpx", "attr"))}
    found = imported(f"{build}; e.parse_response(b'{{}}')")
    assert {name.rpartition(".")[2] for name in found if name.startswith("replicate_api.models.")} == {
        "prediction",
        "prediction_metrics",
        "prediction_urls",
    }
    assert not found & {"httpx", "asyncio", "dateutil"}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_an_endpoint_is_two_functions(name: str) -> None:
    """An endpoint module has `build_request` and `parse_response`, with docstrings, and no other function."""
    module = importlib.import_module(name)
    assert module.__doc__
    functions = {key: value for key, value in vars(module).items() if callable(value) and value.__module__ == name}
    assert list(functions) == ["build_request", "parse_response"]
    assert all(function.__doc__ for function in functions.values())


def test_there_is_an_endpoint_for_each_operation() -> None:
    """Each operation has a module with its name, in a package with the name of its resource."""
    assert len(ENDPOINTS) == 36
    assert "replicate_api.api.webhooks.webhooks_default_secret_get" in ENDPOINTS
    assert "replicate_api.api.search.search" in ENDPOINTS
    assert all(name.split(".")[3].split("_")[0] == name.split(".")[2] for name in ENDPOINTS)


@pytest.mark.parametrize("name", models.__all__)
def test_a_model_is_available_by_name(name: str) -> None:
    """Each name of `models` is an attribute, is listed by `dir`, and is the same object every time."""
    found = getattr(models, name)
    assert found is getattr(models, name)
    assert name in dir(models)
    if isinstance(found, type):
        assert found.__name__ == name
        assert found.__doc__


@pytest.mark.parametrize("package", [replicate_api, models])
def test_an_unknown_name_is_an_attribute_error(package: Any) -> None:
    """A lazy package raises AttributeError for an unknown name, like any module."""
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018
    assert set(package.__all__) <= set(dir(package))


def test_the_parts_of_the_package_are_its_attributes() -> None:
    """After `import replicate_api`, its three parts are available as attributes."""
    program = "import replicate_api; replicate_api.models.Prediction; replicate_api.types.UNSET; replicate_api.api"
    assert "replicate_api.models.prediction" in imported(program)
