"""What the nouns of the API have in common: a namespace of operations, and objects that know their session."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, cast

from replicate._core.dual import C

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

    from replicate._core.dual import Coloured
    from replicate._core.session import Session
    from replicate_api.types import Payload


def session_of(owner: Coloured[C]) -> Session[C]:
    """Give the session of a client, a namespace or an object: the one way for other files to reach it."""
    return owner._session  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - here only


class Namespace(Generic[C]):
    """Operations on one noun, such as `client.predictions`."""

    def __init__(self, session: Session[C]) -> None:
        self._session = session

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._session.config.base_url}>"


class Resource(Generic[C]):
    """An object of the API that can act on itself: a generated model, and the session it came by.

    Copies share the session; pickles leave it behind, and what is loaded from one acts through the default client.
    """

    _bound: Session[C] | None = None

    @classmethod
    def bind(cls, payload: Payload, session: Session[C]) -> Self:
        """Give a generated model's data the methods of this class."""
        self = cls.__new__(cls)
        self.__dict__.update(payload.__dict__, _bound=session)
        return self

    @property
    def _session(self) -> Session[C]:
        if self._bound is None:
            # The only way up: an object without a client, such as one from a pickle, acts through the default client.
            self._bound = cast("Session[C]", session_of(import_module("replicate").default_client))
        return self._bound

    def __getstate__(self) -> Mapping[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_bound"}

    def __copy__(self) -> Self:
        return self._like(self.__getstate__())

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        from copy import deepcopy

        return self._like(deepcopy(self.__getstate__(), memo))

    def _like(self, state: Mapping[str, Any]) -> Self:
        other = type(self).__new__(type(self))
        other.__dict__.update(state, _bound=self._bound)
        return other


def renew(resource: Resource[Any], payload: Payload) -> None:
    """Replace an object's data by that of a newer answer, in place."""
    session = session_of(resource)
    resource.__dict__.clear()
    resource.__dict__.update(payload.__dict__, _bound=session)
