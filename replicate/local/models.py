"""The models of a server, their versions and descriptions."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from typing import TYPE_CHECKING, Any

import attrs

from replicate.local import schema
from replicate.local.clock import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from replicate.local.prediction import Prediction
    from replicate.local.schema import Signature

# The schemas follow this version of Cog; clients interpret them by it.
COG_VERSION = "0.16.12"
_REFERENCE = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_SHOWN = ("description", "visibility", "github_url", "paper_url", "license_url", "cover_image_url")


@attrs.frozen
class Model:
    """A Python function that is served as a model.

    An official model runs by its name and shows no versions. Any other is a community model, which on Replicate runs
    by the id of a version. The default description is the function's docstring.

    `train` is a function that makes a new version from data: it returns the weights as a file. The new version runs
    the model's own function, which gets the weights if it has a parameter `replicate_weights`. `examples` are pairs of
    an input and its output.
    """

    function: Callable[..., Any]
    official: bool = attrs.field(default=False, kw_only=True)
    private: bool = attrs.field(default=False, kw_only=True)
    description: str | None = attrs.field(default=None, kw_only=True)
    readme: str | None = attrs.field(default=None, kw_only=True)
    train: Callable[..., Any] | None = attrs.field(default=None, kw_only=True)
    examples: Sequence[tuple[dict[str, Any], Any]] = attrs.field(default=(), kw_only=True)

    def details(self) -> dict[str, Any]:
        """Return the details of the model, in the format of the API's requests."""
        return {
            "description": self.description or inspect.getdoc(self.function),
            "visibility": "private" if self.private else "public",
            "readme": self.readme,
        }


@attrs.frozen(eq=False)
class Version:
    """A function, or the result of a training, under an id."""

    id: str
    reference: str
    created_at: datetime
    signature: Signature
    training: Signature | None = None
    base: str | None = None  # the model that this was trained from
    weights: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the version as the API shows it."""
        return {
            "id": self.id,
            "created_at": stamp(self.created_at),
            "cog_version": COG_VERSION,
            "openapi_schema": self.signature.document(self.training),
        }


@attrs.define(eq=False)
class Entry:
    """A model on one server."""

    reference: str
    created_at: datetime
    details: dict[str, Any]
    official: bool = False
    versions: list[Version] = attrs.field(factory=list[Version])
    examples: list[Prediction] = attrs.field(factory=list["Prediction"])
    runs: int = 0

    @property
    def latest(self) -> Version | None:
        """The newest version, or None if there is none yet."""
        return self.versions[-1] if self.versions else None

    @property
    def public(self) -> bool:
        """Return whether the model appears in lists and searches."""
        return bool(self.details["visibility"] == "public")

    def to_json(self, origin: str) -> dict[str, Any]:
        """Return the model as the API shows it."""
        owner, _, name = self.reference.partition("/")
        return {
            "url": f"https://replicate.com/{self.reference}",
            "owner": owner,
            "name": name,
            **{field: self.details.get(field) for field in _SHOWN},
            "is_official": self.official,
            "run_count": self.runs,
            "default_example": self.examples[0].to_json(origin) if self.examples else None,
            "latest_version": self.latest.to_json() if self.latest else None,
        }


def check_reference(reference: str) -> None:
    """Raise ValueError unless this is `owner/name`."""
    if not _REFERENCE.fullmatch(reference):
        raise ValueError(f'a model is called "owner/name", not {reference!r}')


def version_of(reference: str, model: Model, created_at: datetime) -> Version:
    """Return the version for a function; its id stays the same as long as the source does."""
    signature, training = schema.read(model.function), schema.read(model.train, "Training") if model.train else None
    identity = [reference, signature.document(training), _source(model.function)]
    if model.train:
        if inspect.isgeneratorfunction(model.train) or inspect.isasyncgenfunction(model.train):
            raise TypeError(f"{model.train!r} cannot train a model: it yields, and a training returns its weights")
        identity.append(_source(model.train))
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True, default=repr).encode())
    return Version(digest.hexdigest(), reference, created_at, signature, training)


def _source(function: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):  # entered at a prompt, or not written in Python
        code = getattr(function, "__code__", None)
        return code.co_code.hex() if code else ""
