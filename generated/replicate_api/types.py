"""What every endpoint and model of this package is made of: requests as values, and JSON objects read tolerantly.

Nothing here does I/O. An endpoint module turns its parameters into a `Request` and a response's content into models;
whoever calls it sends the one and supplies the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar, cast
from urllib.parse import quote

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, Self

    P = ParamSpec("P")

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Unset:
    """The type of `UNSET`: an argument that was not given, as opposed to one given as None."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "UNSET"

    def __reduce__(self) -> str:
        return "UNSET"  # copies and pickles are this very object, so that `is UNSET` holds after them


UNSET: Any = Unset()


class MalformedResponse(ValueError):
    """A response's content is not what the operation answers with: not JSON, or JSON of another shape."""


class Part(NamedTuple):
    """One part of a multipart/form-data body. `content` is sent as it is; a file object is read as it is sent."""

    name: str
    content: str | bytes | IO[bytes]
    filename: str | None = None
    content_type: str | None = None


class Request(NamedTuple):
    """An HTTP request as a value. `path` is quoted and relative to the server's URL; `json` is UNSET for no body.

    `content` is a body that is neither JSON nor a form, and is sent as it is.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = {}
    json: Any = UNSET
    parts: tuple[Part, ...] = ()
    content: bytes | str | None = None


if TYPE_CHECKING:

    class Endpoint(Protocol[P, T_co]):
        """What each endpoint module offers."""

        def build_request(self, *args: P.args, **kwargs: P.kwargs) -> Request: ...
        def parse_response(self, content: bytes) -> T_co: ...


# ---- requests


def segment(name: str, value: object) -> str:
    """Quote a path parameter, or raise where it would address another resource.

    An empty segment or a dot segment changes the path it stands in: HTTP clients and servers resolve
    `/models/o/n/versions/..` to `/models/o/n` (RFC 3986, section 5.2.4).
    """
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    text = str(value)
    if not text:
        raise ValueError(f"Expected a non-empty value for `{name}` but received {text!r}")
    if text in (".", ".."):
        raise ValueError(f"{name} must name something, not {text!r}")
    return quote(text, safe="")


def query(**values: Any) -> tuple[tuple[str, str], ...]:
    """Encode query parameters, leaving out those that are UNSET or None."""
    return tuple((name, text(value)) for name, value in values.items() if value is not UNSET and value is not None)


def headers(values: Mapping[str, Any]) -> dict[str, str]:
    """Encode header parameters, leaving out those that are UNSET or None."""
    return {name: text(value) for name, value in values.items() if value is not UNSET and value is not None}


def text(value: object) -> str:
    """Write one value the way the API reads it in a query or header. A naive datetime is taken as local time."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.astimezone()).isoformat()
    if isinstance(value, (list, tuple)):
        return ",".join(text(item) for item in cast("Iterable[Any]", value))
    return str(value)


def multipart(value: Mapping[str, Any] | Payload) -> tuple[Part, ...]:
    """Turn a form's fields into parts: a `Part` gives its own file name, type and content; a dict or list is JSON."""
    form = by_json_name(value) if isinstance(value, Payload) else value
    return tuple(part(name, field) for name, field in form.items() if field is not UNSET and field is not None)


def part(name: str, value: Any) -> Part:
    """Turn one form field into a part. Content without a file name is sent as a file of the field's name."""
    if isinstance(value, Part):
        return value._replace(name=name)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return Part(name, bytes(cast("bytes", value)), name, "application/octet-stream")
    if hasattr(value, "read"):
        return Part(name, value, name, "application/octet-stream")
    if isinstance(value, (Mapping, list, tuple, Payload)):
        return Part(name, json.dumps(plain(value), allow_nan=False), None, "application/json")
    return Part(name, text(value))


def plain(value: Any) -> Any:
    """Reduce models, datetimes, mappings and sequences to what `json.dumps` takes; other values pass through."""
    if isinstance(value, Payload):
        return value.to_dict()
    if isinstance(value, datetime):
        return text(value)
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return {key: plain(item) for key, item in members.items() if item is not UNSET}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in cast("Iterable[Any]", value)]
    return value


# ---- responses


def decode(content: bytes, decoder: Callable[[Any], T]) -> T:
    """Read a response's JSON content. Raises MalformedResponse if it is not JSON, or not of the decoder's shape."""
    try:
        return decoder(json.loads(content))
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedResponse(str(error)) from error  # the content is not shown: it may echo a secret


def each(decoder: Callable[[Any], T]) -> Callable[[Any], list[T]]:
    """Decode every item of an array. An item that cannot be read is kept as it came."""

    def decode_array(value: Any) -> list[T]:
        if not isinstance(value, list):
            raise TypeError(f"expected a JSON array, got {type(value).__name__}")
        return [tolerate(decoder, item) for item in cast("Iterable[Any]", value)]

    return decode_array


def tolerate(decoder: Callable[[Any], Any], value: Any) -> Any:
    """Decode a value, or keep it as it came, null too: one odd field never loses the rest of a response."""
    try:
        return decoder(value)
    except (TypeError, ValueError, OverflowError):
        return value


def timestamp(value: Any) -> datetime:
    """Read an ISO 8601 time of any precision as an aware datetime. Without an offset it is UTC."""
    if not isinstance(value, str):
        raise TypeError(f"expected an ISO 8601 string, got {type(value).__name__}")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:  # not every form of ISO 8601
        from dateutil.parser import isoparse

        moment = isoparse(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Payload:
    """A JSON object of the API: declared fields are attributes, unknown ones are in `additional_properties`.

    A response is read tolerantly. A declared field that it did not carry reads as None and stays absent from
    `to_dict()`; a value of another type than declared is kept as it came; an unknown field is kept, and can be read as
    an attribute too. Fields can also be read as items (`urls["get"]`), and `dict(payload)` is a shallow copy of them.
    """

    renamed: ClassVar[Mapping[str, str]] = {}  # JSON name -> attribute, where the JSON name cannot be one

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        """Name the attributes that are more than plain JSON, and what reads them."""
        return {}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises TypeError if `data` is not one; nothing in it raises."""
        if not isinstance(data, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # it is whatever was sent
            raise TypeError(f"expected a JSON object for {cls.__name__}, got {type(data).__name__}")
        declared = fields(cls)
        state: dict[str, Any] = {}
        unknown: dict[str, Any] = {}
        for key, value in data.items():
            if key in declared.readers:
                attribute, decoder = declared.readers[key]
                state[attribute] = value if decoder is None else tolerate(decoder, value)
            else:
                unknown[key] = value
        self = cls.__new__(cls)
        self.__dict__.update(state, additional_properties=unknown)
        return self

    def __attrs_post_init__(self) -> None:
        given = {name: value for name, value in self.__dict__.items() if value is not UNSET}
        self.__dict__.clear()
        self.__dict__.update(given, additional_properties={})

    @property
    def set_fields(self) -> dict[str, Any]:
        """The declared fields that are set, by attribute, in the order they came."""
        declared = fields(type(self)).json_names
        return {name: value for name, value in self.__dict__.items() if name in declared}

    def to_dict(self) -> dict[str, Any]:
        """Give the object as plain data under its JSON names: unknown fields too, absent ones not."""
        return {name: plain(value) for name, value in by_json_name(self).items()}

    def keys(self) -> list[str]:
        """List the names that `self[name]` takes: of all fields that are set, unknown ones too."""
        return [*self.set_fields, *self.additional_properties]

    def values(self) -> list[Any]:
        """List the values of the fields that are set, in the order of `keys`."""
        return [self[name] for name in self.keys()]

    def items(self) -> list[tuple[str, Any]]:
        """List the fields that are set, as pairs of a name and a value."""
        return [(name, self[name]) for name in self.keys()]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.keys())

    def __getitem__(self, name: str) -> Any:
        try:
            return self.additional_properties[name] if name in self.additional_properties else self.set_fields[name]
        except KeyError:
            raise KeyError(name) from None

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Payload) or not (isinstance(other, type(self)) or isinstance(self, type(other))):
            return NotImplemented
        return self.set_fields == other.set_fields and self.additional_properties == other.additional_properties

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={abridged(self[name])}" for name in self.keys())
        return f"{type(self).__name__}({shown})"

    if TYPE_CHECKING:
        additional_properties: dict[str, Any]
    else:  # type checkers should accept the declared fields only

        def __getattr__(self, name: str) -> Any:
            """Read a declared field that is absent as None, and an unknown one as what came."""
            if name.startswith("__") or "additional_properties" not in self.__dict__:
                raise AttributeError(name)
            if name in fields(type(self)).json_names:
                return None
            if name in self.additional_properties:
                return self.additional_properties[name]
            if name == "get":  # no method, which a field of that name would hide
                return {**dict(self)}.get
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def by_json_name(payload: Payload) -> dict[str, Any]:
    """Give what is set, unknown fields too, under its JSON names."""
    names = fields(type(payload)).json_names
    return {**{names[name]: value for name, value in payload.set_fields.items()}, **payload.additional_properties}


class Fields(NamedTuple):
    """The declared fields of a model."""

    json_names: Mapping[str, str]  # attribute -> JSON name
    readers: Mapping[str, tuple[str, Callable[[Any], Any] | None]]  # JSON name -> attribute, and what reads it


known: dict[type[Payload], Fields] = {}


def fields(cls: type[Payload]) -> Fields:
    """Look up the declared fields of a model, once for each class."""
    if cls not in known:
        names = [field.name for field in getattr(cls, "__attrs_attrs__", ())]
        json_names = {**{name: name for name in names}, **{name: key for key, name in cls.renamed.items()}}
        decoders = cls.decoders()
        known[cls] = Fields(json_names, {json_names[name]: (name, decoders.get(name)) for name in names})
    return known[cls]


def abridged(value: object, limit: int = 80) -> str:
    """Show a value in a repr: one whose text is long only by its beginning."""
    shown = repr(value)
    return shown if len(shown) <= limit else f"{shown[:limit]}…"
