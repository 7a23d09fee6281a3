"""The API's JSON objects and enumerations, a module each. Each is imported when it is first used."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for typing's, which costs an import
if TYPE_CHECKING:
    from .account import Account as Account
    from .account_type import AccountType as AccountType
    from .collection import Collection as Collection
    from .collection_item import CollectionItem as CollectionItem
    from .collection_page import CollectionPage as CollectionPage
    from .deployment import Deployment as Deployment
    from .deployment_configuration import DeploymentConfiguration as DeploymentConfiguration
    from .deployment_create import DeploymentCreate as DeploymentCreate
    from .deployment_page import DeploymentPage as DeploymentPage
    from .deployment_release import DeploymentRelease as DeploymentRelease
    from .deployment_update import DeploymentUpdate as DeploymentUpdate
    from .file import File as File
    from .file_checksums import FileChecksums as FileChecksums
    from .file_create import FileCreate as FileCreate
    from .file_page import FilePage as FilePage
    from .file_urls import FileUrls as FileUrls
    from .hardware import Hardware as Hardware
    from .model import Model as Model
    from .model_create import ModelCreate as ModelCreate
    from .model_page import ModelPage as ModelPage
    from .model_sort import ModelSort as ModelSort
    from .model_update import ModelUpdate as ModelUpdate
    from .prediction import Prediction as Prediction
    from .prediction_metrics import PredictionMetrics as PredictionMetrics
    from .prediction_page import PredictionPage as PredictionPage
    from .prediction_request import PredictionRequest as PredictionRequest
    from .prediction_status import PredictionStatus as PredictionStatus
    from .prediction_urls import PredictionUrls as PredictionUrls
    from .search_results import SearchResults as SearchResults
    from .searched_collection import SearchedCollection as SearchedCollection
    from .searched_model import SearchedModel as SearchedModel
    from .searched_model_metadata import SearchedModelMetadata as SearchedModelMetadata
    from .searched_page import SearchedPage as SearchedPage
    from .sort_direction import SortDirection as SortDirection
    from .source import Source as Source
    from .source_filter import SourceFilter as SourceFilter
    from .training import Training as Training
    from .training_metrics import TrainingMetrics as TrainingMetrics
    from .training_output import TrainingOutput as TrainingOutput
    from .training_page import TrainingPage as TrainingPage
    from .training_request import TrainingRequest as TrainingRequest
    from .training_urls import TrainingUrls as TrainingUrls
    from .version import Version as Version
    from .version_page import VersionPage as VersionPage
    from .version_prediction_request import VersionPredictionRequest as VersionPredictionRequest
    from .visibility import Visibility as Visibility
    from .webhook_event import WebhookEvent as WebhookEvent
    from .webhook_secret import WebhookSecret as WebhookSecret

MODULES = {
    "Account": "account",
    "AccountType": "account_type",
    "Collection": "collection",
    "CollectionItem": "collection_item",
    "CollectionPage": "collection_page",
    "Deployment": "deployment",
    "DeploymentConfiguration": "deployment_configuration",
    "DeploymentCreate": "deployment_create",
    "DeploymentPage": "deployment_page",
    "DeploymentRelease": "deployment_release",
    "DeploymentUpdate": "deployment_update",
    "File": "file",
    "FileChecksums": "file_checksums",
    "FileCreate": "file_create",
    "FilePage": "file_page",
    "FileUrls": "file_urls",
    "Hardware": "hardware",
    "Model": "model",
    "ModelCreate": "model_create",
    "ModelPage": "model_page",
    "ModelSort": "model_sort",
    "ModelUpdate": "model_update",
    "Prediction": "prediction",
    "PredictionMetrics": "prediction_metrics",
    "PredictionPage": "prediction_page",
    "PredictionRequest": "prediction_request",
    "PredictionStatus": "prediction_status",
    "PredictionUrls": "prediction_urls",
    "SearchedCollection": "searched_collection",
    "SearchedModel": "searched_model",
    "SearchedModelMetadata": "searched_model_metadata",
    "SearchedPage": "searched_page",
    "SearchResults": "search_results",
    "SortDirection": "sort_direction",
    "Source": "source",
    "SourceFilter": "source_filter",
    "Training": "training",
    "TrainingMetrics": "training_metrics",
    "TrainingOutput": "training_output",
    "TrainingPage": "training_page",
    "TrainingRequest": "training_request",
    "TrainingUrls": "training_urls",
    "Version": "version",
    "VersionPage": "version_page",
    "VersionPredictionRequest": "version_prediction_request",
    "Visibility": "visibility",
    "WebhookEvent": "webhook_event",
    "WebhookSecret": "webhook_secret",
}


def __getattr__(name: str) -> object:
    """Import the module of a class (PEP 562)."""
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(f".{MODULES[name]}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(MODULES)


__all__ = (
    "Account",
    "AccountType",
    "Collection",
    "CollectionItem",
    "CollectionPage",
    "Deployment",
    "DeploymentConfiguration",
    "DeploymentCreate",
    "DeploymentPage",
    "DeploymentRelease",
    "DeploymentUpdate",
    "File",
    "FileChecksums",
    "FileCreate",
    "FilePage",
    "FileUrls",
    "Hardware",
    "Model",
    "ModelCreate",
    "ModelPage",
    "ModelSort",
    "ModelUpdate",
    "Prediction",
    "PredictionMetrics",
    "PredictionPage",
    "PredictionRequest",
    "PredictionStatus",
    "PredictionUrls",
    "SearchedCollection",
    "SearchedModel",
    "SearchedModelMetadata",
    "SearchedPage",
    "SearchResults",
    "SortDirection",
    "Source",
    "SourceFilter",
    "Training",
    "TrainingMetrics",
    "TrainingOutput",
    "TrainingPage",
    "TrainingRequest",
    "TrainingUrls",
    "Version",
    "VersionPage",
    "VersionPredictionRequest",
    "Visibility",
    "WebhookEvent",
    "WebhookSecret",
)
