"""The nouns of the API, one a file: their operations, and the objects that these answer with.

Version 2 had two classes for the operations on a noun. `PredictionsResource` and `AsyncPredictionsResource` are both
names of the one that there is.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for typing's, which costs an import
if TYPE_CHECKING:
    from replicate.resources.account import Accounts as AccountResource
    from replicate.resources.account import Accounts as AsyncAccountResource
    from replicate.resources.collections import Collections as AsyncCollectionsResource
    from replicate.resources.collections import Collections as CollectionsResource
    from replicate.resources.deployments import Deployments as AsyncDeploymentsResource
    from replicate.resources.deployments import Deployments as DeploymentsResource
    from replicate.resources.files import Files as AsyncFilesResource
    from replicate.resources.files import Files as FilesResource
    from replicate.resources.hardware import HardwareNamespace as AsyncHardwareResource
    from replicate.resources.hardware import HardwareNamespace as HardwareResource
    from replicate.resources.models import Models as AsyncModelsResource
    from replicate.resources.models import Models as ModelsResource
    from replicate.resources.predictions import Predictions as AsyncPredictionsResource
    from replicate.resources.predictions import Predictions as PredictionsResource
    from replicate.resources.trainings import Trainings as AsyncTrainingsResource
    from replicate.resources.trainings import Trainings as TrainingsResource
    from replicate.resources.webhooks import Webhooks as AsyncWebhooksResource
    from replicate.resources.webhooks import Webhooks as WebhooksResource

_HOMES = {
    "AccountResource": ("account", "Accounts"),
    "CollectionsResource": ("collections", "Collections"),
    "DeploymentsResource": ("deployments", "Deployments"),
    "FilesResource": ("files", "Files"),
    "HardwareResource": ("hardware", "HardwareNamespace"),
    "ModelsResource": ("models", "Models"),
    "PredictionsResource": ("predictions", "Predictions"),
    "TrainingsResource": ("trainings", "Trainings"),
    "WebhooksResource": ("webhooks", "Webhooks"),
}

__all__ = [
    "AccountResource",
    "AsyncAccountResource",
    "AsyncCollectionsResource",
    "AsyncDeploymentsResource",
    "AsyncFilesResource",
    "AsyncHardwareResource",
    "AsyncModelsResource",
    "AsyncPredictionsResource",
    "AsyncTrainingsResource",
    "AsyncWebhooksResource",
    "CollectionsResource",
    "DeploymentsResource",
    "FilesResource",
    "HardwareResource",
    "ModelsResource",
    "PredictionsResource",
    "TrainingsResource",
    "WebhooksResource",
]


def __getattr__(name: str) -> object:
    """Load a class on first use (PEP 562)."""
    if name.removeprefix("Async") not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, kind = _HOMES[name.removeprefix("Async")]
    return getattr(import_module(f"{__name__}.{module}"), kind)
