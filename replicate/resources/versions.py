"""Versions of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicate._core.dual import C, dual
from replicate._core.page import Page
from replicate._core.resource import Namespace, Resource
from replicate_api import models
from replicate_api.api.models import models_versions_get, models_versions_list

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from replicate._core.options import RequestOptions


class Version(Resource[C], models.Version):
    """A version of a model: its id, and in `openapi_schema` what it takes and gives."""


class Versions(Namespace[C]):
    """`client.models.versions`: https://replicate.com/docs/reference/http#models.versions.list."""

    @dual
    async def get(
        self, model_owner: str, model_name: str, version_id: str, **options: Unpack[RequestOptions]
    ) -> Version[C]:
        """Get a version of a model by its id. Maps to `models.versions.get`. Raises NotFoundError, APIError."""
        session = self._session
        found = await session.given(options).call(models_versions_get, model_owner, model_name, version_id)
        return Version[C].bind(found, session)

    @dual
    async def list(self, model_owner: str, model_name: str, **options: Unpack[RequestOptions]) -> Page[C, Version[C]]:
        """List the versions of a model, newest first. Maps to `models.versions.list`. Raises NotFoundError, APIError.

        Official models do not list theirs.
        """
        session, fetching = self._session, self._session.given(options)
        page = await fetching.call(models_versions_list, model_owner, model_name)
        return Page(fetching, page, lambda item: Version[C].bind(item, session), models_versions_list)
