"""The names that each generation of this client uses for an argument, and how its value is read from them. Pure.

A method takes the argument that names its object by position, or by a keyword of any generation. TypedDicts declare
the keywords for type checkers, and functions take them out of the other options.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from replicate._http.options import ListOptions, RequestOptions
from replicate._json import check_encodable
from replicate._models.reference import Reference, is_name
from replicate.exceptions import InputError
from replicate_api.types import UNSET, Payload

if TYPE_CHECKING:
    from collections.abc import Mapping


# ---- keywords


class PredictionWords(TypedDict, total=False):
    """Keywords that name a prediction."""

    prediction_id: str
    id: str


class PredictionName(PredictionWords, RequestOptions, total=False):
    """Keywords that name a prediction, and the options of every method."""


class TrainingWords(TypedDict, total=False):
    """Keywords that name a training."""

    training_id: str
    id: str


class TrainingName(TrainingWords, RequestOptions, total=False):
    """Keywords that name a training, and the options of every method."""


class FileName(RequestOptions, total=False):
    """Keywords that name a file."""

    file_id: str
    id: str


class CollectionName(RequestOptions, total=False):
    """Keywords that name a collection."""

    collection_slug: str
    slug: str


class ModelWords(TypedDict, total=False):
    """Keywords that name a model: owner and name, or both as one argument ("owner/name", a tuple or an object)."""

    model_owner: str
    model_name: str
    owner: str
    name: str
    key: Any
    model: Any


class DeploymentWords(TypedDict, total=False):
    """Keywords that name a deployment: owner and name, or both as one argument ("owner/name", a tuple or an object)."""

    deployment_owner: str
    deployment_name: str
    owner: str
    name: str
    deployment: Any


class ModelName(ModelWords, RequestOptions, total=False):
    """Keywords that name a model, and the options of every method."""


class VersionName(ModelName, total=False):
    """Keywords that name a version and its model."""

    version: Any
    version_id: str
    id: str


class BareVersionName(RequestOptions, total=False):
    """Keywords that name a version of a known model."""

    version_id: str
    id: str


class ModelListName(ModelWords, ListOptions, total=False):
    """Keywords that name a model, and the options of every method that lists."""


class DeploymentName(DeploymentWords, RequestOptions, total=False):
    """Keywords that name a deployment, and the options of every method."""


class SearchWords(ListOptions, total=False):
    """Keywords for the text to search for."""

    query: str
    body: str


class UploadWords(RequestOptions, total=False):
    """Keywords for a file to upload and its MIME type."""

    file: Any
    content: Any
    content_type: str | None
    type: str | None


# ---- names for the same argument: first the operation's own, last the attribute of an object that holds it

PREDICTION = (*PredictionWords.__annotations__,)
TRAINING = (*TrainingWords.__annotations__,)
FILE = ("file_id", "id")
COLLECTION = ("collection_slug", "slug")
VERSION = ("version_id", "version", "id")

VERSION_FORM = "an id, 'owner/name:id' or an object"

REF = ("ref", "model_version")
QUERY = ("query", "body")
UPLOAD = ("file", "content")


class Owned(NamedTuple):
    """The keywords for an object that has an owner and a name."""

    owner: tuple[str, ...]
    name: tuple[str, ...]
    whole: tuple[str, ...]


MODEL = Owned(("model_owner", "owner"), ("model_name", "name"), ("model", "key"))
DEPLOYMENT = Owned(("deployment_owner", "owner"), ("deployment_name", "name"), ("deployment",))


# ---- taking keywords out of the options


def drop_unset(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are not UNSET, which stands for no value."""
    return {name: value for name, value in options.items() if value is not UNSET}


def pop_alias(words: tuple[str, ...], positional: Any, options: dict[str, Any]) -> Any:
    """Take an argument out of the options under any of its names. Returns UNSET if it is missing.

    Raises TypeError if it is passed twice.
    """
    given = {word: options.pop(word) for word in words if word in options}
    if positional is not UNSET:
        given["by position"] = positional
    if len(given) > 1:
        raise TypeError(f"{words[0]} is given more than once: {', '.join(given)}")
    return next(iter(given.values()), UNSET)


def pop_id(words: tuple[str, ...], positional: Any, options: Mapping[str, Any]) -> tuple[str, Any]:
    """Return an identifier, also from an object that has one, and the other options. Raises TypeError, ValueError."""
    rest = drop_unset(options)
    value = pop_alias(words, positional, rest)
    return id_of(words[0], value, words[-1]), rest


def pop_owner_and_name(
    words: Owned, options: Mapping[str, Any], first: Any = UNSET, second: Any = UNSET
) -> tuple[str, str, Any]:
    """Return an owner, a name and the other options. Raises TypeError, ValueError unless both are named."""
    rest = drop_unset(options)
    name = pop_alias(words.name, second, rest)
    if name is not UNSET:
        if twice := [word for word in words.whole if word in rest]:
            raise TypeError(f"{words.whole[0]} is given more than once: by owner and name, {', '.join(twice)}")
        owner = identifier(words.owner[0], pop_alias(words.owner, first, rest))
        return owner, identifier(words.name[0], name), rest
    if any(word in rest for word in words.owner):
        require(words.name[0], UNSET)
    return *owner_and_name(pop_alias(words.whole, first, rest), words.whole[0]), rest


def require(name: str, value: Any) -> Any:
    """Return an argument. Raises TypeError if it is missing."""
    if value is UNSET or value is None:
        raise TypeError(f"{name} is missing")
    return value


def require_text(name: str, value: Any) -> str:
    """Return a string argument. Raises TypeError if it is missing or not a string."""
    if not isinstance(require(name, value), str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return value  # type: ignore[no-any-return]  # a str by now


class EmptyValueError(TypeError, ValueError):
    """A path parameter is empty: the request would reach another resource."""


def identifier(name: str, value: Any) -> str:
    """Return a path parameter. Raises TypeError, ValueError if it is missing or would reach another resource."""
    if value is UNSET:
        raise TypeError(f"{name} is missing")
    if value is None or (isinstance(value, str) and not value.strip()):
        said = f"Expected a non-empty value for `{name}` but received {value!r}"
        raise EmptyValueError(f"{said}: without it the request would reach another resource")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if value in (".", ".."):
        raise ValueError(f"{name} must name something, not {value!r}, which stands for another resource")
    if "/" in str(value):
        raise ValueError(f"{name} must be an identifier, without slashes, not {value!r}")
    check_encodable(str(value), name)
    return str(value)


def id_of(name: str, value: Any, attribute: str) -> str:
    """Return a path parameter that is an argument, or an attribute of an object that is one.

    Raises TypeError, ValueError; for an object of the API, InputError, which is both.
    """
    if not isinstance(value, Payload):
        return identifier(name, getattr(value, attribute, value))
    found = getattr(value, attribute, None)
    if not is_name(found):
        raise InputError(f"{name} is that of a {type(value).__name__}, and cannot be {found!r}")
    return found


def read_reference(name: str, ref: Any, form: str) -> Reference:
    """Read a reference. Raises TypeError, ValueError, which name the argument."""
    require(name, ref)
    try:
        return Reference.of(ref)
    except (TypeError, ValueError) as error:
        shown = repr(ref) if isinstance(ref, str) else type(ref).__name__
        raise type(error)(f"{name} must be {form}, not {shown}") from None


def owner_and_name(whole: Any, name: str = "model") -> tuple[str, str]:
    """Take owner and name from "owner/name", a tuple or an object. Raises TypeError, ValueError otherwise."""
    named, version = read_reference(name, whole, "'owner/name', a tuple of both, or an object that has them")
    if named is None or version:
        refusal = InputError if isinstance(whole, Payload) else ValueError
        raise refusal(f"{name} must be 'owner/name', but {whole!r} names a version")
    return named.owner, named.name


def model_text(ref: Any, name: str) -> str:
    """Return a model in the form that the API takes: "owner/name". Any other string is returned unchanged.

    Raises TypeError or ValueError for any other object, or if it is missing.
    """
    try:
        return "/".join(owner_and_name(ref, name))
    except ValueError:
        if not isinstance(ref, str):
            raise
        return ref


def version_text(ref: Any) -> str:
    """Return a version in a form that the API takes: its id, "owner/name:id", or an official model's "owner/name".

    Any other string is returned unchanged. Raises TypeError or ValueError for any other object.
    """
    try:
        return str(read_reference("version", ref, VERSION_FORM))
    except ValueError:
        if not isinstance(ref, str):
            raise
        return ref


def model_and_version(version: Any) -> tuple[Any, str | None]:
    """Return the model (or UNSET) and the version id (or None) that an argument names. Raises TypeError, ValueError.

    Any text in the form of an id is accepted, as not all ids are 64 hexadecimal digits.
    """
    if isinstance(version, str) and re.fullmatch(r"[\w.-]+", version):
        return UNSET, version
    named, version_id = read_reference("version", version, VERSION_FORM)
    return named.model if named else UNSET, version_id


def pop_version(
    options: Mapping[str, Any], first: Any = UNSET, second: Any = UNSET, third: Any = UNSET
) -> tuple[str, str, str, Any]:
    """Return owner, name, version and the other options. Raises TypeError, ValueError.

    The positional arguments are: owner, name, version; or a model and a version; or "owner/name:version".
    """
    rest = drop_unset(options)
    if third is UNSET and second is not UNSET and not any(word in rest for word in VERSION):
        second, third = UNSET, second
    version = pop_alias(VERSION, third, rest)
    if version is UNSET and isinstance(first, str) and "/" in first:
        first, found = model_and_version(first)
        version = found or UNSET
    owner, name, rest = pop_owner_and_name(MODEL, rest, first, second)
    version = require(VERSION[0], version)
    return owner, name, id_of(VERSION[0], version, "id"), rest
