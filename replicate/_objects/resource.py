"""Base classes for all resources of the API: namespaces of operations, and objects that hold a session."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, overload

from replicate._dual.async_names import AsyncNames, rebind_all
from replicate._dual.colours import Async, C, Owner
from replicate._json import is_array, parse
from replicate._objects.raw_response import RawResponses
from replicate._upward import default_client
from replicate._wording import safe_repr
from replicate_api.types import UNSET, Payload, fields, part_of, stored, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from typing import Self

    from replicate._dual.colours import Coloured
    from replicate._http.session import Session

N = TypeVar("N")


def session_of(owner: Coloured[C]) -> Session[C]:
    """Return the session of a client, namespace or object. Other modules must use this function."""
    session: Any = owner._session  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - only here
    return session  # type: ignore[no-any-return]  # Session is the only class of sessions


class namespace(Generic[Owner, N]):  # noqa: N801 - reads as the decorator it is
    """A namespace of a client or of another namespace, created on first use. The function returns its class.

    Accessed on the owner's class, it is the namespace's class, for mocks and inspection.
    """

    def __init__(self, load: Callable[[Owner], type[N]]) -> None:
        self._load = load
        functools.update_wrapper(cast("Any", self), load)

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, owner: None, kind: type) -> type[N]: ...
    @overload
    def __get__(self, owner: Owner, kind: type) -> N: ...
    def __get__(self, owner: Any, kind: type) -> Any:
        cls: Any = self._load(owner)
        if owner is None:
            return asynchronous(cls) if getattr(kind, "_colour", None) is Async else cls
        return owner.__dict__.setdefault(self._name, cls(session_of(owner)))


@functools.cache
def asynchronous(cls: type[N]) -> type[N]:
    """Return the variant of a namespace's class for asynchronous clients, whose methods are coroutine functions."""
    members = {"_colour": Async, "__doc__": cls.__doc__, "__module__": cls.__module__, "__qualname__": cls.__qualname__}
    return cast("type[N]", type(cls.__name__, (cls,), members))


class Namespace(RawResponses, AsyncNames, Generic[C]):
    """The operations on one kind of resource, such as `client.predictions`."""

    def __init__(self, session: Session[C]) -> None:
        self._session = session

    @safe_repr
    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._session.config.base_url}>"


class Bound(AsyncNames, Generic[C]):
    """An object that came through a session, and sends its requests through it.

    Copies share the session. Pickles leave it out; an unpickled object uses the default client.
    """

    _bound: Session[C] | None = None

    @property
    def _session(self) -> Session[C]:
        if self._bound is None:
            self._bound = cast("Session[C]", session_of(default_client()))
        return self._bound

    def _complete(self) -> None:
        """Create everything that is created lazily, while this object still has the session for it."""

    def _rebind(self, session: Session[Any]) -> None:
        """Use another session, also in all objects that this one has created."""
        if self._bound is not session:
            self._bound = session
            for name, value in [*vars(self).items()]:
                if name not in NO_OBJECTS:
                    rebind_all(value, session)

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


NO_OBJECTS = ("_bound", "_unread", "additional_properties", "input")
"""Attributes that hold no other objects."""


INTERNALS = {
    "additional_properties", "as_plain", "bind", "decoders", "endpoints", "first", "renamed", "set_fields",
}  # fmt: skip
"""Internal attributes that `dir()` leaves out."""


class Resource(Bound[C], Payload):
    """An object of the API that can act on itself: a generated model with the session it came through.

    Its fields are available as plain data, under the names that each generation of this client has used for that.
    """

    _nested: ClassVar[Mapping[str, Callable[[Any, Any], Any]]] = {}
    """The fields that hold other objects, and the function that binds each."""

    def __init__(self, *ordered: Any, **named: Any) -> None:
        """Make an object from its fields, in their order or by name. No field is required.

        The object uses the default client.
        """
        declared = [*fields(type(self)).readers]
        if len(ordered) > len(declared):
            raise TypeError(f"{type(self).__name__} has {len(declared)} fields, not {len(ordered)}")
        fill_from(self, type(self).from_dict({**dict(zip(declared, ordered, strict=False)), **named}), None)

    def __init_subclass__(cls, **options: Any) -> None:
        """Declare the fields on the class, for tools that inspect it: `MagicMock(spec=Prediction).urls`."""
        super().__init_subclass__(**options)
        fields(cls)

    def __dir__(self) -> Iterable[str]:
        return [name for name in super().__dir__() if name not in INTERNALS]

    @classmethod
    def bind(cls, payload: Payload | dict[str, Any], session: Session[C] | None) -> Self:
        """Make an object of this class from a generated model, or from the JSON for one.

        The JSON is kept, not copied.
        """
        self = cls.__new__(cls)
        if isinstance(payload, Payload):
            fill_from(self, payload, session)
        else:
            self._unread, self._bound = payload, session  # faster than filling its `__dict__`
        return self

    def _decoded(self, name: str, decoder: Callable[[Any], Any], value: Any) -> Any:
        """Decode a field, and bind the objects in it."""
        decoded = super()._decoded(name, decoder, value)
        bind = self._nested.get(name)
        return decoded if bind is None else bind_nested(decoded, bind, self._bound)

    def _complete(self) -> None:
        whole(self)

    def __getstate__(self) -> Mapping[str, Any]:
        whole(self)
        return super().__getstate__()

    @classmethod
    def model_validate(cls, obj: Mapping[str, Any]) -> Self:
        """Read an object from plain data, tolerantly: a field of another type is kept as it is.

        The object uses the default client. Raises TypeError if the data is not a mapping.
        """
        return cls.bind(cls.from_dict(obj), None)

    @classmethod
    def parse_obj(cls, obj: Mapping[str, Any]) -> Self:
        """Do the same as `model_validate`."""
        return cls.model_validate(obj)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes) -> Self:
        """Read an object from JSON text, as `model_validate` does. Raises ValueError, TypeError."""
        return cls.model_validate(parse(json_data))

    @classmethod
    def parse_raw(cls, b: str | bytes) -> Self:
        """Do the same as `model_validate_json`."""
        return cls.model_validate_json(b)

    @classmethod
    def construct(cls, _fields_set: Collection[str] | None = None, **values: Any) -> Self:
        """Make an object from the given fields. No field is required."""
        return cls.model_validate(values)

    @classmethod
    def model_construct(cls, _fields_set: Collection[str] | None = None, **values: Any) -> Self:
        """Do the same as `construct`."""
        return cls.model_validate(values)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the fields as pairs of a name and a value, in the order of `keys`."""
        return iter(self.items())

    def keys(self) -> list[str]:
        """List the names of all declared fields, including absent ones (None), and of unknown fields that arrived."""
        return [*fields(type(self)).attributes, *self.additional_properties]

    def __getitem__(self, name: str) -> Any:
        if name in fields(type(self)).attributes and name not in self.additional_properties:
            return stored(self, name)
        return super().__getitem__(name)

    @property
    def model_extra(self) -> dict[str, Any]:
        """The fields that arrived but are not declared."""
        return self.additional_properties

    @property
    def model_fields_set(self) -> set[str]:
        """The names of the fields that arrived."""
        return {*self.set_fields, *self.additional_properties}

    @classmethod
    def _read(cls, value: Any) -> Any:
        return cls.model_validate(value)

    def _written(self, info: Any) -> Any:
        none = info.exclude_none or info.exclude_defaults
        return self.dict(exclude_unset=info.exclude_unset, exclude_none=none)

    def copy(
        self,
        *,
        include: Collection[Any] | None = None,
        exclude: Collection[Any] | None = None,
        update: Mapping[str, Any] | None = None,
        deep: bool = False,
    ) -> Self:
        """Copy the object, with `deep` its values too, without some of its fields and with others changed.

        `include` and `exclude` work as for `dict`.
        """
        other = self.__deepcopy__({}) if deep else self.__copy__()
        if include is not None or exclude is not None:
            leave_out(other, include, exclude)
        other.__dict__.update(update or {})
        return other

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the object, with `deep` its values too, and change some of its fields."""
        return self.copy(update=update, deep=deep)


def leave_out(resource: Resource[Any], include: Any, exclude: Any) -> None:
    """Remove from a copy the fields that are not included, or are excluded."""
    state, names = resource.__dict__, fields(type(resource)).json_names
    unknown = state["additional_properties"] = {**state["additional_properties"]}
    for members, key_of in ((state, names.get), (unknown, str)):
        for name in [*members]:
            key = key_of(name)
            if key is None:
                continue
            part = part_of(members[name], include, exclude, (key,))
            if part is UNSET:
                del members[name]
            else:
                members[name] = part


def fill_from(resource: Resource[C], payload: Payload, session: Session[C] | None) -> None:
    """Fill an object with the data of a response, and bind the objects nested in it."""
    state = resource.__dict__
    state.update(payload.__dict__, _bound=session)
    for name, bind in resource._nested.items():  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - only here
        if name in state:
            state[name] = bind_nested(state[name], bind, session)


def bind_nested(value: Any, bind: Callable[[Any, Any], Any], session: Session[Any] | None) -> Any:
    """Bind an object, or each object in a list. Any other value stays as the API sent it."""
    if isinstance(value, Payload):
        return bind(value, session)
    return [bind_nested(item, bind, session) for item in value] if is_array(value) else value


def update_from(resource: Coloured[Any], payload: Payload) -> None:
    """Replace an object's data with that of a newer response, in place and atomically for interrupts."""
    renewed: Resource[Any] = cast("type[Resource[Any]]", type(resource)).bind(payload, session_of(resource))
    resource.__dict__ = renewed.__dict__
