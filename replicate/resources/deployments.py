"""Deployments: models on hardware that you choose, and predictions with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from replicate._dual.colours import C
from replicate._dual.methods import dual
from replicate._http.options import ListOptions, RequestOptions
from replicate._inputs.aliases import (
    DEPLOYMENT,
    DeploymentName,
    model_and_version,
    model_text,
    owner_and_name,
    pop_owner_and_name,
    require,
    version_text,
)
from replicate._jobs.options import DeploymentPredictionOptions, PredictionOptions, check_fields
from replicate._objects.page import Cursor, Page, dual_page, fetch
from replicate._objects.resource import Namespace, Resource, namespace
from replicate.resources.account import Account
from replicate.resources.predictions import Prediction, start_prediction
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
    from collections.abc import Callable, Mapping

    from typing_extensions import Unpack

    from replicate._http.session import Session


class DeploymentConfiguration(Resource[C], models.DeploymentConfiguration):
    """The hardware of a release, and its number of instances."""

    first: ClassVar[tuple[str, ...]] = ("hardware", "min_instances", "max_instances")


class DeploymentRelease(Resource[C], models.DeploymentRelease):
    """One version of a deployment's settings, and who made it."""

    Configuration: TypeAlias = DeploymentConfiguration

    first: ClassVar[tuple[str, ...]] = ("number", "model", "version", "created_at", "created_by", "configuration")
    _nested: ClassVar[Mapping[str, Callable[[Any, Any], Any]]] = {
        "configuration": DeploymentConfiguration[Any].bind,
        "created_by": Account[Any].bind,
    }
    configuration: DeploymentConfiguration[C] | None  # pyright: ignore[reportIncompatibleVariableOverride]  # but bound
    created_by: Account[C] | None  # pyright: ignore[reportIncompatibleVariableOverride]  # as above


class Deployment(Resource[C], models.Deployment):
    """A deployment, with its current release."""

    Release: TypeAlias = DeploymentRelease

    first: ClassVar[tuple[str, ...]] = ("owner", "name", "current_release")
    _nested: ClassVar[Mapping[str, Callable[[Any, Any], Any]]] = {"current_release": DeploymentRelease[Any].bind}
    current_release: DeploymentRelease[C] | None  # pyright: ignore[reportIncompatibleVariableOverride]  # but bound

    @property
    def id(self) -> str:
        """The owner and the name: "owner/name"."""
        return f"{self.owner}/{self.name}"

    @property
    def username(self) -> str | None:
        """The `owner`."""
        return self.owner

    @property
    def predictions(self) -> DeploymentPredictions[C]:
        """Predictions with this deployment."""
        return DeploymentPredictions(self._session, *owner_and_name(self))


class DeploymentPredictions(Namespace[C]):
    """`deployment.predictions`: `client.deployments.predictions` for one deployment."""

    def __init__(self, session: Session[C], owner: str, name: str) -> None:
        super().__init__(session)
        self.deployment: tuple[str, str] = owner, name

    @dual
    async def create(
        self, input: Mapping[str, Any] | None = None, **options: Unpack[PredictionOptions]
    ) -> Prediction[C]:
        """Start a prediction with this deployment, as `client.predictions.create` does.

        Maps to `deployments.predictions.create`. Raises the errors of `client.predictions.create`.
        """
        path = self.deployment
        endpoint = deployments_predictions_create
        return await start_prediction(self._session, endpoint, *path, input=input, options=options)


class DeploymentsPredictions(Namespace[C]):
    """`client.deployments.predictions`: https://replicate.com/docs/reference/http#deployments.predictions.create."""

    @dual
    async def create(
        self,
        ref: Any = UNSET,
        input: Mapping[str, Any] | None = None,
        **options: Unpack[DeploymentPredictionOptions],
    ) -> Prediction[C]:
        """Start a prediction with a deployment, given as "owner/name", as a tuple (owner, name) or as an object.

        Works as `client.predictions.create`, without a version. Maps to `deployments.predictions.create`. Raises the
        errors of `client.predictions.create`.
        """
        owner, name, rest = pop_owner_and_name(DEPLOYMENT, options, ref)
        endpoint = deployments_predictions_create
        return await start_prediction(self._session, endpoint, owner, name, input=input, options=rest)


class Deployments(Namespace[C]):
    """`client.deployments`: https://replicate.com/docs/reference/http#deployments."""

    @namespace
    def predictions(self) -> type[DeploymentsPredictions[C]]:
        """Predictions with deployments."""
        return DeploymentsPredictions

    @dual
    async def get(self, ref: Any = UNSET, second: str = UNSET, **options: Unpack[DeploymentName]) -> Deployment[C]:
        """Get a deployment by "owner/name", or by owner and name.

        Maps to `deployments.get`. Raises NotFoundError, APIError.
        """
        owner, name, rest = pop_owner_and_name(DEPLOYMENT, options, ref, second)
        found = await self._session.given(rest).call(deployments_get, owner, name)
        return Deployment.bind(found, self._session)

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
        """Create a deployment of a model version, on hardware from `hardware.list`.

        Between `min_instances` and `max_instances` instances run, depending on demand; you pay for each that runs.
        Maps to `deployments.create`. Raises APIStatusError; before anything is sent, TypeError or ValueError for
        arguments that are missing or cannot be encoded as JSON.
        """
        model = model_text(model, "model")
        body = {
            "name": own_name(require("name", name)),
            "model": model,
            "version": version_id(require("version", version), model),
            "hardware": sku(require("hardware", hardware)),
            "min_instances": require("min_instances", min_instances),
            "max_instances": require("max_instances", max_instances),
        }
        check_fields(body)
        made = await self._session.given(options).call(deployments_create, body=body)
        return Deployment.bind(made, self._session)

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
        """Change settings of a deployment, which makes a new release. The deployment is named as in `get`.

        A setting that is None stays unchanged. Maps to `deployments.update`. Raises NotFoundError, APIError; before
        anything is sent, TypeError or ValueError for arguments that cannot be encoded as JSON.
        """
        owner, name, rest = pop_owner_and_name(DEPLOYMENT, options, ref, second)
        given = {
            "version": version,
            "hardware": sku(hardware),
            "min_instances": min_instances,
            "max_instances": max_instances,
        }
        settings = {name: value for name, value in given.items() if value is not UNSET and value is not None}
        if "version" in settings:
            settings["version"] = version_id(version)
        check_fields(settings)
        changed = await self._session.given(rest).call(deployments_update, owner, name, body=settings)
        return Deployment.bind(changed, self._session)

    @dual
    async def delete(self, ref: Any = UNSET, second: str = UNSET, **options: Unpack[DeploymentName]) -> bool:
        """Delete a deployment that has been offline for 15 minutes, named as in `get`. Returns True.

        Maps to `deployments.delete`. Raises NotFoundError, APIError.
        """
        owner, name, rest = pop_owner_and_name(DEPLOYMENT, options, ref, second)
        await self._session.given(rest).call(deployments_delete, owner, name)
        return True


def own_name(name: Any) -> Any:
    """Return the name of a deployment without its owner."""
    return name.rpartition("/")[2] or name if isinstance(name, str) else name


def sku(hardware: Any) -> Any:
    """Return the sku of a kind of hardware."""
    return getattr(hardware, "sku", hardware)


def version_id(version: Any, model: str | None = None) -> str:
    """Return the id in "owner/name:id" if that names the given model; return any other text unchanged."""
    text = version_text(version)
    try:
        of, found = model_and_version(text)
    except ValueError:
        return text
    return found if found and (of is UNSET or model in (None, of)) else text
