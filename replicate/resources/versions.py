"""Versions of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from replicate._dual.colours import C
from replicate._dual.methods import dual
from replicate._http import log
from replicate._http.options import ListOptions
from replicate._inputs.aliases import (
    MODEL,
    VERSION,
    BareVersionName,
    ModelListName,
    VersionName,
    pop_id,
    pop_owner_and_name,
    pop_version,
)
from replicate._objects.page import Cursor, Page, dual_page, fetch
from replicate._objects.resource import Namespace, Resource
from replicate.resources.predictions import predicted
from replicate_api import models
from replicate_api.api.models import models_versions_delete, models_versions_get, models_versions_list
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from replicate._http.session import Session


class Version(Resource[C], models.Version):
    """A version of a model: its id and, in `openapi_schema`, the schemas of its input and output."""

    first: ClassVar[tuple[str, ...]] = ("id", "created_at", "cog_version", "openapi_schema")

    @dual
    async def predict(self, /, **input: Any) -> Any:
        """Run this version, wait for it and return its output, files as URLs. Deprecated: use `client.run`.

        Raises RunError, such as ModelError if it fails, and the errors of `client.predictions.create`.
        """
        log.warn("version.predict is deprecated: use client.run", DeprecationWarning, stacklevel=3)
        return await predicted(self._session, version=self.id, input=input)


class Versions(Namespace[C]):
    """`client.models.versions`: https://replicate.com/docs/reference/http#models.versions.list."""

    @dual
    async def get(
        self, ref: Any = UNSET, second: Any = UNSET, third: Any = UNSET, **options: Unpack[VersionName]
    ) -> Version[C]:
        """Get a version by owner, name and id, by model and id, or by "owner/name:id".

        Maps to `models.versions.get`. Raises NotFoundError, APIError.
        """
        owner, name, version, rest = pop_version(options, ref, second, third)
        found = await self._session.given(rest).call(models_versions_get, owner, name, version)
        return Version.bind(found, self._session)

    @dual_page
    async def list(
        self, ref: Any = UNSET, second: str = UNSET, *, cursor: Cursor = UNSET, **options: Unpack[ModelListName]
    ) -> Page[C, Version[C]]:
        """List the versions of a model, newest first. Maps to `models.versions.list`. Raises NotFoundError, APIError.

        The API does not list the versions of official models.
        """
        owner, name, rest = pop_owner_and_name(MODEL, options, ref, second)
        return await fetch(self._session, Version[C].bind, models_versions_list, cursor, rest, owner, name)

    @dual
    async def delete(
        self, ref: Any = UNSET, second: Any = UNSET, third: Any = UNSET, **options: Unpack[VersionName]
    ) -> bool:
        """Delete a version of a model that you own, named as in `get`. Returns True.

        Maps to `models.versions.delete`. Raises NotFoundError, PermissionDeniedError, APIError.
        """
        owner, name, version, rest = pop_version(options, ref, second, third)
        await self._session.given(rest).call(models_versions_delete, owner, name, version)
        return True


class ModelVersions(Namespace[C]):
    """`model.versions`: `client.models.versions` for one model."""

    def __init__(self, session: Session[C], owner: str, name: str) -> None:
        super().__init__(session)
        self.model: tuple[str, str] = owner, name

    @dual
    async def get(self, version: Any = UNSET, **options: Unpack[BareVersionName]) -> Version[C]:
        """Get a version of this model by its id. Maps to `models.versions.get`. Raises NotFoundError, APIError."""
        version_id, rest = pop_id(VERSION, version, options)
        found = await self._session.given(rest).call(models_versions_get, *self.model, version_id)
        return Version.bind(found, self._session)

    @dual_page
    async def list(self, cursor: Cursor = UNSET, **options: Unpack[ListOptions]) -> Page[C, Version[C]]:
        """List the versions of this model, newest first. Maps to `models.versions.list`. Raises APIError."""
        return await fetch(self._session, Version[C].bind, models_versions_list, cursor, options, *self.model)

    @dual
    async def delete(self, version: Any = UNSET, **options: Unpack[BareVersionName]) -> bool:
        """Delete a version of this model. Returns True. Maps to `models.versions.delete`. Raises APIError."""
        version_id, rest = pop_id(VERSION, version, options)
        await self._session.given(rest).call(models_versions_delete, *self.model, version_id)
        return True
