"""Deployments: models on hardware of one's own choice, and predictions with them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from replicate._core.dual import C, dual
from replicate._core.page import Cursor, Page, dual_page, fetch
from replicate._core.resource import Namespace, Resource
from replicate.resources.creation import create
from replicate.resources.predictions import Prediction
from replicate.resources.spelling import DEPLOYMENT, changing, filled, identifier, needed, owned, paired, pinned
from replicate_api import models
from replicate_api.api.deployments import (
    deployments_create,
    deployments_delete,
    deployments_get,
    deployments_list,
    deployments_predictions_create,
    deployments_update,
)
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from replicate._core.options import ListOptions, RequestOptions
    from replicate._core.session import Session
    from replicate.resources.creation import DeploymentPredictionOptions, PredictionOptions
    from replicate.resources.spelling import DeploymentName


class Deployment(Resource[C], models.Deployment):
    """A deployment, with its current release."""

    @property
    def id(self) -> str:
        """The deployment's name with its owner's: "owner/name"."""
        return f"{self.owner}/{self.name}"

    @property
    def username(self) -> str | None:
        """The `owner`."""
        return self.owner

    @property
    def predictions(self) -> DeploymentPredictions[C]:
        """Predictions with this deployment."""
        return DeploymentPredictions(self._session, *owned(self))


class DeploymentPredictions(Namespace[C]):
    """`deployment.predictions`: as `client.deployments.predictions`, of one deployment."""

    def __init__(self, session: Session[C], owner: str, name: str) -> None:
        super().__init__(session)
        self.deployment: tuple[str, str] = owner, name

    @dual
    async def create(
        self, input: Mapping[str, Any] | None = None, **options: Unpack[PredictionOptions]
    ) -> Prediction[C]:
        """Start a prediction with this deployment, as `client.predictions.create` does.

        Maps to `deployments.predictions.create`. Raises APIStatusError, AmbiguousCreateError, TypeError, ValueError.
        """
        path = self.deployment
        payload = await create(self._session, deployments_predictions_create, *path, input=input, options=options)
        return Prediction[C].bind(payload, self._session)


class DeploymentsPredictions(Namespace[C]):
    """`client.deployments.predictions`: https://replicate.com/docs/reference/http#deployments.predictions.create."""

    @dual
    async def create(
        self,
        ref: Any = UNSET,
        input: Mapping[str, Any] | None = None,
        **options: Unpack[DeploymentPredictionOptions],
    ) -> Prediction[C]:
        """Start a prediction with a deployment: "owner/name", a tuple of both or an object.

        As `client.predictions.create`, without a version. Maps to `deployments.predictions.create`. Raises
        APIStatusError, AmbiguousCreateError, TypeError, ValueError.
        """
        owner, name, rest = paired(DEPLOYMENT, options, ref)
        endpoint = deployments_predictions_create
        payload = await create(self._session, endpoint, owner, name, input=input, options=rest)
        return Prediction[C].bind(payload, self._session)


class Deployments(Namespace[C]):
    """`client.deployments`: https://replicate.com/docs/reference/http#deployments."""

    @cached_property
    def predictions(self) -> DeploymentsPredictions[C]:
        """Predictions with deployments."""
        return DeploymentsPredictions(self._session)

    @dual
    async def get(self, ref: Any = UNSET, second: str = UNSET, **options: Unpack[DeploymentName]) -> Deployment[C]:
        """Get a deployment, named by "owner/name" or by owner and name.

        Maps to `deployments.get`. Raises NotFoundError, APIError.
        """
        owner, name, rest = paired(DEPLOYMENT, options, ref, second)
        found = await self._session.given(rest).call(deployments_get, owner, name)
        return Deployment[C].bind(found, self._session)

    @dual_page
    async def list(self, cursor: Cursor = UNSET, **options: Unpack[ListOptions]) -> Page[C, Deployment[C]]:
        """List the account's deployments. Maps to `deployments.list`. Raises APIError."""
        return await fetch(self._session, Deployment[C].bind, deployments_list, cursor, options)

    @dual
    async def create(
        self,
        *,
        name: str,
        model: Any,
        version: Any,
        hardware: Any,
        min_instances: int,
        max_instances: int,
        **options: Unpack[RequestOptions],
    ) -> Deployment[C]:
        """Create a deployment of a version of a model, on hardware that `hardware.list` names.

        `min_instances` to `max_instances` run, as needed; one that runs is paid for. Maps to `deployments.create`.
        Raises APIStatusError; TypeError or ValueError before anything is sent.
        """
        body = {
            "name": identifier("name", filled("name", name).rpartition("/")[2]),
            "model": "/".join(owned(model)),
            "version": version_of("/".join(owned(model)), version),
            "hardware": filled("hardware", getattr(hardware, "sku", hardware)),
            **instances(needed("min_instances", min_instances), needed("max_instances", max_instances)),
        }
        made = await self._session.given(options).call(deployments_create, body=body)
        return Deployment[C].bind(made, self._session)

    @dual
    async def update(
        self,
        ref: Any = UNSET,
        second: str = UNSET,
        *,
        version: Any = UNSET,
        hardware: Any = UNSET,
        min_instances: int = UNSET,
        max_instances: int = UNSET,
        **options: Unpack[DeploymentName],
    ) -> Deployment[C]:
        """Change some of a deployment's settings: that makes a new release. It is named as in `get`.

        Maps to `deployments.update`. Raises TypeError without any of them, NotFoundError, APIError.
        """
        owner, name, rest = paired(DEPLOYMENT, options, ref, second)
        settings = {
            "version": UNSET if version is None or version is UNSET else version_of(None, version),
            "hardware": UNSET
            if hardware is None or hardware is UNSET
            else filled("hardware", getattr(hardware, "sku", hardware)),
            **instances(min_instances, max_instances),
        }
        changing(settings, rest, ("min_instances", "max_instances"))
        changed = await self._session.given(rest).call(deployments_update, owner, name, body=settings)
        return Deployment[C].bind(changed, self._session)

    @dual
    async def delete(self, ref: Any = UNSET, second: str = UNSET, **options: Unpack[DeploymentName]) -> bool:
        """Delete a deployment that has been offline for 15 minutes, named as in `get`; give True.

        Maps to `deployments.delete`. Raises NotFoundError, APIError.
        """
        owner, name, rest = paired(DEPLOYMENT, options, ref, second)
        await self._session.given(rest).call(deployments_delete, owner, name)
        return True


def version_of(model: str | None, version: Any) -> str:
    """Give the id of a version. Raises ValueError for one of another model."""
    named, version_id = pinned(version)
    if model is not None and named is not UNSET and named is not None and "/".join(owned(named)) != model:
        raise ValueError(f"version is one of {'/'.join(owned(named))}, and model is {model}")
    return str(needed("version", version_id))


def instances(least: Any, most: Any) -> dict[str, int]:
    """Check how many instances may run, where that is given. Raises TypeError, ValueError."""
    given = {"min_instances": least, "max_instances": most}
    told = {name: number for name, number in given.items() if number is not UNSET and number is not None}
    for name, number in told.items():
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"{name} must be an int, not {type(number).__name__}")
        if number < 0:
            raise ValueError(f"{name} must be 0 or more, not {number}")
    if len(told) == len(given) and least > most:
        raise ValueError(f"min_instances={least} is more than max_instances={most}")
    return told
