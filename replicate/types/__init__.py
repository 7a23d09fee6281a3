"""Types of responses and arguments under version 2's names. Each noun has one class, whatever the operation.

They are loaded on first use.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers know the name, and importing typing takes time
if TYPE_CHECKING:
    from builtins import list as HardwareListResponse  # noqa: N812 - a type's name

    from replicate._http.options import RequestOptions
    from replicate.resources.account import Account as AccountGetResponse
    from replicate.resources.collections import Collection as CollectionGetResponse
    from replicate.resources.collections import Collection as CollectionListResponse
    from replicate.resources.deployments import Deployment as DeploymentCreateResponse
    from replicate.resources.deployments import Deployment as DeploymentGetResponse
    from replicate.resources.deployments import Deployment as DeploymentListResponse
    from replicate.resources.deployments import Deployment as DeploymentUpdateResponse
    from replicate.resources.files import File as FileCreateResponse
    from replicate.resources.files import File as FileGetResponse
    from replicate.resources.files import File as FileListResponse
    from replicate.resources.hardware import Hardware as HardwareListResponseItem
    from replicate.resources.models import Model as ModelCreateResponse
    from replicate.resources.models import Model as ModelGetResponse
    from replicate.resources.models import Model as ModelListResponse
    from replicate.resources.models import Model as ModelSearchResponse
    from replicate.resources.models import Model as ModelUpdateResponse
    from replicate.resources.predictions import Prediction
    from replicate.resources.search import SearchResults as SearchResponse
    from replicate.resources.trainings import Training as TrainingCancelResponse
    from replicate.resources.trainings import Training as TrainingCreateResponse
    from replicate.resources.trainings import Training as TrainingGetResponse
    from replicate.resources.trainings import Training as TrainingListResponse
    from replicate.types.params import (
        ClientSearchParams,
        DeploymentCreateParams,
        DeploymentUpdateParams,
        FileCreateParams,
        FileDownloadParams,
        ModelCreateParams,
        ModelListParams,
        ModelSearchParams,
        ModelUpdateParams,
        PredictionCreateParams,
        PredictionCreateParamsWithoutVersion,
        PredictionListParams,
        TrainingCreateParams,
    )

_HOMES = {
    "replicate._http.options": "RequestOptions",
    "replicate.resources.account": "AccountGetResponse=Account",
    "replicate.resources.collections": "CollectionGetResponse=Collection CollectionListResponse=Collection",
    "replicate.resources.deployments": "DeploymentCreateResponse=Deployment DeploymentGetResponse=Deployment "
    "DeploymentListResponse=Deployment DeploymentUpdateResponse=Deployment",
    "replicate.resources.files": "FileCreateResponse=File FileGetResponse=File FileListResponse=File",
    "replicate.resources.hardware": "HardwareListResponseItem=Hardware",
    "replicate.resources.models": "ModelCreateResponse=Model ModelGetResponse=Model ModelListResponse=Model "
    "ModelSearchResponse=Model ModelUpdateResponse=Model",
    "replicate.resources.predictions": "Prediction",
    "replicate.resources.trainings": "TrainingCancelResponse=Training TrainingCreateResponse=Training "
    "TrainingGetResponse=Training TrainingListResponse=Training",
    "replicate.types.params": "ClientSearchParams DeploymentCreateParams DeploymentUpdateParams "
    "FileCreateParams FileDownloadParams ModelCreateParams ModelListParams "
    "ModelSearchParams ModelUpdateParams PredictionCreateParams "
    "PredictionCreateParamsWithoutVersion PredictionListParams TrainingCreateParams",
    "replicate.resources.search": "SearchResponse=SearchResults",
    "builtins": "HardwareListResponse=list",
}
_HOME_OF = {
    name: (module, other or name)
    for module, names in _HOMES.items()
    for name, _, other in (entry.partition("=") for entry in names.split())
}
_SUBMODULES = ("deployments", "models", "params")

# fmt: off
__all__ = [
    "AccountGetResponse", "ClientSearchParams", "CollectionGetResponse", "CollectionListResponse",
    "DeploymentCreateParams", "DeploymentCreateResponse", "DeploymentGetResponse", "DeploymentListResponse",
    "DeploymentUpdateParams", "DeploymentUpdateResponse", "FileCreateParams", "FileCreateResponse",
    "FileDownloadParams", "FileGetResponse", "FileListResponse", "HardwareListResponse", "HardwareListResponseItem",
    "ModelCreateParams", "ModelCreateResponse", "ModelGetResponse", "ModelListParams", "ModelListResponse",
    "ModelSearchParams", "ModelSearchResponse", "ModelUpdateParams", "ModelUpdateResponse", "Prediction",
    "PredictionCreateParams", "PredictionCreateParamsWithoutVersion", "PredictionListParams", "RequestOptions",
    "SearchResponse", "TrainingCancelResponse", "TrainingCreateParams", "TrainingCreateResponse",
    "TrainingGetResponse", "TrainingListResponse",
]
# fmt: on


def __getattr__(name: str) -> object:
    """Load a type, or a module of types, on first use (PEP 562)."""
    from importlib import import_module

    if name not in _HOME_OF:
        from importlib.util import find_spec

        if name in _SUBMODULES or (not name.startswith("_") and find_spec(f"{__name__}.{name}")):
            return import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, other = _HOME_OF[name]
    return globals().setdefault(name, getattr(import_module(module), other))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
