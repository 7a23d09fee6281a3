"""Import paths of earlier versions, and the modules for them, which are created when somebody imports them.

`from replicate.helpers import FileOutput` finds no file of that name. The import system then asks the package itself
(see its `find_spec`), which calls `find`. The resulting module looks up each name on first use.

Some earlier paths are files here too, such as `replicate.client`. `widen` adds to them the names that they had before.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HOMES: Mapping[str, str] = {
    "builtins": "str",
    "replicate": "async_paginate paginate use",
    "replicate._compat.version1": "CreatePredictionRequestParams EventSource async_encode_json async_run async_stream "
    "base64_encode_file encode_json make_schema_backwards_compatible run stream transform_output upload_file "
    "version_has_no_array_type",
    "replicate._compat.version2": "get_path_url",
    "replicate._objects.page": "AsyncPage Page PageInfo SyncPage",
    "replicate._objects.resource": "Namespace Resource",
    "replicate._http.sse": "ServerSentEvent",
    "replicate._inputs.encode": "FileEncodingStrategy",
    "replicate._outputs.file_output": "FileOutput",
    "replicate._models.reference": "ModelVersionIdentifier",
    "replicate._flows.output_iterator": "AsyncOutputIterator OutputIterator SyncOutputIterator",
    "replicate._flows.use": "AsyncFunction Function Run",
    "replicate._version": "__version__",
    "replicate.exceptions": "ModelError ReplicateError ReplicateException",
    "replicate.resources": "WithRawResponse WithStreamingResponse",
    "replicate.resources.account": "Account Accounts",
    "replicate.resources.collections": "Collection Collections",
    "replicate.resources.deployments": "Deployment DeploymentConfiguration DeploymentPredictions DeploymentRelease "
    "Deployments DeploymentsPredictions",
    "replicate.resources.files": "File Files",
    "replicate.resources.hardware": "Hardware HardwareNamespace",
    "replicate.resources.models": "Examples Model ModelPredictions Models Readme",
    "replicate.resources.predictions": "Prediction Predictions",
    "replicate.resources.search": "SearchResults SearchedModel",
    "replicate.resources.trainings": "Training Trainings",
    "replicate.resources.versions": "Version Versions",
    "replicate.resources.webhooks": "DefaultSecret DefaultWebhook WebhookSigningSecret Webhooks",
    "replicate.types": "ClientSearchParams DeploymentCreateParams DeploymentUpdateParams FileCreateParams "
    "FileDownloadParams HardwareListResponse ModelCreateParams ModelListParams ModelSearchParams ModelUpdateParams "
    "PredictionCreateParams PredictionCreateParamsWithoutVersion PredictionListParams TrainingCreateParams",
    "replicate.types.params": "DeploymentPredictionCreateParams ModelPredictionCreateParams",
    "replicate_api.models": "FileChecksums FileUrls PredictionMetrics "
    "PredictionUrls SearchedCollection SearchedModelMetadata SearchedPage TrainingMetrics TrainingOutput TrainingUrls",
}
"""The modules that have the names now."""

HOME_OF = {name: home for home, names in HOMES.items() for name in names.split()}

BASES = "Namespace Page Resource"
"""The base classes of version 1's nouns."""
EARLY = "Collection=Namespace encode_json upload_file"
"""The base classes and functions of version 0's nouns."""
ENCODERS = "async_encode_json encode_json"
USE = (
    "AsyncFunction AsyncOutputIterator AsyncRun=Run Function OutputIterator Run SyncOutputIterator URLPath=FileOutput "
    "get_path_url use"
)
RELEASE = (
    "CurrentRelease=DeploymentRelease CurrentReleaseConfiguration=DeploymentConfiguration "
    "CurrentReleaseCreatedBy=Account"
)
STORED = "Checksums=FileChecksums URLs=FileUrls"
TRAINED = "Metrics=TrainingMetrics Output=TrainingOutput URLs=TrainingUrls"
VERSION = "VersionGetResponse=Version"


def operations(nouns: str) -> str:
    """Return version 2's class names for operations on nouns: of both colours, and for raw and streamed responses."""
    return " ".join(
        f"{colour}{noun}Resource{whole}={whole or kind}"
        for noun, _, kind in (entry.partition("=") for entry in nouns.split())
        for colour in ("", "Async")
        for whole in ("", "WithRawResponse", "WithStreamingResponse")
    )


DEPLOYMENTS = operations("Deployments=Deployments Predictions=DeploymentsPredictions")
MODELS = operations("Examples=Examples Models=Models Predictions=ModelPredictions Readme=Readme Versions=Versions")
SECRET = operations("Default=DefaultWebhook Secret=DefaultSecret")
WEBHOOKS = operations("Default=DefaultWebhook Webhooks=Webhooks")

PATHS: Mapping[str, str] = {
    "__about__": "__version__",
    "account": f"Account Accounts {BASES}",
    "base_model": "BaseModel=Resource",
    "collection": f"Collection Collections Model ReplicateException {BASES}",
    "deployment": "Account Deployment DeploymentCollection=Deployments "
    "DeploymentPredictionCollection=DeploymentPredictions DeploymentPredictions Deployments DeploymentsPredictions "
    f"Prediction {BASES} {EARLY} {ENCODERS}",
    "file": f"File FileEncodingStrategy Files {BASES}",
    "files": "upload_file",
    "hardware": f"Hardware HardwareNamespace {BASES}",
    "helpers": f"FileOutput {ENCODERS} base64_encode_file transform_output",
    "identifier": "ModelVersionIdentifier",
    "json": "encode_json",
    "lib": "",
    "lib._predictions_use": USE,
    "model": "Model ModelCollection=Models ModelVersionIdentifier Models ModelsPredictions=ModelPredictions "
    f"Prediction ReplicateException Version VersionCollection=Versions Versions {BASES} {EARLY} {ENCODERS}",
    "pagination": "AsyncCursorURLPage=AsyncPage AsyncCursorURLPageWithCreatedFilters=AsyncPage BaseAsyncPage=AsyncPage "
    "BasePage=Page BaseSyncPage=SyncPage Page PageInfo Resource SyncCursorURLPage=SyncPage "
    "SyncCursorURLPageWithCreatedFilters=SyncPage async_paginate paginate",
    "prediction": "CreatePredictionRequestParams EventSource FileEncodingStrategy ModelError Prediction "
    f"PredictionCollection=Predictions Predictions ReplicateError Version {BASES} {EARLY} {ENCODERS}",
    "resource": "Namespace Resource",
    "resources.deployments.deployments": DEPLOYMENTS,
    "resources.deployments.predictions": operations("Predictions=DeploymentsPredictions"),
    "resources.models.examples": operations("Examples=Examples"),
    "resources.models.models": MODELS,
    "resources.models.predictions": operations("Predictions=ModelPredictions"),
    "resources.models.readme": operations("Readme=Readme"),
    "resources.models.versions": operations("Versions=Versions"),
    "resources.webhooks.default": SECRET,
    "resources.webhooks.default.default": SECRET,
    "resources.webhooks.default.secret": operations("Secret=DefaultSecret"),
    "resources.webhooks.webhooks": WEBHOOKS,
    "run": "Model ModelError Prediction Version Versions async_run make_schema_backwards_compatible run "
    "transform_output",
    "schema": "make_schema_backwards_compatible version_has_no_array_type",
    "stream": "EventSource ReplicateError ServerSentEvent async_stream stream transform_output",
    "training": "Model ModelVersionIdentifier ReplicateException Training TrainingCollection=Trainings Trainings "
    f"Version {BASES} {EARLY} {ENCODERS}",
    "types.account_get_response": "AccountGetResponse=Account",
    "types.client_search_params": "ClientSearchParams",
    "types.collection_get_response": f"CollectionGetResponse=Collection Model {VERSION}",
    "types.collection_list_response": "CollectionListResponse=Collection",
    "types.deployment_create_params": "DeploymentCreateParams",
    "types.deployment_create_response": f"DeploymentCreateResponse=Deployment {RELEASE}",
    "types.deployment_get_response": f"DeploymentGetResponse=Deployment {RELEASE}",
    "types.deployment_list_response": f"DeploymentListResponse=Deployment {RELEASE}",
    "types.deployment_update_params": "DeploymentUpdateParams",
    "types.deployment_update_response": f"DeploymentUpdateResponse=Deployment {RELEASE}",
    "types.deployments.prediction_create_params": "PredictionCreateParams=DeploymentPredictionCreateParams",
    "types.file_create_params": "FileCreateParams",
    "types.file_create_response": f"FileCreateResponse=File {STORED}",
    "types.file_download_params": "FileDownloadParams",
    "types.file_get_response": f"FileGetResponse=File {STORED}",
    "types.file_list_response": f"FileListResponse=File {STORED}",
    "types.hardware_list_response": "HardwareListResponse HardwareListResponseItem=Hardware",
    "types.model_create_params": "ModelCreateParams",
    "types.model_create_response": f"ModelCreateResponse=Model {VERSION}",
    "types.model_get_response": f"ModelGetResponse=Model {VERSION}",
    "types.model_list_params": "ModelListParams",
    "types.model_list_response": f"ModelListResponse=Model {VERSION}",
    "types.model_search_params": "ModelSearchParams",
    "types.model_search_response": f"ModelSearchResponse=Model {VERSION}",
    "types.model_update_params": "ModelUpdateParams",
    "types.model_update_response": f"ModelUpdateResponse=Model {VERSION}",
    "types.models.prediction_create_params": "PredictionCreateParams=ModelPredictionCreateParams",
    "types.models.readme_get_response": "ReadmeGetResponse=str",
    "types.models.version_get_response": VERSION,
    "types.models.version_list_response": "VersionListResponse=Version",
    "types.prediction": "Metrics=PredictionMetrics Prediction URLs=PredictionUrls",
    "types.prediction_create_params": "PredictionCreateParams PredictionCreateParamsWithoutVersion",
    "types.prediction_list_params": "PredictionListParams",
    "types.search_response": "Collection=SearchedCollection Model=SearchedModel ModelMetadata=SearchedModelMetadata "
    "ModelModel=Model Page=SearchedPage SearchResponse=SearchResults",
    "types.training_cancel_response": f"TrainingCancelResponse=Training {TRAINED}",
    "types.training_create_params": "TrainingCreateParams",
    "types.training_create_response": f"TrainingCreateResponse=Training {TRAINED}",
    "types.training_get_response": f"TrainingGetResponse=Training {TRAINED}",
    "types.training_list_response": f"TrainingListResponse=Training {TRAINED}",
    "types.webhooks": "",
    "types.webhooks.default": "SecretGetResponse=WebhookSigningSecret",
    "types.webhooks.default.secret_get_response": "SecretGetResponse=WebhookSigningSecret",
    "use": USE,
    "version": "ModelError Version VersionCollection=Versions Versions make_schema_backwards_compatible "
    f"Collection=Namespace {BASES}",
}
"""Paths below `replicate` that are not files, and their names; `Old=New` if a name has changed."""

WIDENED: Mapping[str, str] = {
    "client": "Accounts Collections DeploymentCollection=Deployments Deployments Files Hardware=HardwareNamespace "
    "ModelCollection=Models ModelError Models PredictionCollection=Predictions Predictions ReplicateError "
    "TrainingCollection=Trainings Trainings Version Webhooks async_run async_stream make_schema_backwards_compatible "
    "run stream",
    "resources": "",
    "resources.account": operations("Account=Accounts"),
    "resources.collections": operations("Collections=Collections"),
    "resources.deployments": DEPLOYMENTS,
    "resources.files": operations("Files=Files"),
    "resources.hardware": operations("Hardware=HardwareNamespace"),
    "resources.models": MODELS,
    "resources.predictions": operations("Predictions=Predictions"),
    "resources.trainings": operations("Trainings=Trainings"),
    "resources.webhooks": WEBHOOKS,
    "webhook": BASES,
}
"""Paths below `replicate` that are files, and the names that they had in addition to their present ones."""


def targets(names: str) -> dict[str, tuple[str, str]]:
    """Return for each name the module that has it now, and its name there."""
    pairs = (entry.partition("=") for entry in names.split())
    return {name: (HOME_OF[new or name], new or name) for name, _, new in pairs}


def look_up(module: ModuleType, names: Mapping[str, tuple[str, str]], name: str) -> Any:
    """Return the object for an earlier name of a module, or the submodule of that name, and store it in the module."""
    if name not in names:
        full = f"{module.__name__}.{name}"
        if full.partition(".")[2] in PATHS:
            return import_module(full)
        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
    home, new = names[name]
    return module.__dict__.setdefault(name, getattr(import_module(home), new))


class Moved:
    """A loader that fills a module with names that are defined elsewhere."""

    def __init__(self, names: Mapping[str, tuple[str, str]]) -> None:
        self.names = names

    def create_module(self, spec: ModuleSpec) -> Keeping:
        """Make a module whose names are not replaced by its submodules."""
        return Keeping(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Make a module look up its names on first use (PEP 562)."""
        module.__dict__.update(
            __doc__="A path of earlier versions; its names live elsewhere.",
            __all__=sorted(self.names),
            __dir__=partial(listed, module, self.names),
            __getattr__=partial(look_up, module, self.names),
        )


def listed(module: ModuleType, names: Iterable[str]) -> list[str]:
    """Return the names of a module, including its earlier ones."""
    return sorted({*module.__dict__, *names})


class Keeping(ModuleType):
    """A module that keeps its own name if the import system would replace it by a submodule of that name."""

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, ModuleType):
            kept = self.__dict__.get(name, self if name in self.__dict__.get("__all__", ()) else None)
            if kept is not None and getattr(kept, "__name__", None) != value.__name__:
                return
            widen(value)
        super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by name, as the package does."""
        return import_module, (self.__name__,)


def widen(module: ModuleType) -> None:
    """Add the earlier names to a module that is a file here, and the earlier submodules below it."""
    path = module.__name__.partition(".")[2]
    if path not in WIDENED:
        return
    module.__class__ = Keeping
    if names := targets(WIDENED[path]):  # otherwise it looks up its names itself
        module.__dict__.update(__dir__=partial(listed, module, names), __getattr__=partial(look_up, module, names))
    if has_modules(path):
        module.__dict__.setdefault("__path__", [])


def has_modules(path: str) -> bool:
    """Return whether there is an earlier path below a path."""
    return any(other.startswith(f"{path}.") for other in PATHS)


def find(fullname: str) -> ModuleSpec | None:
    """Return the import spec of a module of an earlier version; None if there was none of that name."""
    path = fullname.partition(".")[2]
    if path not in PATHS:
        return None
    loader: Any = Moved(targets(PATHS[path]))  # not a subclass of importlib.abc.Loader, whose import takes time
    return ModuleSpec(fullname, loader, is_package=has_modules(path))
