"""Where earlier versions kept their public names, and the modules of those paths: made when somebody imports one.

`from replicate.helpers import FileOutput` finds no file of that name. The import system then asks the package itself
(see its `find_spec`), which asks `find`. The module it gets looks each name up when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

_USE = {
    "replicate": "use",
    "replicate._compat.version2": "get_path_url",
    "replicate._data.outputs": "URLPath=FileOutput",
    "replicate._flows.output": "AsyncOutputIterator OutputIterator SyncOutputIterator",
    "replicate._flows.use": "AsyncFunction AsyncRun=Run Function Run",
}

PATHS: Mapping[str, Mapping[str, str]] = {
    "__about__": {"replicate._version": "__version__"},
    "account": {"replicate.resources.account": "Account Accounts"},
    "collection": {"replicate.resources.collections": "Collection Collections"},
    "deployment": {
        "replicate.resources.deployments": "Deployment DeploymentPredictions Deployments DeploymentsPredictions"
    },
    "file": {"replicate._data.inputs": "FileEncodingStrategy", "replicate.resources.files": "File Files"},
    "hardware": {"replicate.resources.hardware": "Hardware HardwareNamespace"},
    "helpers": {
        "replicate._compat.version1": "async_encode_json base64_encode_file encode_json transform_output",
        "replicate._data.outputs": "FileOutput",
    },
    "identifier": {"replicate._data.reference": "ModelVersionIdentifier"},
    "lib": {},
    "lib._predictions_use": _USE,
    "model": {"replicate.resources.models": "Model Models ModelsPredictions=ModelPredictions"},
    "pagination": {
        "replicate": "async_paginate paginate",
        "replicate._core.page": "AsyncCursorURLPage=Page AsyncCursorURLPageWithCreatedFilters=Page Page PageInfo "
        "SyncCursorURLPage=Page SyncCursorURLPageWithCreatedFilters=Page",
    },
    "prediction": {"replicate.resources.predictions": "Prediction Predictions"},
    "resource": {"replicate._core.resource": "Namespace Resource"},
    "run": {"replicate._compat.version1": "async_run run"},
    "schema": {"replicate._compat.version1": "make_schema_backwards_compatible version_has_no_array_type"},
    "stream": {
        "replicate._compat.version1": "EventSource async_stream stream",
        "replicate._core.sse": "ServerSentEvent",
    },
    "training": {"replicate.resources.trainings": "Training Trainings"},
    "types.webhooks": {},
    "types.webhooks.default": {"replicate.resources.webhooks": "SecretGetResponse=WebhookSigningSecret"},
    "use": _USE,
    "version": {"replicate.resources.versions": "Version Versions"},
}
"""The paths below `replicate`, and under each the modules that have its names now; `Old=New` where a name changed."""


class Moved(Loader):
    """Fills a module with names that live elsewhere."""

    def __init__(self, names: Mapping[str, tuple[str, str]]) -> None:
        self.names = names

    def exec_module(self, module: ModuleType) -> None:
        """Let a module look its names up when they are first used (PEP 562)."""

        def look_up(name: str) -> Any:
            if name not in self.names:
                raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
            home, new = self.names[name]
            return module.__dict__.setdefault(name, getattr(import_module(home), new))

        module.__dict__.update(
            __doc__="A path of earlier versions; its names live elsewhere.",
            __all__=sorted(self.names),
            __dir__=lambda: sorted({*module.__dict__, *self.names}),
            __getattr__=look_up,
        )


def find(fullname: str) -> ModuleSpec | None:
    """Give the import system a module of an earlier version; None if there was none of that name."""
    path = fullname.partition(".")[2]
    if path not in PATHS:
        return None
    names: dict[str, tuple[str, str]] = {}
    for home, listed in PATHS[path].items():
        for entry in listed.split():
            name, _, new = entry.partition("=")
            names[name] = home, new or name
    is_package = any(other.startswith(f"{path}.") for other in PATHS)
    return ModuleSpec(fullname, Moved(names), is_package=is_package)
