"""Models, their examples and readmes, and predictions with official ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from replicate._dual.colours import C
from replicate._dual.methods import dual
from replicate._http import log
from replicate._http.options import ListOptions, RequestOptions, check_parameters
from replicate._inputs.aliases import (
    MODEL,
    QUERY,
    ModelListName,
    ModelName,
    SearchWords,
    drop_unset,
    owner_and_name,
    pop_alias,
    pop_owner_and_name,
    require,
    require_text,
)
from replicate._jobs.options import ModelPredictionOptions, check_fields
from replicate._models.reference import Reference
from replicate._objects.page import Cursor, Page, dual_page, fetch
from replicate._objects.resource import Namespace, Resource, namespace, update_from
from replicate.resources.predictions import Prediction, predicted, start_prediction
from replicate.resources.versions import ModelVersions, Version, Versions
from replicate_api import models
from replicate_api.api.models import (
    models_create,
    models_delete,
    models_examples_list,
    models_get,
    models_list,
    models_predictions_create,
    models_readme_get,
    models_update,
)
from replicate_api.types import UNSET, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Unpack

    from replicate._http.options import ListOptions, RequestOptions
    from replicate._inputs.aliases import ModelListName, ModelName, SearchWords


class Model(Resource[C], models.Model):
    """A model: its description, its latest version and an example."""

    _nested: ClassVar[Mapping[str, Callable[[Any, Any], Any]]] = {
        "latest_version": Version[Any].bind,
        "default_example": Prediction[Any].bind,
    }
    latest_version: Version[C] | None  # pyright: ignore[reportIncompatibleVariableOverride]  # the same, but bound
    default_example: Prediction[C] | None  # pyright: ignore[reportIncompatibleVariableOverride]  # the same, but bound

    @property
    def id(self) -> str:
        """The owner and the name: "owner/name"."""
        return f"{self.owner}/{self.name}"

    @property
    def username(self) -> str | None:
        """The `owner`."""
        return self.owner

    @property
    def versions(self) -> ModelVersions[C]:
        """The versions of this model."""
        return ModelVersions(self._session, *owner_and_name(self))

    @dual
    async def reload(self) -> Model[C]:
        """Reload this model from the server, in place (`models.get`). Raises APIError."""
        update_from(self, await self._session.call(models_get, *owner_and_name(self)))
        return self

    @dual
    async def predict(self, /, **input: Any) -> Any:
        """Run this model, wait for it and return its output, files as URLs. Deprecated: use `client.run`.

        Raises RunError, such as ModelError if it fails, and the errors of `client.predictions.create`.
        """
        log.warn("model.predict is deprecated: use client.run", DeprecationWarning, stacklevel=3)
        latest = None if self.is_official else self.latest_version
        return await predicted(self._session, input=input, **{"version": latest} if latest else {"model": self})


class ModelPredictions(Namespace[C]):
    """`client.models.predictions`: https://replicate.com/docs/reference/http#models.predictions.create."""

    @dual
    async def create(
        self,
        ref: Any = UNSET,
        input: Mapping[str, Any] | None = None,
        **options: Unpack[ModelPredictionOptions],
    ) -> Prediction[C]:
        """Start a prediction with an official model, given as "owner/name", as a tuple (owner, name) or as an object.

        Works as `client.predictions.create`, without a version. Maps to `models.predictions.create`. Raises the errors
        of `client.predictions.create`; NotFoundError for a model that needs a version.
        """
        owner, name, rest = pop_owner_and_name(MODEL, options, ref)
        named = Reference.of((owner, name))
        return await start_prediction(
            self._session, models_predictions_create, owner, name, input=input, options=rest, reference=named
        )


class Examples(Namespace[C]):
    """`client.models.examples`: https://replicate.com/docs/reference/http#models.examples.list."""

    @dual_page
    async def list(
        self, ref: Any = UNSET, second: str = UNSET, *, cursor: Cursor = UNSET, **options: Unpack[ModelListName]
    ) -> Page[C, Prediction[C]]:
        """List the example predictions that a model's author chose. The model is named as in `client.models.get`.

        Maps to `models.examples.list`. Raises NotFoundError, APIError.
        """
        owner, name, rest = pop_owner_and_name(MODEL, options, ref, second)
        return await fetch(self._session, Prediction[C].bind, models_examples_list, cursor, rest, owner, name)


class Readme(Namespace[C]):
    """`client.models.readme`: https://replicate.com/docs/reference/http#models.readme.get."""

    @dual
    async def get(self, ref: Any = UNSET, second: str = UNSET, **options: Unpack[ModelName]) -> str:
        """Get a model's readme as Markdown. The model is named as in `client.models.get`.

        Maps to `models.readme.get`. Raises NotFoundError, APIError.
        """
        owner, name, rest = pop_owner_and_name(MODEL, options, ref, second)
        return await self._session.given(rest).call(models_readme_get, owner, name)


class ModelSearch:
    """The endpoint of `models.search`. The published description lacks it, as OpenAPI 3.0 has no method QUERY."""

    @staticmethod
    def build_request(query: str) -> Request:
        """Search public models. The query is the body, as plain text."""
        return Request("QUERY", "/models", headers={"Content-Type": "text/plain"}, content=query)

    @staticmethod
    def parse_response(content: bytes) -> models.ModelPage:
        """Read the response, which has the shape of `models.list`."""
        return models_list.parse_response(content)


models_search: ModelSearch = ModelSearch()


class Models(Namespace[C]):
    """`client.models`: https://replicate.com/docs/reference/http#models."""

    @namespace
    def examples(self) -> type[Examples[C]]:
        """Example predictions of models."""
        return Examples

    @namespace
    def predictions(self) -> type[ModelPredictions[C]]:
        """Predictions with official models."""
        return ModelPredictions

    @namespace
    def readme(self) -> type[Readme[C]]:
        """Readmes of models."""
        return Readme

    @namespace
    def versions(self) -> type[Versions[C]]:
        """Versions of models."""
        return Versions

    @dual
    async def get(self, ref: Any = UNSET, second: str = UNSET, **options: Unpack[ModelName]) -> Model[C]:
        """Get a model by "owner/name", or by owner and name.

        Maps to `models.get`. Raises NotFoundError, APIError.
        """
        owner, name, rest = pop_owner_and_name(MODEL, options, ref, second)
        return Model.bind(await self._session.given(rest).call(models_get, owner, name), self._session)

    @dual_page
    async def list(
        self,
        cursor: Cursor = UNSET,
        *,
        sort_by: Literal["model_created_at", "latest_version_created_at"] = UNSET,
        sort_direction: Literal["asc", "desc"] = UNSET,
        **options: Unpack[ListOptions],
    ) -> Page[C, Model[C]]:
        """List public models, by default the newest versions first. Maps to `models.list`. Raises APIError."""
        order: Any = {"sort_by": sort_by, "sort_direction": sort_direction}
        check_parameters(order)
        return await fetch(self._session, Model[C].bind, models_list, cursor, options, **order)

    @dual_page
    async def search(
        self, text: str = UNSET, *, cursor: Cursor = UNSET, **options: Unpack[SearchWords]
    ) -> Page[C, Model[C]]:
        """Search public models. Maps to `QUERY /models`. Raises APIError.

        `client.search` finds more, and returns metadata about each match.
        """
        rest: Any = drop_unset(options)
        wanted = require_text("query", pop_alias(QUERY, text, rest))
        return await fetch(self._session, Model[C].bind, models_search, cursor, rest, wanted)

    @dual
    async def create(
        self,
        owner: str,
        name: str,
        *,
        hardware: Any,
        visibility: Literal["public", "private"],
        description: str | None = UNSET,
        github_url: str | None = UNSET,
        paper_url: str | None = UNSET,
        license_url: str | None = UNSET,
        cover_image_url: str | None = UNSET,
        **options: Unpack[RequestOptions],
    ) -> Model[C]:
        """Create a model without versions, as a place to push versions to or as the destination of a training.

        `owner` is the token's account. `hardware` is a `sku`, or an object from `hardware.list`. Maps to
        `models.create`. Raises ConflictError, APIStatusError; before anything is sent, TypeError or ValueError for
        arguments that are missing or cannot be encoded as JSON.
        """
        body = {
            "owner": require("owner", owner),
            "name": require("name", name),
            "visibility": require("visibility", visibility),
            "hardware": require("hardware", getattr(hardware, "sku", hardware)),
            "description": description,
            "github_url": github_url,
            "paper_url": paper_url,
            "license_url": license_url,
            "cover_image_url": cover_image_url,
        }
        check_fields(body)
        return Model.bind(await self._session.given(options).call(models_create, body=body), self._session)

    @dual
    async def update(
        self,
        ref: Any = UNSET,
        second: str = UNSET,
        *,
        description: str | None = UNSET,
        readme: str | None = UNSET,
        github_url: str | None = UNSET,
        paper_url: str | None = UNSET,
        license_url: str | None = UNSET,
        weights_url: str | None = UNSET,
        **options: Unpack[ModelName],
    ) -> Model[C]:
        """Change the metadata of a model that you own. The model is named as in `get`.

        Maps to `models.update`. Raises NotFoundError, APIError; before anything is sent, TypeError or ValueError for
        arguments that cannot be encoded as JSON.
        """
        owner, name, rest = pop_owner_and_name(MODEL, options, ref, second)
        body = {
            "description": description,
            "readme": readme,
            "github_url": github_url,
            "paper_url": paper_url,
            "license_url": license_url,
            "weights_url": weights_url,
        }
        check_fields(body)
        changed = await self._session.given(rest).call(models_update, owner, name, body=body)
        return Model.bind(changed, self._session)

    @dual
    async def delete(self, ref: Any = UNSET, second: str = UNSET, **options: Unpack[ModelName]) -> bool:
        """Delete a private model of yours that has no versions, named as in `get`. Returns True.

        Maps to `models.delete`. Raises NotFoundError, APIError.
        """
        owner, name, rest = pop_owner_and_name(MODEL, options, ref, second)
        await self._session.given(rest).call(models_delete, owner, name)
        return True
