"""The words that this client's generations have had for one argument, and which value they give it. Pure.

A method takes what it is about by position, or by a keyword of any generation; the keywords are in a TypedDict here, so
that they are known to type checkers, and a function here takes them out of the other options.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from replicate._http.options import ListOptions, RequestOptions
from replicate._models.reference import Reference
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping


# ---- keywords


class PredictionWords(TypedDict, total=False):
    """How a prediction is named by keyword."""

    prediction_id: str
    id: str


class PredictionName(PredictionWords, RequestOptions, total=False):
    """How a prediction is named by keyword, and what every method takes."""


class TrainingWords(TypedDict, total=False):
    """How a training is named by keyword."""

    training_id: str
    id: str


class TrainingName(TrainingWords, RequestOptions, total=False):
    """How a training is named by keyword, and what every method takes."""


class FileName(RequestOptions, total=False):
    """How a file is named by keyword."""

    file_id: str
    id: str


class CollectionName(RequestOptions, total=False):
    """How a collection is named by keyword."""

    collection_slug: str
    slug: str


class ModelWords(TypedDict, total=False):
    """How a model is named by keyword: by owner and name, or as a whole: "owner/name", a tuple or an object."""

    model_owner: str
    model_name: str
    owner: str
    name: str
    key: Any
    model: Any


class DeploymentWords(TypedDict, total=False):
    """How a deployment is named by keyword: by owner and name, or as a whole: "owner/name", a tuple or an object."""

    deployment_owner: str
    deployment_name: str
    owner: str
    name: str
    deployment: Any


class ModelName(ModelWords, RequestOptions, total=False):
    """How a model is named by keyword, and what every method takes."""


class VersionName(ModelName, total=False):
    """How a version is named by keyword, with its model."""

    version: Any
    version_id: str
    id: str


class BareVersionName(RequestOptions, total=False):
    """How a version of a model that is known is named by keyword."""

    version_id: str
    id: str


class ModelListName(ModelWords, ListOptions, total=False):
    """How a model is named by keyword, and what every method that lists takes."""


class DeploymentName(DeploymentWords, RequestOptions, total=False):
    """How a deployment is named by keyword, and what every method takes."""


class SearchWords(ListOptions, total=False):
    """What is searched for, by keyword."""

    query: str
    body: str


class UploadWords(RequestOptions, total=False):
    """A file to upload, and its MIME type, by keyword."""

    file: Any
    content: Any
    content_type: str | None
    type: str | None


# ---- which of them mean the same: the first is the operation's own, the last what an object calls its identifier

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
    """The words for what has an owner and a name."""

    owner: tuple[str, ...]
    name: tuple[str, ...]
    whole: tuple[str, ...]


MODEL = Owned(("model_owner", "owner"), ("model_name", "name"), ("model", "key"))
DEPLOYMENT = Owned(("deployment_owner", "owner"), ("deployment_name", "name"), ("deployment",))


# ---- taking them out of the others


def drop_unset(options: Mapping[str, Any]) -> dict[str, Any]:
    """Give the options that were given a value: not UNSET, which stands for none."""
    return {name: value for name, value in options.items() if value is not UNSET}


def pop_alias(words: tuple[str, ...], positional: Any, options: dict[str, Any]) -> Any:
    """Take an argument out of the options, whatever it is called; UNSET if it is not given.

    Raises TypeError if it is given twice.
    """
    given = {word: options.pop(word) for word in words if word in options}
    if positional is not UNSET:
        given["by position"] = positional
    if len(given) > 1:
        raise TypeError(f"{words[0]} is given more than once: {', '.join(given)}")
    return next(iter(given.values()), UNSET)


def pop_id(words: tuple[str, ...], positional: Any, options: Mapping[str, Any]) -> tuple[str, Any]:
    """Give an identifier, and the other options. An object stands for its own. Raises TypeError, ValueError."""
    rest = drop_unset(options)
    value = pop_alias(words, positional, rest)
    return identifier(words[0], getattr(value, words[-1], value)), rest


def pop_owner_and_name(
    words: Owned, options: Mapping[str, Any], first: Any = UNSET, second: Any = UNSET
) -> tuple[str, str, Any]:
    """Give an owner and a name, and the other options. Raises TypeError, ValueError for what does not name both."""
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
    """Raise TypeError for an argument that is missing."""
    if value is UNSET or value is None:
        raise TypeError(f"{name} is missing")
    return value


def require_text(name: str, value: Any) -> str:
    """Raise TypeError for what is missing, or no text."""
    if not isinstance(require(name, value), str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return value  # type: ignore[no-any-return]  # a str by now


class EmptyValueError(TypeError, ValueError):
    """A path parameter is empty: the request would reach another resource."""


def identifier(name: str, value: Any) -> str:
    """Give a path parameter. Raises TypeError, ValueError for what is missing or would reach another resource."""
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
    return str(value)


def read_reference(name: str, ref: Any, form: str) -> Reference:
    """Read a reference. What is wrong with it is said of the argument."""
    require(name, ref)
    try:
        return Reference.of(ref)
    except (TypeError, ValueError) as error:
        shown = repr(ref) if isinstance(ref, str) else type(ref).__name__
        raise type(error)(f"{name} must be {form}, not {shown}") from None


def owner_and_name(whole: Any, name: str = "model") -> tuple[str, str]:
    """Take owner and name from "owner/name", a tuple or an object. Raises ValueError or TypeError for anything else."""
    named, version = read_reference(name, whole, "'owner/name', a tuple of both, or an object that has them")
    if named is None or version:
        raise ValueError(f"{name} must be 'owner/name', but {whole!r} names a version")
    return named.owner, named.name


def model_text(ref: Any, name: str) -> str:
    """Write a model the way the API takes it: "owner/name". A text that is something else is given as it is.

    Raises TypeError or ValueError for any other object, or for what is missing.
    """
    try:
        return "/".join(owner_and_name(ref, name))
    except ValueError:
        if not isinstance(ref, str):
            raise
        return ref


def version_text(ref: Any) -> str:
    """Write a version the way the API takes it: its id, "owner/name:id", or an official model's "owner/name".

    A text that is something else is given as it is. Raises TypeError or ValueError for any other object.
    """
    try:
        return str(read_reference("version", ref, VERSION_FORM))
    except ValueError:
        if not isinstance(ref, str):
            raise
        return ref


def model_and_version(version: Any) -> tuple[Any, str | None]:
    """Take a model (or UNSET) and a version id (or None) from what may name both. Raises TypeError, ValueError.

    An id is taken as it is: not all are 64 hexadecimal digits.
    """
    if isinstance(version, str) and re.fullmatch(r"[\w.-]+", version):
        return UNSET, version
    named, version_id = read_reference("version", version, VERSION_FORM)
    return named.model if named else UNSET, version_id


def pop_version(
    options: Mapping[str, Any], first: Any = UNSET, second: Any = UNSET, third: Any = UNSET
) -> tuple[str, str, str, Any]:
    """Give owner, name and version, and the other options.

    By position: owner, name, version; or a model, version; or "owner/name:version".
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
    return owner, name, identifier(VERSION[0], getattr(version, "id", version)), rest
