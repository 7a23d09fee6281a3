"""The generated package is imported by parts: nobody pays for an operation or object that they do not use."""

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
    """Give the modules that a new interpreter has imported after a statement."""
    program = f"import sys\n{statement}\nimport json\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path[:0] = {sys.path!r}\n{program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


def test_the_package_costs_next_to_nothing() -> None:
    """Importing the package imports no part of it, nor what those parts need."""
    found = imported("import replicate_api, replicate_api.models")
    assert {name for name in found if name.startswith("replicate_api")} == {"replicate_api", "replicate_api.models"}
    assert not found & {"attrs", "attr", "httpx", "typing", "asyncio", "dateutil"}


def test_an_endpoint_imports_the_models_that_it_reads_and_no_http_client() -> None:
    """Building a request imports no model; reading an answer imports that model and what it is made of."""
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
    """An endpoint module offers `build_request` and `parse_response`, documented, and nothing else."""
    module = importlib.import_module(name)
    assert module.__doc__
    functions = {key: value for key, value in vars(module).items() if callable(value) and value.__module__ == name}
    assert list(functions) == ["build_request", "parse_response"]
    assert all(function.__doc__ for function in functions.values())


def test_there_is_an_endpoint_for_each_operation() -> None:
    """The modules are named after the operations, in a package named after the operation's noun."""
    assert len(ENDPOINTS) == 36
    assert "replicate_api.api.webhooks.webhooks_default_secret_get" in ENDPOINTS
    assert "replicate_api.api.search.search" in ENDPOINTS
    assert all(name.split(".")[3].split("_")[0] == name.split(".")[2] for name in ENDPOINTS)


@pytest.mark.parametrize("name", models.__all__)
def test_a_model_is_there_by_name(name: str) -> None:
    """Each name of `models` is found as an attribute, listed by `dir`, and the same object every time."""
    found = getattr(models, name)
    assert found is getattr(models, name)
    assert name in dir(models)
    if isinstance(found, type):
        assert found.__name__ == name
        assert found.__doc__


@pytest.mark.parametrize("package", [replicate_api, models])
def test_a_name_that_is_not_there_is_an_attribute_error(package: Any) -> None:
    """A lazy package answers an unknown name as any module does."""
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018
    assert set(package.__all__) <= set(dir(package))


def test_the_parts_of_the_package_are_its_attributes() -> None:
    """After `import replicate_api`, its three parts can be reached from it."""
    program = "import replicate_api; replicate_api.models.Prediction; replicate_api.types.UNSET; replicate_api.api"
    assert "replicate_api.models.prediction" in imported(program)
