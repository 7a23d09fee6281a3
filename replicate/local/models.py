"""The models that a server offers: their functions, versions and schemas."""

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
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from replicate.local.schema import Signature

# The version of Cog whose schemas these look like: clients read them by it.
COG_VERSION = "0.16.12"
_REFERENCE = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


@attrs.frozen
class Model:
    """A Python function and how it is offered.

    An official model runs by its name and shows no versions. Any other is a community model, which on Replicate runs
    by the id of a version. The description is the function's docstring unless it is given.
    """

    function: Callable[..., Any]
    official: bool = attrs.field(default=False, kw_only=True)
    description: str | None = attrs.field(default=None, kw_only=True)


@attrs.define(eq=False)
class Entry:
    """A model as one server knows it."""

    reference: str
    model: Model
    signature: Signature
    document: dict[str, Any]
    version: str
    created_at: datetime
    runs: int = 0

    def version_json(self) -> dict[str, Any]:
        """Return the model's version as the API shows it."""
        return {
            "id": self.version,
            "created_at": stamp(self.created_at),
            "cog_version": COG_VERSION,
            "openapi_schema": self.document,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the model as the API shows it."""
        owner, _, name = self.reference.partition("/")
        return {
            "url": f"https://replicate.com/{self.reference}",
            "owner": owner,
            "name": name,
            "description": self.model.description or inspect.getdoc(self.model.function),
            "visibility": "public",
            "is_official": self.model.official,
            "github_url": None,
            "paper_url": None,
            "license_url": None,
            "run_count": self.runs,
            "cover_image_url": None,
            "default_example": None,
            "latest_version": self.version_json(),
        }


class Catalog:
    """The models of one server, by name and by version."""

    def __init__(self, models: Mapping[str, Model | Callable[..., Any]], created_at: datetime) -> None:
        entries = [_entry(reference, model, created_at) for reference, model in models.items()]
        self._by_reference = {entry.reference: entry for entry in entries}
        self._by_version = {entry.version: entry for entry in entries}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._by_reference.values())

    def get(self, reference: str) -> Entry | None:
        """Return a model by `owner/name`."""
        return self._by_reference.get(reference)

    def by_version(self, version: str) -> Entry | None:
        """Return what `version` runs: an id, `owner/name:id`, or `owner/name` where the model is official."""
        reference, _, identifier = version.rpartition(":")
        entry = self._by_version.get(identifier)
        if entry and not entry.model.official and reference in ("", entry.reference):
            return entry
        entry = self.get(version)
        return entry if entry and entry.model.official else None


def _entry(reference: str, model: Model | Callable[..., Any], created_at: datetime) -> Entry:
    if not _REFERENCE.fullmatch(reference):
        raise ValueError(f'a model is called "owner/name", not {reference!r}')
    model = model if isinstance(model, Model) else Model(model)
    signature = schema.read(model.function)
    document = signature.document()
    identity = [reference, document, _source(model.function)]
    version = hashlib.sha256(json.dumps(identity, sort_keys=True, default=repr).encode()).hexdigest()
    return Entry(reference, model, signature, document, version, created_at)


def _source(function: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):  # typed in at a prompt, or not written in Python
        code = getattr(function, "__code__", None)
        return code.co_code.hex() if code else ""
