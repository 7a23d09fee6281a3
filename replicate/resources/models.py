"""Models, and predictions with official ones."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from replicate._core.dual import C, dual
from replicate._core.resource import Namespace, Resource
from replicate._data.reference import ModelVersionIdentifier
from replicate.resources.creation import PredictionOptions, create
from replicate.resources.predictions import Prediction
from replicate.resources.versions import Versions
from replicate_api import models
from replicate_api.api.models import models_get, models_predictions_create

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from replicate._core.options import RequestOptions


class Model(Resource[C], models.Model):
    """A model: what it is, its latest version and an example."""

    @property
    def id(self) -> str:
        """The model's name with its owner's: "owner/name"."""
        return f"{self.owner}/{self.name}"


class ModelPredictions(Namespace[C]):
    """`client.models.predictions`: https://replicate.com/docs/reference/http#models.predictions.create."""

    @dual
    async def create(
        self, model: str | tuple[str, str], input: Mapping[str, Any], **options: Unpack[PredictionOptions]
    ) -> Prediction[C]:
        """Start a prediction with an official model, named by "owner/name".

        As `client.predictions.create`, without a version. Maps to `models.predictions.create`. Raises NotFoundError
        for a model that has to be run by version.
        """
        owner, name = named(model)
        payload = await create(self._session, models_predictions_create, owner, name, input=input, options=options)
        return Prediction[C].bind(payload, self._session)


class Models(Namespace[C]):
    """`client.models`: https://replicate.com/docs/reference/http#models."""

    @cached_property
    def predictions(self) -> ModelPredictions[C]:
        """Predictions with official models."""
        return ModelPredictions(self._session)

    @cached_property
    def versions(self) -> Versions[C]:
        """Versions of models."""
        return Versions(self._session)

    @dual
    async def get(self, model_owner: str, model_name: str | None = None, **options: Unpack[RequestOptions]) -> Model[C]:
        """Get a model, named by "owner/name" or by owner and name.

        Maps to `models.get`. Raises NotFoundError, APIError.
        """
        owner, name = named(model_owner if model_name is None else (model_owner, model_name))
        return Model[C].bind(await self._session.given(options).call(models_get, owner, name), self._session)


def named(model: str | tuple[str, str]) -> tuple[str, str]:
    """Take a model's owner and name from "owner/name" or a pair. Raises ValueError for anything else."""
    if not isinstance(model, str):
        return model
    identifier = ModelVersionIdentifier.parse(model)
    if identifier.version:
        raise ValueError(f"{model!r} names a version; here a model is named by owner/name")
    return identifier.owner, identifier.name
