"""What the nouns of the API have in common: a namespace of operations, and objects that know their session."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, overload

from replicate._dual.async_names import AsyncNames, rebound
from replicate._dual.colours import Async, C, Owner
from replicate._json import is_array
from replicate._objects.raw_response import RawResponses
from replicate._upward import default_client
from replicate_api.types import UNSET, Payload, fields, part_of, stored, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from typing import Self

    from replicate._dual.colours import Coloured
    from replicate._http.session import Session

N = TypeVar("N")


def session_of(owner: Coloured[C]) -> Session[C]:
    """Give the session of a client, a namespace or an object: the one way for other files to reach it."""
    session: Any = owner._session  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - here only
    return session  # type: ignore[no-any-return]  # there is one class of sessions


class namespace(Generic[Owner, N]):  # noqa: N801 - reads as the decorator it is
    """A namespace of a client or of another namespace, of the class that a function gives: made when it is first used.

    On the class of its owner it is that class, for mocks and for those who inspect it.
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
    """Give the class of the namespaces of asynchronous clients only, whose methods are coroutine functions."""
    members = {"_colour": Async, "__doc__": cls.__doc__, "__module__": cls.__module__, "__qualname__": cls.__qualname__}
    return cast("type[N]", type(cls.__name__, (cls,), members))


class Namespace(RawResponses, AsyncNames, Generic[C]):
    """Operations on one noun, such as `client.predictions`."""

    def __init__(self, session: Session[C]) -> None:
        self._session = session

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._session.config.base_url}>"


class Bound(AsyncNames, Generic[C]):
    """What came by a session, and can go on with it.

    Copies share the session; pickles leave it behind, and what is loaded from one acts through the default client.
    """

    _bound: Session[C] | None = None

    @property
    def _session(self) -> Session[C]:
        if self._bound is None:
            self._bound = cast("Session[C]", session_of(default_client()))
        return self._bound

    def _complete(self) -> None:
        """Make what is made when it is asked for, while this has the session that it is made for."""

    def _rebind(self, session: Session[Any]) -> None:
        """Act through another session, with all objects that this one has made."""
        if self._bound is not session:
            self._bound = session
            for name, value in [*vars(self).items()]:
                if name not in NO_OBJECTS:
                    rebound(value, session)

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
"""What an object is made of and holds no other objects."""


INTERNALS = {
    "additional_properties", "as_plain", "bind", "decoders", "endpoints", "first", "renamed", "set_fields",
}  # fmt: skip
"""What objects are made of, and their users have no use for."""


class Resource(Bound[C], Payload):
    """An object of the API that can act on itself: a generated model, and the session it came by.

    Its fields can be had as plain data by whatever name a generation of this client has had for that.
    """

    _nested: ClassVar[Mapping[str, Callable[[Any, Any], Any]]] = {}
    """The fields that hold objects of their own, and what binds each."""

    def __init__(self, *ordered: Any, **named: Any) -> None:
        """Make an object of its fields, in their order or by name; none has to be there.

        It acts through the default client.
        """
        declared = [*fields(type(self)).readers]
        if len(ordered) > len(declared):
            raise TypeError(f"{type(self).__name__} has {len(declared)} fields, not {len(ordered)}")
        fill(self, type(self).from_dict({**dict(zip(declared, ordered, strict=False)), **named}), None)

    def __init_subclass__(cls, **options: Any) -> None:
        """Declare the fields, for those who look at the class: `MagicMock(spec=Prediction).urls`."""
        super().__init_subclass__(**options)
        fields(cls)

    def __dir__(self) -> Iterable[str]:
        return [name for name in super().__dir__() if name not in INTERNALS]

    @classmethod
    def bind(cls, payload: Payload | dict[str, Any], session: Session[C] | None) -> Self:
        """Give a generated model's data, or the JSON that one would be read from, the methods of this class.

        The JSON is kept, not copied.
        """
        self = cls.__new__(cls)
        if isinstance(payload, Payload):
            fill(self, payload, session)
        else:
            self._unread, self._bound = payload, session  # which takes less than to make its `__dict__`
        return self

    def _decoded(self, name: str, decoder: Callable[[Any], Any], value: Any) -> Any:
        """Decode a field, and bind the objects in it."""
        decoded = super()._decoded(name, decoder, value)
        bind = self._nested.get(name)
        return decoded if bind is None else nested(decoded, bind, self._bound)

    def _complete(self) -> None:
        whole(self)

    def __getstate__(self) -> Mapping[str, Any]:
        whole(self)
        return super().__getstate__()

    @classmethod
    def model_validate(cls, obj: Mapping[str, Any]) -> Self:
        """Read an object from plain data, tolerantly: a field of another type is kept as it is.

        It acts through the default client. Raises TypeError for what is no mapping.
        """
        return cls.bind(cls.from_dict(obj), None)

    @classmethod
    def parse_obj(cls, obj: Mapping[str, Any]) -> Self:
        """Do as `model_validate`."""
        return cls.model_validate(obj)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes) -> Self:
        """Read an object from JSON text, as `model_validate` does. Raises ValueError, TypeError."""
        return cls.model_validate(json.loads(json_data))

    @classmethod
    def parse_raw(cls, b: str | bytes) -> Self:
        """Do as `model_validate_json`."""
        return cls.model_validate_json(b)

    @classmethod
    def construct(cls, _fields_set: Collection[str] | None = None, **values: Any) -> Self:
        """Make an object of the fields given; nothing is missing."""
        return cls.model_validate(values)

    @classmethod
    def model_construct(cls, _fields_set: Collection[str] | None = None, **values: Any) -> Self:
        """Do as `construct`."""
        return cls.model_validate(values)

    def __iter__(self) -> Iterator[Any]:
        """Iterate the fields as pairs of a name and a value, as `keys` lists them."""
        return iter(self.items())

    def keys(self) -> list[str]:
        """List the names of the fields: those that did not come too, which are None, and unknown ones that did."""
        return [*fields(type(self)).attributes, *self.additional_properties]

    def __getitem__(self, name: str) -> Any:
        if name in fields(type(self)).attributes and name not in self.additional_properties:
            return stored(self, name)
        return super().__getitem__(name)

    @property
    def model_extra(self) -> dict[str, Any]:
        """The fields that came and are not declared."""
        return self.additional_properties

    @property
    def model_fields_set(self) -> set[str]:
        """The names of the fields that came."""
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
        """Copy the object, its values too if `deep`, without some of its fields and with others changed.

        `include` and `exclude` are as for `dict`.
        """
        other = self.__deepcopy__({}) if deep else self.__copy__()
        if include is not None or exclude is not None:
            leave_out(other, include, exclude)
        other.__dict__.update(update or {})
        return other

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the object, its values too if `deep`, with some of its fields changed."""
        return self.copy(update=update, deep=deep)


def leave_out(resource: Resource[Any], include: Any, exclude: Any) -> None:
    """Take from an object, which is a copy, what is not included, or is excluded."""
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


def fill(resource: Resource[C], payload: Payload, session: Session[C] | None) -> None:
    """Make an answer the data of an object, and what is nested in it objects too."""
    state = resource.__dict__
    state.update(payload.__dict__, _bound=session)
    for name, bind in resource._nested.items():  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - here only
        if name in state:
            state[name] = nested(state[name], bind, session)


def nested(value: Any, bind: Callable[[Any, Any], Any], session: Session[Any] | None) -> Any:
    """Bind an object, or each of a list; what the API sent instead stays what it is."""
    if isinstance(value, Payload):
        return bind(value, session)
    return [nested(item, bind, session) for item in value] if is_array(value) else value


def renew(resource: Coloured[Any], payload: Payload) -> None:
    """Replace an object's data by that of a newer answer, in place and at once: an interrupt leaves it whole."""
    renewed: Resource[Any] = cast("type[Resource[Any]]", type(resource)).bind(payload, session_of(resource))
    resource.__dict__ = renewed.__dict__
