"""What every endpoint and model of this package is made of: requests as values, and JSON objects read tolerantly.

Nothing here does I/O. An endpoint module turns its parameters into a `Request` and a response's content into models;
whoever calls it sends the one and supplies the other.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import wraps
from importlib import import_module
from typing import (
    IO,
    TYPE_CHECKING,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Protocol,
    SupportsIndex,
    TypedDict,
    TypeVar,
    Unpack,
    cast,
    get_type_hints,
    overload,
)
from urllib.parse import quote

if TYPE_CHECKING:
    from datetime import timedelta, tzinfo

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

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Tell pydantic: it is null in JSON, and what reads null gets it."""

        def read(value: Any) -> Any:
            if value is not None:
                raise ValueError("expected null")
            return UNSET

        return pydantic_schema(cls, read, lambda _value, _info: None)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "null"}


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


def plain(value: Any, *, none: bool = True) -> Any:
    """Reduce models, datetimes, mappings and sequences to what `json.dumps` takes; other values pass through.

    A timestamp of an answer is the text that the API sent. Without `none`, models leave out what is None.
    """
    if isinstance(value, Payload):
        return value.as_plain(none=none)
    if isinstance(value, Timestamp):
        return str(value)
    if isinstance(value, datetime):
        return text(value)
    if isinstance(value, Mapping):
        members = cast("Mapping[str, Any]", value)
        return {key: plain(item, none=none) for key, item in members.items() if item is not UNSET}
    if isinstance(value, (list, tuple)):
        return [plain(item, none=none) for item in cast("Iterable[Any]", value)]
    return value


# ---- responses


DEEPEST = 200
"""The depth to which an answer is read. What is nested more deeply stays text: whatever walks through values, such as
dumps, copies, comparisons, pickles and reprs, then needs no more than a part of Python's stack."""
TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|-?[0-9]++(?:\.[0-9]*+)?+(?:[eE][-+]?[0-9]*+)?+|[\[\]{}]', re.DOTALL)
"""The parts of JSON that matter to `softened`: texts, numbers and brackets."""
NO_BRACKETS = bytes({*range(256)} - {*b"[]{}"})
AS_LISTS = bytes.maketrans(b"{}", b"[]")
TOO_DEEP = b"[" * (DEEPEST + 1)


def decode(content: bytes, decoder: Callable[[Any], T]) -> T:
    """Read a response's JSON content. Raises MalformedResponse if it is not JSON, or not of the decoder's shape."""
    try:
        return decoder(parse_json(content))
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedResponse(str(error)) from error  # the content is not shown: it may echo a secret


def parse_json(content: bytes) -> Any:
    """Parse JSON. Raises ValueError for what is none, but for nothing that is.

    What Python cannot hold, or only just, is a text, which is its JSON: what is nested more deeply than DEEPEST, and an
    int of more digits than `sys.get_int_max_str_digits()` allows.
    """
    if may_be_deep(content):
        content = softened(content)
    try:
        return json.loads(content)
    except ValueError:
        if (other := softened(content)) == content:
            raise
    except RecursionError:  # only what is not closed is still deep
        raise ValueError("it is nested too deeply") from None
    return json.loads(other)


def may_be_deep(content: bytes) -> bool:
    """Tell whether JSON can be nested more deeply than DEEPEST. Brackets in its texts can make it seem so."""
    left = content.translate(AS_LISTS, NO_BRACKETS)
    for _ in range(DEEPEST):
        if len(left) <= 2 * DEEPEST:
            return False
        if TOO_DEEP in left:
            return True
        left = left.replace(b"[]", b"")
    return bool(left)


def softened(content: bytes) -> bytes:
    """Give JSON with texts in the place of what Python cannot hold; anything else as it is."""
    try:
        text = content.decode(json.detect_encoding(content), "surrogatepass")
    except UnicodeDecodeError:
        return content
    longest = sys.get_int_max_str_digits() or len(text)
    made: list[str] = []
    depth = done = 0
    for token in TOKEN.finditer(text):
        part, start, end = token[0], token.start(), token.end()
        if part in ("[", "{"):
            depth += 1
            if depth == DEEPEST + 1:
                made.append(text[done:start])
                done = start
        elif part in ("]", "}"):
            depth -= 1
            if depth == DEEPEST:
                made.append(json.dumps(text[done:end]))
                done = end
        elif depth <= DEEPEST and len(part) > longest and part.lstrip("-").isdecimal():
            made += text[done:start], json.dumps(part)
            done = end
    return "".join([*made, text[done:]]).encode("utf-8", "surrogatepass") if made else content


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


# ---- timestamps


class Timestamp(datetime):
    """A time in an answer: an aware datetime that also has the methods of the text that the API sent for it.

    `str(moment)` is that text, and so are slices, `in`, `len`, the methods of `str`, and what is compared with text. All
    else is as of any datetime; what is computed from a timestamp is one too, whose text is its `isoformat()`.
    """

    __slots__ = ("_sent",)
    _sent: str

    def __str__(self) -> str:
        try:
            return self._sent
        except AttributeError:  # it was computed
            return self.isoformat()

    def __format__(self, format_spec: str, /) -> str:
        """Format the time if `format_spec` is one of `strftime`, and the text otherwise."""
        return super().__format__(format_spec) if "%" in format_spec else format(str(self), format_spec)

    def __getitem__(self, index: SupportsIndex | slice, /) -> str:
        return str(self)[index]

    def __contains__(self, part: str, /) -> bool:
        return part in str(self)

    def __len__(self) -> int:
        return len(str(self))

    @overload  # type: ignore[override]  # a text, too
    def __add__(self, value: timedelta, /) -> Self: ...
    @overload
    def __add__(self, value: str, /) -> str: ...
    def __add__(self, value: Any, /) -> Any:
        return str(self) + value if isinstance(value, str) else super().__add__(value)

    @overload
    def __radd__(self, value: timedelta, /) -> Self: ...
    @overload
    def __radd__(self, value: str, /) -> str: ...
    def __radd__(self, value: Any, /) -> Any:
        return value + str(self) if isinstance(value, str) else super().__radd__(value)

    @overload  # type: ignore[override]  # of any other datetime, too
    def __sub__(self, value: datetime, /) -> timedelta: ...
    @overload
    def __sub__(self, value: timedelta, /) -> Self: ...
    def __sub__(self, value: Any, /) -> Any:
        return super().__sub__(value)  # pyright: ignore[reportUnknownVariableType]

    @overload
    def replace(self, old: str, new: str, count: SupportsIndex = -1, /) -> str: ...
    @overload
    def replace(
        self,
        year: SupportsIndex = ...,
        month: SupportsIndex = ...,
        day: SupportsIndex = ...,
        hour: SupportsIndex = ...,
        minute: SupportsIndex = ...,
        second: SupportsIndex = ...,
        microsecond: SupportsIndex = ...,
        tzinfo: tzinfo | None = ...,
        *,
        fold: int = ...,
    ) -> Self: ...
    def replace(self, *args: Any, **fields: Any) -> Any:
        """Replace a part of the text if the first argument is a text, and fields of the time otherwise."""
        if args and isinstance(args[0], str):
            return str(self).replace(*args, **fields)
        return super().replace(*args, **fields)

    def __reduce_ex__(self, _protocol: SupportsIndex, /) -> tuple[Any, ...]:
        return restored, (untold(self), str(self))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Tell pydantic: it is the text that the API sent in JSON, and a datetime in Python."""

        def read(value: Any) -> Any:
            return value if isinstance(value, datetime) else timestamp(value)

        return pydantic_schema(cls, read, lambda value, info: str(value) if info.mode == "json" else value)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "format": "date-time"}

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Give NumPy, and what is built on it, a datetime: it would take what has a length for a sequence."""
        from importlib import import_module

        return import_module("numpy").array(untold(self), dtype=dtype or object)

    def __conform__(self, protocol: object, /) -> str | None:
        """Give sqlite3 the text that it makes of any datetime."""
        from sqlite3 import PrepareProtocol

        return self.isoformat(" ") if protocol is PrepareProtocol else None

    if TYPE_CHECKING:
        # What `WITH_TEXT` and `TEXT_METHODS` below are to type checkers.
        def __lt__(self, value: datetime | str, /) -> bool: ...  # type: ignore[override]
        def __le__(self, value: datetime | str, /) -> bool: ...  # type: ignore[override]
        def __gt__(self, value: datetime | str, /) -> bool: ...  # type: ignore[override]
        def __ge__(self, value: datetime | str, /) -> bool: ...  # type: ignore[override]
        def count(self, part: str, start: int = ..., end: int = ..., /) -> int: ...
        def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes: ...
        def endswith(self, suffix: str | tuple[str, ...], start: int = ..., end: int = ..., /) -> bool: ...
        def find(self, part: str, start: int = ..., end: int = ..., /) -> int: ...
        def index(self, part: str, start: int = ..., end: int = ..., /) -> int: ...
        def join(self, parts: Iterable[str], /) -> str: ...
        def ljust(self, width: SupportsIndex, fill: str = " ", /) -> str: ...
        def lower(self) -> str: ...
        def lstrip(self, characters: str | None = None, /) -> str: ...
        def partition(self, separator: str, /) -> tuple[str, str, str]: ...
        def removeprefix(self, prefix: str, /) -> str: ...
        def removesuffix(self, suffix: str, /) -> str: ...
        def rfind(self, part: str, start: int = ..., end: int = ..., /) -> int: ...
        def rjust(self, width: SupportsIndex, fill: str = " ", /) -> str: ...
        def rpartition(self, separator: str, /) -> tuple[str, str, str]: ...
        def rsplit(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]: ...
        def rstrip(self, characters: str | None = None, /) -> str: ...
        def split(self, sep: str | None = None, maxsplit: SupportsIndex = -1) -> list[str]: ...
        def startswith(self, prefix: str | tuple[str, ...], start: int = ..., end: int = ..., /) -> bool: ...
        def strip(self, characters: str | None = None, /) -> str: ...
        def translate(self, table: Any, /) -> str: ...
        def upper(self) -> str: ...


TEXT_METHODS = tuple(
    name for name in dir(str) if name[0] != "_" and name != "maketrans" and not hasattr(datetime, name)
)
"""The methods of a timestamp that are those of its text."""
WITH_TEXT = ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__")
"""The methods of a timestamp that are those of its text if their argument is a text, and a datetime's if not."""


def of_text(name: str) -> Callable[..., Any]:
    """Make a method that is a text's."""
    method = getattr(str, name)

    @wraps(method)
    def call(self: Timestamp, *args: Any, **kwargs: Any) -> Any:
        return method(str(self), *args, **kwargs)

    return call


def of_either(name: str) -> Callable[..., Any]:
    """Make a method that is a text's if its argument is a text, and a datetime's if not."""
    textual, temporal = getattr(str, name), getattr(datetime, name)

    @wraps(temporal)
    def call(self: Timestamp, other: object, /) -> Any:
        return textual(str(self), other) if isinstance(other, str) else temporal(self, other)

    return call


for _name in TEXT_METHODS:
    setattr(Timestamp, _name, of_text(_name))
for _name in WITH_TEXT:
    setattr(Timestamp, _name, of_either(_name))


def untold(moment: datetime) -> datetime:
    """Give a moment as a datetime that is nothing else."""
    return datetime.combine(moment.date(), moment.timetz())


def restored(moment: datetime, sent: str) -> Timestamp:
    """Make a timestamp of a moment and its text."""
    made = Timestamp.combine(moment.date(), moment.timetz())
    made._sent = sent  # pyright: ignore[reportPrivateUsage]
    return made


def timestamp(value: Any) -> Timestamp:
    """Read an ISO 8601 time of any precision. Without an offset it is UTC."""
    if not isinstance(value, str):
        raise TypeError(f"expected an ISO 8601 string, got {type(value).__name__}")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:  # not every form of ISO 8601
        from dateutil.parser import isoparse

        moment = isoparse(value)
    return restored(moment if moment.tzinfo else moment.replace(tzinfo=UTC), value)


# ---- pydantic


def pydantic_schema(kind: type[Any], read: Callable[[Any], Any], write: Callable[[Any, Any], Any]) -> Any:
    """Tell pydantic 2 of a class: its objects are taken as they are, and `read` makes one of anything else.

    `read` raises TypeError or ValueError for what it cannot take. `write` gives what is dumped, of an object and the
    settings of the dump. pydantic is there, for it calls this.
    """
    schema = import_module("pydantic_core.core_schema")

    def validate(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        try:
            return read(value)
        except TypeError as error:
            raise ValueError(str(error)) from error

    written = schema.plain_serializer_function_ser_schema(write, info_arg=True)
    return schema.no_info_plain_validator_function(validate, serialization=written)


def pydantic_properties(kind: type[Payload]) -> dict[str, Any]:
    """Give the JSON schemas of the fields of a model, by JSON name."""
    adapter: Any = import_module("pydantic").TypeAdapter
    models = import_module(".models", __package__)  # which models import for type checkers only
    found = get_type_hints(kind, localns={name: getattr(models, name) for name in models.__all__})
    hints = {name: str if hint is GetText else hint for name, hint in found.items()}
    return {key: adapter(hints.get(name, Any)).json_schema() for key, (name, _) in fields(kind).readers.items()}


class PydanticSerializer:
    """What pydantic dumps an object with where its type is not declared: that of its class."""

    def __init__(self) -> None:
        self._made: dict[type[Any], Any] = {}

    def __get__(self, owner: Any, kind: type[Any]) -> Any:
        if owner is None:
            return self
        if kind not in self._made:
            self._made[kind] = import_module("pydantic").TypeAdapter(kind).serializer
        return self._made[kind]


# ---- plain data


class DumpOptions(TypedDict, total=False):
    """What goes into the plain data of an object, as pydantic calls it."""

    include: Collection[Any] | None
    """These fields only. A mapping says for each field, or index, what of it: True for all."""
    exclude: Collection[Any] | None
    """All but these fields. A mapping says for each field, or index, what of it: True for all."""
    exclude_unset: bool
    """Leave out what the API did not send; otherwise it is None."""
    exclude_none: bool
    """Leave out what is None."""
    exclude_defaults: bool
    """The same: None is the default of every field."""
    mode: str
    """Accepted, and of no effect: the data is always such that JSON can express it."""
    by_alias: bool | None
    """As `mode`."""
    use_api_names: bool | None
    """As `mode`."""
    warnings: bool | str
    """As `mode`."""
    round_trip: bool
    """As `mode`."""
    serialize_as_any: bool
    """As `mode`."""
    context: Any
    """As `mode`."""


class JSONOptions(DumpOptions, total=False):
    """What goes into the JSON text of an object: what `json.dumps` takes, too."""

    ensure_ascii: bool
    sort_keys: bool
    separators: tuple[str, str] | None
    skipkeys: bool
    allow_nan: bool
    check_circular: bool
    cls: type[json.JSONEncoder] | None
    default: Callable[[Any], Any] | None
    encoder: Callable[[Any], Any] | None
    """Accepted, and of no effect: there is nothing in the data that JSON cannot express."""
    models_as_dict: bool
    """As `encoder`."""


DUMP_OPTIONS = tuple(DumpOptions.__annotations__)
JSON_OPTIONS = ("ensure_ascii", "sort_keys", "separators", "skipkeys", "allow_nan", "check_circular", "cls", "default")
"""Those that `json.dumps` takes."""
Data = dict[str, Any]


class PlainData:
    """What can be had as plain data, by whatever name a generation of this client has had for that."""

    __slots__ = ()

    def as_plain(self, *, unset: bool = False, none: bool = True) -> Data:
        """Give plain data under JSON names: with `unset`, what did not come is None; without `none`, nothing is."""
        raise NotImplementedError

    def to_dict(self, **options: Unpack[DumpOptions]) -> Data:
        """Give plain data under the API's own names, times as ISO 8601 text; what did not come is left out.

        Raises TypeError for an unknown option.
        """
        return dumped(self, {"exclude_unset": True, **options})

    def dict(self, **options: Unpack[DumpOptions]) -> Data:
        """Give plain data as `to_dict` does; what did not come is None."""
        return dumped(self, options)

    def model_dump(self, **options: Unpack[DumpOptions]) -> Data:
        """Do as `dict`."""
        return dumped(self, options)

    def to_json(self, *, indent: int | str | None = 2, **options: Unpack[JSONOptions]) -> str:
        """Give `to_dict` as JSON text. It takes what `json.dumps` takes, too."""
        return dumped_json(self, indent, {"exclude_unset": True, **options})

    def json(self, *, indent: int | str | None = None, **options: Unpack[JSONOptions]) -> str:
        """Give `dict` as JSON text. It takes what `json.dumps` takes, too."""
        return dumped_json(self, indent, options)

    def model_dump_json(self, *, indent: int | str | None = None, **options: Unpack[JSONOptions]) -> str:
        """Do as `json`."""
        return dumped_json(self, indent, options)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Copy the object, its values too if `deep`, with some of its fields changed."""
        from copy import copy, deepcopy

        other = (deepcopy if deep else copy)(self)
        for name, value in (update or {}).items():
            setattr(other, name, value)
        return other


def dumped(value: PlainData, options: Mapping[str, Any]) -> Data:
    """Give an object as plain data. Raises TypeError for an unknown option."""
    check_options(options, DUMP_OPTIONS)
    without_none = options.get("exclude_none") or options.get("exclude_defaults")
    data = value.as_plain(unset=not options.get("exclude_unset"), none=not without_none)
    include, exclude = options.get("include"), options.get("exclude")
    return data if include is None and exclude is None else chosen(data, include, exclude)


def dumped_json(value: PlainData, indent: int | str | None, options: Mapping[str, Any]) -> str:
    """Give an object as JSON text. Raises TypeError for an unknown option."""
    check_options(options, (*JSONOptions.__annotations__, *DUMP_OPTIONS))
    data = dumped(value, {name: option for name, option in options.items() if name in DUMP_OPTIONS})
    return json.dumps(data, indent=indent, **{name: options[name] for name in JSON_OPTIONS if name in options})


def check_options(options: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise TypeError for an option that does not exist, naming the one that was probably meant."""
    for name in options:
        if name not in known:
            from difflib import get_close_matches

            close = get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it takes {', '.join(known)}"
            raise TypeError(f"unexpected keyword argument {name!r}; {hint}")


def chosen(value: Any, include: Any, exclude: Any) -> Any:
    """Give what is included of a value, and not excluded: member by member, as pydantic does."""
    if isinstance(value, dict):
        members = cast("Data", value)
        kept = {name: part_of(members[name], include, exclude, (name,)) for name in members}
        rest = {name: found for name, found in kept.items() if found is not UNSET}
        return type(value).from_dict(rest) if isinstance(value, AttributeDict) else rest
    if isinstance(value, list):
        items = cast("list[Any]", value)  # type: ignore[redundant-cast]  # pyright needs it
        places = ((place, place - len(items), "__all__") for place in range(len(items)))
        found = [part_of(items[names[0]], include, exclude, names) for names in places]
        return [item for item in found if item is not UNSET]
    return value


def part_of(value: Any, include: Any, exclude: Any, names: tuple[Any, ...]) -> Any:
    """Give what is chosen of a member by its names; UNSET for nothing."""
    wanted = True if include is None else mentioned(include, names)
    unwanted = False if exclude is None else mentioned(exclude, names)
    if wanted is False or unwanted is True:
        return UNSET
    if wanted is True and unwanted is False:
        return value
    return chosen(value, None if wanted is True else wanted, None if unwanted is False else unwanted)


def mentioned(choice: Any, names: tuple[Any, ...]) -> Any:
    """Tell what a choice says of a member: True for all of it, False for nothing, or a choice of its own members."""
    if isinstance(choice, Mapping):
        said = cast("Mapping[Any, Any]", choice)  # type: ignore[redundant-cast]  # as above
        found = next((said[name] for name in names if name in said), False)
        return True if found is ... else False if found is None else found
    if isinstance(choice, str) or not isinstance(choice, Collection):
        raise TypeError(f"include and exclude are sets of names, or mappings of them, not {type(choice).__name__}")
    return any(name in choice for name in names)


# ---- objects


class Payload(PlainData):
    """A JSON object of the API: declared fields are attributes, unknown ones are in `additional_properties`.

    A response is read tolerantly. A declared field that it did not carry reads as None and stays absent from
    `to_dict()`; a value of another type than declared is kept as it came; an unknown field is kept, and can be read as
    an attribute too. Fields can also be read as items (`model["name"]`), and `dict(payload)` is a shallow copy of them.

    Reading is lazy: `_unread` holds the JSON as it came, and `Field` reads from there; what it has to decode, and what
    is set, is in `__dict__`. Whatever needs all fields reads the rest first (`whole`), and `_unread` is gone.
    """

    if TYPE_CHECKING:
        _unread: Mapping[str, Any] | None
    else:  # it is none of the fields that `typing.get_type_hints` tells of
        _unread = None
    renamed: ClassVar[Mapping[str, str]] = {}  # JSON name -> attribute, where the JSON name cannot be one
    first: ClassVar[tuple[str, ...]] = ()  # attributes that come before all others, in this order

    @staticmethod
    def decoders() -> Mapping[str, Callable[[Any], Any]]:
        """Name the attributes that are more than plain JSON, and what reads them."""
        return {}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises TypeError if `data` is not one; nothing in it raises."""
        if not isinstance(data, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # it is whatever was sent
            raise TypeError(f"expected a JSON object for {cls.__name__}, got {type(data).__name__}")
        fields(cls)  # imports what its fields hold, so that reading them does not
        self = cls.__new__(cls)
        self._unread = {**data}
        return self

    def __attrs_post_init__(self) -> None:
        given = {name: value for name, value in self.__dict__.items() if value is not UNSET}
        self.__dict__.clear()
        self.__dict__.update(given, additional_properties={})

    def _decoded(self, _name: str, decoder: Callable[[Any], Any], value: Any) -> Any:
        """Decode a field that is more than plain JSON."""
        return tolerate(decoder, value)

    @property
    def set_fields(self) -> dict[str, Any]:
        """The declared fields that are set, by attribute, in the order they came."""
        declared = fields(type(self)).json_names
        return {name: value for name, value in whole(self).items() if name in declared}

    def as_plain(self, *, unset: bool = False, none: bool = True) -> Data:
        """Give plain data under JSON names: with `unset`, what did not come is None; without `none`, nothing is."""
        data = {name: plain(value, none=none) for name, value in by_json_name(self).items()}
        if not none:
            return {name: value for name, value in data.items() if value is not None}
        return {**dict.fromkeys(fields(type(self)).readers), **data} if unset else data

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Tell pydantic: it is read from a JSON object, tolerantly, and dumped as one."""
        if source is not cls:
            return handler.generate_schema(cls)

        def read(value: Any) -> Any:
            return cls._read(value.to_dict() if isinstance(value, Payload) else value)

        return pydantic_schema(cls, read, lambda value, info: value._written(info))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> dict[str, Any]:
        return {
            "title": cls.__name__,
            "type": "object",
            "properties": pydantic_properties(cls),
            "additionalProperties": True,
        }

    __pydantic_serializer__: ClassVar[Any] = PydanticSerializer()

    @classmethod
    def _read(cls, value: Any) -> Any:
        """Make an object of what pydantic was given."""
        return cls.from_dict(value)

    def _written(self, info: Any) -> Any:
        """Give what pydantic dumps."""
        return self.to_dict()

    def keys(self) -> Collection[str]:
        """List the names that `self[name]` takes: of all fields that are set, unknown ones too."""
        return [*self.set_fields, *self.additional_properties]

    def values(self) -> Collection[Any]:
        """List the values of the fields that are set, in the order of `keys`."""
        return [self[name] for name in self.keys()]

    def items(self) -> Collection[tuple[str, Any]]:
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
        return known_fields(self) == known_fields(other) and self.additional_properties == other.additional_properties

    __hash__: ClassVar[None] = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        try:
            set_fields = {**self.set_fields, **self.additional_properties}
        except AttributeError:  # a traceback may show an object whose constructor raised
            return f"<{type(self).__name__}>"
        told = (f"{printable(name)}={abridged(value)}" for name, value in set_fields.items())
        return f"{type(self).__name__}({', '.join(told)})"

    def __getstate__(self) -> Mapping[str, Any]:
        return whole(self)

    def __delattr__(self, name: str) -> None:
        whole(self)  # or the field would be read again
        super().__delattr__(name)

    def __dir__(self) -> Iterable[str]:
        whole(self)
        return super().__dir__()

    if TYPE_CHECKING:
        additional_properties: dict[str, Any]
    else:  # type checkers should accept the declared fields only

        def __getattr__(self, name: str) -> Any:
            """Read a declared field, as None if it is absent, or an unknown one as what came."""
            if name.startswith("__") or self.__dict__.keys().isdisjoint(("_unread", "additional_properties")):
                raise AttributeError(name)
            if name in fields(type(self)).attributes:
                return stored(self, name)
            unknown: dict[str, Any] = whole(self)["additional_properties"]
            if name == "additional_properties":
                return unknown
            if name in unknown:
                return unknown[name]
            if name == "get":  # no method, which a field of that name would hide
                return {**self.set_fields, **unknown}.get
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


class AttributeDict(dict[str, Any], Payload):
    """A JSON object that is a dict, by JSON name, and has its members as attributes too.

    A declared member that did not come reads as None, as an attribute. Methods of `dict` win over members of their name,
    but `get` is both if it is a text.
    """

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read a JSON object. Raises TypeError if `data` is not one; nothing in it raises."""
        if not isinstance(data, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # it is whatever was sent
            raise TypeError(f"expected a JSON object for {cls.__name__}, got {type(data).__name__}")
        readers = fields(cls).readers
        self = cls.__new__(cls)
        for key, value in data.items():
            _, decoder = readers.get(key, (key, None))
            self[key] = value if decoder is None else tolerate(decoder, value)
        return self

    def __attrs_post_init__(self) -> None:
        for name in [name for name, value in self.items() if value is UNSET]:
            del self[name]

    @property
    def set_fields(self) -> dict[str, Any]:
        """The declared members that are set, by attribute, in the order they came."""
        readers = fields(type(self)).readers
        return {readers[key][0]: value for key, value in self.items() if key in readers}

    if not TYPE_CHECKING:

        @property
        def additional_properties(self) -> dict[str, Any]:
            """The members that are not declared."""
            readers = fields(type(self)).readers
            return {key: value for key, value in self.items() if key not in readers}

        @property
        def get(self) -> Any:
            """Give the method of `dict`, and the text of that name if there is one: it can be called as the method."""
            value = self["get"] if "get" in self else None
            return GetText(value, self) if isinstance(value, str) else super().get

        def __getattr__(self, name: str) -> Any:
            """Read a member."""
            names = fields(type(self)).json_names
            key = names.get(name, name)
            if key in self and not name.startswith("__"):
                return self[key]
            if name in names:
                return None
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

        def __setattr__(self, name: str, value: Any) -> None:
            if name.startswith("_"):
                object.__setattr__(self, name, value)
            else:
                self[fields(type(self)).json_names.get(name, name)] = value

        def __delattr__(self, name: str) -> None:
            key = fields(type(self)).json_names.get(name, name)
            if key not in self:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            del self[key]

    def as_plain(self, *, unset: bool = False, none: bool = True) -> Data:
        """Give the members as plain data under their JSON names; with `unset`, those that did not come as None."""
        absent: Data = dict.fromkeys(fields(type(self)).readers) if unset and none else {}
        return {**absent, **{name: plain(value) for name, value in self.items()}}

    def __dir__(self) -> Iterable[str]:
        return {*super().__dir__(), *self.set_fields, *self.additional_properties}

    def __repr__(self) -> str:
        return Payload.__repr__(self)

    def __getstate__(self) -> Mapping[str, Any]:
        return self.__dict__


class GetText(str):
    """The text of a member called `get`, which can be called as the method of `dict`: `urls.get + "/x"`, `urls.get("x")`."""

    __slots__ = ("_members",)
    _members: Mapping[str, Any]

    def __new__(cls, value: str, members: Mapping[str, Any]) -> Self:
        """Make the text of a member of `members`."""
        self = super().__new__(cls, value)
        self._members = members
        return self

    def __call__(self, key: str, default: Any = None, /) -> Any:
        """Give the member of that name, or the default."""
        return self._members[key] if key in self._members else default

    def __reduce__(self) -> tuple[Any, ...]:
        return GetText, (str(self), {**self._members})


def whole(payload: Payload) -> Mapping[str, Any]:
    """Read all of an object that has not been read, and give its attributes.

    It changes at once: an interrupt, or another thread, finds it as it was or as it will be.
    """
    state = payload.__dict__
    unread = state.get("_unread")
    if unread is None:
        return state
    readers = fields(type(payload)).readers
    known: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for key, value in unread.items():
        if key not in readers:
            unknown[key] = value
            continue
        name, decoder = readers[key]
        if name in state:
            known[name] = state[name]
        else:
            known[name] = value if decoder is None else decoded(payload, name, decoder, value)
    rest = {name: value for name, value in state.items() if name != "_unread"}
    payload.__dict__ = state = {**known, "additional_properties": unknown, **rest}
    return state


def stored(payload: Payload, name: str) -> Any:
    """Give a declared field, None if it is absent, even where the class has a property of that name."""
    state = payload.__dict__
    if name in state:
        return state[name]
    key, decoder = fields(type(payload)).attributes[name]
    unread: Mapping[str, Any] = state.get("_unread", {})
    if key not in unread:
        return payload.__dict__.get(name)  # it is absent, or another thread has just read the object whole
    if decoder is None:
        return unread[key]
    return state.setdefault(name, decoded(payload, name, decoder, unread[key]))


def decoded(payload: Payload, name: str, decoder: Callable[[Any], Any], value: Any) -> Any:
    """Decode a field as its object does."""
    return payload._decoded(name, decoder, value)  # pyright: ignore[reportPrivateUsage]


class Field:
    """Reads a declared field from the JSON of an answer. What it has decoded is in `__dict__`, which comes before it."""

    __slots__ = ("decoder", "key", "name")

    def __init__(self, name: str, key: str, decoder: Callable[[Any], Any] | None) -> None:
        self.name, self.key, self.decoder = name, key, decoder

    def __get__(self, payload: Payload | None, cls: type[Payload]) -> Any:
        if payload is None:  # the class has no fields
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {self.name!r}")
        try:
            value: Any = payload._unread[self.key]  # type: ignore[index]  # pyright: ignore
        except (KeyError, TypeError):  # TypeError: it has been read whole
            return stored(payload, self.name)
        return stored(payload, self.name) if self.decoder else value  # pyright: ignore[reportUnknownVariableType]


def known_fields(payload: Payload) -> dict[str, Any]:
    """Give the declared fields that are not None: that is what one reads as that did not come."""
    return {name: value for name, value in payload.set_fields.items() if value is not None}


def as_sent(payload: Payload, name: str) -> Any:
    """Give a declared field: as JSON, if it has not been read yet."""
    state = payload.__dict__
    if name in state or "_unread" not in state:
        return state.get(name)
    key = fields(type(payload)).json_names[name]
    return state["_unread"].get(key)


def by_json_name(payload: Payload) -> dict[str, Any]:
    """Give what is set, unknown fields too, under its JSON names."""
    names = fields(type(payload)).json_names
    return {**{names[name]: value for name, value in payload.set_fields.items()}, **payload.additional_properties}


class Fields(NamedTuple):
    """The declared fields of a model."""

    json_names: Mapping[str, str]  # attribute -> JSON name
    readers: Mapping[str, tuple[str, Callable[[Any], Any] | None]]  # JSON name -> attribute, and what decodes it
    attributes: Mapping[str, tuple[str, Callable[[Any], Any] | None]]  # attribute -> JSON name, and what decodes it


known: dict[type[Payload], Fields] = {}


def fields(cls: type[Payload]) -> Fields:
    """Look up the declared fields of a model, once for each class."""
    if cls not in known:
        declared = [field.name for field in getattr(cls, "__attrs_attrs__", ())]
        names = sorted(declared, key=lambda name: cls.first.index(name) if name in cls.first else len(cls.first))
        json_names = {**{name: name for name in names}, **{name: key for key, name in cls.renamed.items()}}
        decoders = cls.decoders()
        for name in () if issubclass(cls, AttributeDict) else names:
            defined = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
            if defined is None or isinstance(defined, Field):  # it is no property
                setattr(cls, name, Field(name, json_names[name], decoders.get(name)))
        known[cls] = Fields(
            json_names,
            {json_names[name]: (name, decoders.get(name)) for name in names},
            {name: (json_names[name], decoders.get(name)) for name in names},
        )
    return known[cls]


def printable(name: str) -> str:
    """Show the name of a field in a repr: it may be any text, and is escaped if it could control a terminal."""
    return name if name.isprintable() else repr(name)


def abridged(value: object, limit: int = 80) -> str:
    """Show a value in a repr: one whose text is long only by its beginning."""
    try:
        shown = repr(value)
    except RecursionError:  # it is nested more deeply than Python's stack goes here
        shown = "…"
    return shown if len(shown) <= limit else f"{shown[:limit]}…"
