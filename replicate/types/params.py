"""What the methods take, as TypedDicts under version 2's names: `client.predictions.create(**params)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003 - a TypedDict's annotations may be evaluated
from datetime import datetime  # noqa: TC003 - as above
from typing import Any, Required

from typing_extensions import TypedDict  # which pydantic takes on Python 3.11, too

from replicate._inputs.encode import FileEncodingStrategy  # noqa: TC001 - as above
from replicate_api.models import ModelSort, SortDirection, Visibility, WebhookEvent  # noqa: TC001 - as above


class ClientSearchParams(TypedDict, total=False):
    """What `search` takes."""

    query: Required[str]
    limit: int


class DeploymentUpdateParams(TypedDict, total=False):
    """What `deployments.update` takes."""

    deployment_owner: Required[str]
    deployment_name: Required[str]
    hardware: str
    max_instances: int
    min_instances: int
    version: str


class DeploymentCreateParams(TypedDict):
    """What `deployments.create` takes."""

    hardware: str
    max_instances: int
    min_instances: int
    model: str
    name: str
    version: str


class FileCreateParams(TypedDict, total=False):
    """What `files.create` takes."""

    content: Required[Any]
    filename: str
    metadata: Mapping[str, Any]
    type: str


class FileDownloadParams(TypedDict):
    """What `files.download` takes."""

    file_id: str
    expiry: int
    owner: str
    signature: str


class ModelCreateParams(TypedDict, total=False):
    """What `models.create` takes."""

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
    """What `models.list` takes."""

    sort_by: ModelSort
    sort_direction: SortDirection


class ModelSearchParams(TypedDict):
    """What `models.search` takes."""

    body: str


class ModelUpdateParams(TypedDict, total=False):
    """What `models.update` takes."""

    model_owner: Required[str]
    model_name: Required[str]
    description: str
    github_url: str
    license_url: str
    paper_url: str
    readme: str
    weights_url: str


class PredictionCreateParamsWithoutVersion(TypedDict, total=False):
    """What starts a prediction, apart from what is to run."""

    input: Required[Mapping[str, Any]]
    stream: bool
    webhook: str
    webhook_events_filter: Sequence[WebhookEvent]
    cancel_after: str
    prefer: str
    file_encoding_strategy: FileEncodingStrategy | None


class PredictionCreateParams(PredictionCreateParamsWithoutVersion):
    """What `predictions.create` takes."""

    version: str


class ModelPredictionCreateParams(PredictionCreateParamsWithoutVersion):
    """What `models.predictions.create` takes."""

    model_owner: str
    model_name: str


class DeploymentPredictionCreateParams(PredictionCreateParamsWithoutVersion):
    """What `deployments.predictions.create` takes."""

    deployment_owner: str
    deployment_name: str


class PredictionListParams(TypedDict, total=False):
    """What `predictions.list` takes."""

    created_after: datetime
    created_before: datetime


class TrainingCreateParams(TypedDict, total=False):
    """What `trainings.create` takes."""

    model_owner: Required[str]
    model_name: Required[str]
    version_id: Required[str]
    destination: Required[str]
    input: Required[Mapping[str, Any]]
    webhook: str
    webhook_events_filter: Sequence[WebhookEvent]
