"""Collections: curated sets of models for one kind of task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, overload

from replicate._dual.colours import C
from replicate._dual.methods import dual
from replicate._http.options import ListOptions
from replicate._inputs.aliases import COLLECTION, CollectionName, pop_id
from replicate._json import elements
from replicate._objects.page import Cursor, Page, dual_page, fetch
from replicate._objects.resource import Namespace, Resource
from replicate.resources.models import Model
from replicate_api import models
from replicate_api.api.collections import collections_get, collections_list
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from typing_extensions import Unpack


class Collection(Resource[C], models.Collection):
    """A collection, which is also a sequence of its models. Collections from `collections.list` have no models."""

    first: ClassVar[tuple[str, ...]] = ("slug", "name", "description", "models")
    _nested: ClassVar[Mapping[str, Callable[[Any, Any], Any]]] = {"models": Model[Any].bind}
    models: list[Model[C]]  # type: ignore[assignment]  # pyright: ignore[reportIncompatibleVariableOverride]  # bound

    @property
    def id(self) -> str:
        """The `slug`."""
        return self.slug

    def __len__(self) -> int:
        return len(elements(self.models))

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Model[C]]:
        return iter(elements(self.models))

    @overload
    def __getitem__(self, index: int) -> Model[C]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Model[C]]: ...
    @overload
    def __getitem__(self, index: str) -> Any: ...
    def __getitem__(self, index: int | slice | str) -> Any:
        """Return a model by its index, models by a slice, or a field by its name."""
        return super().__getitem__(index) if isinstance(index, str) else elements(self.models)[index]


class Collections(Namespace[C]):
    """`client.collections`: https://replicate.com/docs/reference/http#collections."""

    @dual
    async def get(self, collection: str | Collection[Any] = UNSET, **options: Unpack[CollectionName]) -> Collection[C]:
        """Get a collection with its models by its slug. Maps to `collections.get`. Raises NotFoundError, APIError."""
        collection_slug, rest = pop_id(COLLECTION, collection, options)
        found = await self._session.given(rest).call(collections_get, collection_slug)
        return Collection.bind(found, self._session)

    @dual_page
    async def list(self, cursor: Cursor = UNSET, **options: Unpack[ListOptions]) -> Page[C, Collection[C]]:
        """List the collections, without their models. Maps to `collections.list`. Raises APIError."""
        return await fetch(self._session, Collection[C].bind, collections_list, cursor, options)
