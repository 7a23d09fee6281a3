"""The import paths of earlier versions resolve to this version's modules, and replace nothing."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest

import replicate
from replicate._compat.paths import PATHS, WIDENED, targets

PUBLIC_AND_PATH = sorted({path for path in PATHS if "." not in path} & set(replicate.__all__))


def fresh(code: str) -> str:
    """Run code in a new process, and return what it prints."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


@pytest.mark.parametrize("path", PATHS)
def test_every_path_has_its_names(path: str) -> None:
    """Each module of earlier versions can be imported, and none of its names is None."""
    module = import_module(f"replicate.{path}")
    assert sorted({*module.__all__} - {*dir(module)}) == []
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match=rf"module 'replicate.{path}' has no attribute 'nonsense'"):
        module.nonsense  # noqa: B018


@pytest.mark.parametrize("path", WIDENED)
def test_every_file_has_its_earlier_names(path: str) -> None:
    """Each module that exists as a file also has the names that it had in earlier versions, and lists them."""
    module = import_module(f"replicate.{path}")
    for name in targets(WIDENED[path]):
        assert getattr(module, name) is not None
        assert name in dir(module)


def test_all_forms_of_import() -> None:
    """`import a.b`, `from a.b import c`, `from a import b`, `import a.b as c` and `from a.b import *` work."""
    code = """
import replicate.helpers
import replicate.prediction as p
import replicate.lib._predictions_use
from replicate.stream import ServerSentEvent
from replicate import pagination
from replicate.schema import *
print(replicate.helpers.FileOutput is replicate.FileOutput, p.Prediction is replicate.Prediction,
      replicate.lib._predictions_use.get_path_url is replicate.get_path_url, callable(version_has_no_array_type),
      ServerSentEvent is replicate.ServerSentEvent, pagination.Page is replicate.Page)
"""
    assert fresh(code).split() == ["True"] * 6


@pytest.mark.parametrize("path", PUBLIC_AND_PATH)
def test_a_path_never_replaces_a_name(path: str) -> None:
    """After `import replicate.run`, `replicate.run` is still the function; the same holds for every such name."""
    code = (
        f"import replicate; before = replicate.{path}; import replicate.{path}; import sys;"
        f"print(repr(replicate.{path})[:20] == repr(before)[:20], 'replicate.{path}' in sys.modules);"
        f"from replicate import {path} as name; print(repr(name)[:20] == repr(before)[:20])"
    )
    assert fresh(code).split() == ["True"] * 3
    assert fresh(f"import replicate.{path}; print(type(replicate.{path}).__name__)") != "module"


def test_submodules_are_attributes_before_they_are_imported() -> None:
    """`replicate.exceptions` and the like are attributes as soon as `replicate` has been imported."""
    code = "import replicate; print(replicate.exceptions.ModelError, replicate.helpers.FileOutput, replicate.types)"
    assert "ModelError" in fresh(code)


def test_reloading() -> None:
    """A module of an earlier path, and the package itself, can be reloaded."""
    module = import_module("replicate.helpers")
    assert importlib.reload(module).FileOutput is replicate.FileOutput
    code = (
        "import importlib, sys, replicate; number = len(sys.meta_path); client = replicate.default_client;"
        "importlib.reload(replicate); print(len(sys.meta_path) == number, replicate.default_client is client)"
    )
    assert fresh(code).split() == ["True", "True"]


def test_pickles_by_earlier_paths() -> None:
    """A class that was pickled by its earlier path is found, and is pickled by its present one."""
    by_path = b"creplicate.prediction\nPrediction\n."
    assert pickle.loads(by_path) is replicate.Prediction
    assert b"resources" in pickle.dumps(replicate.Prediction)


def test_an_unknown_path() -> None:
    """A path that no version had is not found."""
    with pytest.raises(ModuleNotFoundError, match=r"replicate\.nonsense"):
        import_module("replicate.nonsense")
    assert not hasattr(replicate, "nonsense")


def test_types() -> None:
    """`replicate.types` has its names, several for one class; an unknown name is an AttributeError."""
    from replicate.types.webhooks.default import SecretGetResponse

    from replicate import types
    from replicate.types import deployments, models

    for name in types.__all__:
        assert getattr(types, name) is not None
        assert name in dir(types)
    assert types.ModelGetResponse is types.ModelListResponse is replicate.Model
    assert models.VersionGetResponse is replicate.Version
    assert deployments.PredictionCreateParams.__required_keys__ >= {"deployment_owner", "deployment_name"}
    assert SecretGetResponse.__name__ == "WebhookSigningSecret"
    with pytest.raises(AttributeError):
        types.NonsenseResponse  # noqa: B018


def test_classes_of_operations() -> None:
    """Version 2's two classes for each resource are one class now."""
    resources = import_module("replicate.resources")
    with replicate.Client("t") as client:
        assert isinstance(client.predictions, resources.PredictionsResource)
    assert resources.AsyncPredictionsResource is resources.PredictionsResource
    for name in resources.__all__:
        assert isinstance(getattr(resources, name), type)
    with pytest.raises(AttributeError):
        resources.NonsenseResource  # noqa: B018


def test_one_sentinel() -> None:
    """Every name for "not given" refers to the same object."""
    names: Any = replicate
    assert names.NOT_GIVEN is names.not_given is names.omit
    assert isinstance(names.omit, names.Omit)
    assert isinstance(names.not_given, names.NotGiven)


def test_the_sentinel_means_absent() -> None:
    """A client and a request treat the sentinel as an absent argument."""
    with replicate.Client("t", timeout=replicate.NOT_GIVEN) as client:
        assert client._session.config.timeout == replicate.DEFAULT_TIMEOUT
