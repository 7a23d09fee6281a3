"""The nouns of the API, one a file: their operations, and the objects that these answer with.

Version 2 had two classes for the operations on a noun. `PredictionsResource` and `AsyncPredictionsResource` are both
names of the one that there is. `PredictionsResourceWithRawResponse` and the like are names of one class for all nouns.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for typing's, which costs an import
if TYPE_CHECKING:
    from typing import Any

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
_NOUNS = {module for module, _ in _HOMES.values()}

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


class WithRawResponse:
    """Version 2's name for what gives whole answers: `WithRawResponse(noun)` is `noun.with_raw_response`."""

    def __new__(cls, noun: Any) -> Any:
        """Give the noun's methods, for whole answers."""
        return noun.with_raw_response


class WithStreamingResponse:
    """Version 2's name for what streams answers: `WithStreamingResponse(noun)` is `noun.with_streaming_response`."""

    def __new__(cls, noun: Any) -> Any:
        """Give the noun's methods, for answers that are streamed."""
        return noun.with_streaming_response


_WHOLE = {kind.__name__: kind for kind in (WithRawResponse, WithStreamingResponse)}


def __getattr__(name: str) -> object:
    """Load a class, or the module of a noun, on first use (PEP 562)."""
    from importlib import import_module

    if name in _NOUNS:
        return import_module(f"{__name__}.{name}")
    noun, found, whole = name.removeprefix("Async").partition("With")
    if noun not in _HOMES or (found and f"With{whole}" not in _WHOLE):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if found:
        return _WHOLE[f"With{whole}"]
    module, kind = _HOMES[noun]
    return getattr(import_module(f"{__name__}.{module}"), kind)
