"""Parameters of methods, as TypedDicts under version 2's names: `client.predictions.create(**params)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - a TypedDict's annotations may be evaluated
from datetime import datetime  # noqa: TC003 - as above
from typing import Any, Required

from typing_extensions import TypedDict  # pydantic needs this one on Python 3.11

from replicate._inputs.encode import FileEncodingStrategy  # noqa: TC001 - as above
from replicate_api.models import ModelSort, SortDirection, Visibility, WebhookEvent  # noqa: TC001 - as above


class ClientSearchParams(TypedDict, total=False):
    """Parameters of `search`."""

    query: Required[str]
    limit: int


class DeploymentUpdateParams(TypedDict, total=False):
    """Parameters of `deployments.update`."""

    deployment_owner: Required[str]
    deployment_name: Required[str]
    hardware: str
    max_instances: int
    min_instances: int
    version: str


class DeploymentCreateParams(TypedDict):
    """Parameters of `deployments.create`."""

    hardware: str
    max_instances: int
    min_instances: int
    model: str
    name: str
    version: str


class FileCreateParams(TypedDict, total=False):
    """Parameters of `files.create`."""

    content: Required[Any]
    filename: str
    metadata: Mapping[str, Any]
    type: str


class FileDownloadParams(TypedDict):
    """Parameters of `files.download`."""

    file_id: str
    expiry: int
    owner: str
    signature: str


class ModelCreateParams(TypedDict, total=False):
    """Parameters of `models.create`."""

    hardware: Required[str]
    name: Required[str]
    owner: Required[str]
    visibility: Required[Visibility]
    cover_image_url: str
    description: str
    github_url: str
    license_url: str
    paper_url: str


class ModelListParams(TypedDict, total=False):
    """Parameters of `models.list`."""

    sort_by: ModelSort
    sort_direction: SortDirection


class ModelSearchParams(TypedDict):
    """Parameters of `models.search`."""

    body: str


class ModelUpdateParams(TypedDict, total=False):
    """Parameters of `models.update`."""

    model_owner: Required[str]
    model_name: Required[str]
    description: str
    github_url: str
    license_url: str
    paper_url: str
    readme: str
    weights_url: str


class PredictionCreateParamsWithoutVersion(TypedDict, total=False):
    """Parameters for starting a prediction, without the model or version."""

    input: Required[Mapping[str, Any]]
    stream: bool
    webhook: str
    webhook_events_filter: Sequence[WebhookEvent]
    cancel_after: str
    prefer: str
    file_encoding_strategy: FileEncodingStrategy | None


class PredictionCreateParams(PredictionCreateParamsWithoutVersion):
    """Parameters of `predictions.create`."""

    version: str


class ModelPredictionCreateParams(PredictionCreateParamsWithoutVersion):
    """Parameters of `models.predictions.create`."""

    model_owner: str
    model_name: str


class DeploymentPredictionCreateParams(PredictionCreateParamsWithoutVersion):
    """Parameters of `deployments.predictions.create`."""

    deployment_owner: str
    deployment_name: str


class PredictionListParams(TypedDict, total=False):
    """Parameters of `predictions.list`."""

    created_after: datetime
    created_before: datetime


class TrainingCreateParams(TypedDict, total=False):
    """Parameters of `trainings.create`."""

    model_owner: Required[str]
    model_name: Required[str]
    version_id: Required[str]
    destination: Required[str]
    input: Required[Mapping[str, Any]]
    webhook: str
    webhook_events_filter: Sequence[WebhookEvent]
