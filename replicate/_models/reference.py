"""The ways to name a model. Pure parsing."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeGuard

from replicate.exceptions import InputError
from replicate_api.types import Payload

BARE_VERSION = re.compile(r"[0-9a-f]{64}")
MODEL = re.compile(
    r"(?:https?://(?:www\.)?replicate\.com/(?!p/))?"  # /p/ is for predictions
    r"(?P<owner>[^/:\s]+)/(?P<name>[^/:\s]+?)"
    r"(?:(?::|/versions/)(?P<version>[^/:\s]+))?/?"
)
NAME = re.compile(r"(?!\s*\.{0,2}\s*\Z)[^/\ud800-\udfff]+")
"""A text that can be a segment of a path. Without the exceptions, the path would be another resource's, or invalid."""


def is_name(value: object) -> TypeGuard[str]:
    """Return whether a value can be an id or a name in the path of a request."""
    return isinstance(value, str) and NAME.fullmatch(value) is not None


class ModelVersionIdentifier(NamedTuple):
    """A model by owner and name, optionally with a version."""

    owner: str
    name: str
    version: str | None = None

    @classmethod
    def parse(cls, ref: str) -> ModelVersionIdentifier:
        """Parse "owner/name", "owner/name:version" or a model's web address. Raises ValueError for anything else."""
        text = ref.strip()
        if "://" in text:
            text = re.split(r"[?#]", text, maxsplit=1)[0]
        if match := MODEL.fullmatch(text):
            return cls(**match.groupdict())
        raise ValueError(
            f"Invalid reference to model version: {ref!r}. Expected format: owner/name or owner/name:version"
        )

    @property
    def model(self) -> str:
        return f"{self.owner}/{self.name}"

    def __str__(self) -> str:
        return f"{self.model}:{self.version}" if self.version else self.model


class Reference(NamedTuple):
    """What to run: a version, a model without a version, or a version of a model."""

    model: ModelVersionIdentifier | None
    version: str | None

    @classmethod
    def of(cls, ref: Any) -> Reference:
        """Make a reference from any supported form.

        "owner/name", "owner/name:version", a bare 64-digit version id, a model's web address, an (owner, name) tuple,
        and objects: a model (with `owner` and `name`) or a version (with `id`). Raises ValueError or TypeError; for an
        object of the API, InputError, which is both.
        """
        try:
            return cls._read(ref)
        except (TypeError, ValueError) as error:
            if isinstance(ref, Payload):
                raise InputError(str(error)) from None
            raise

    @classmethod
    def _read(cls, ref: Any) -> Reference:
        match ref:
            case Reference():
                return ref
            case str() if BARE_VERSION.fullmatch(ref):
                return cls(None, ref)
            case str():
                identifier = ModelVersionIdentifier.parse(ref)
            case (str(owner), str(name)):
                identifier = ModelVersionIdentifier(owner, name)
            case (str(owner), str(name), str() | None as version):
                identifier = ModelVersionIdentifier(owner, name, version)
            case _ if is_named(ref):
                if not (is_name(ref.owner) and is_name(ref.name)):
                    raise ValueError(f"a model has an owner and a name, which cannot be {ref.owner!r} and {ref.name!r}")
                identifier = ModelVersionIdentifier(ref.owner, ref.name)
            case _ if is_described(ref):
                identifier = ModelVersionIdentifier.parse(ref.name)
            case _ if is_version(ref):
                return cls(None, ref.id)
            case _:
                raise TypeError(
                    f"a model is named by 'owner/name' or 'owner/name:version', not by {type(ref).__name__}: {ref!r}"
                )
        return cls(identifier, identifier.version)

    def __str__(self) -> str:
        return str(self.model) if self.model else str(self.version)


def is_named(ref: object) -> bool:
    """Return whether an object names a model by its attributes."""
    return all(isinstance(getattr(ref, name, None), str) for name in ("owner", "name"))


def is_described(ref: object) -> bool:
    """Return whether a class describes a model by its `name`, "owner/name", as `use` accepts."""
    name = getattr(ref, "name", None)
    return isinstance(name, str) and "/" in name


def is_version(ref: object) -> bool:
    """Return whether an object names a version by its `id`. That of a model without an owner or a name does not."""
    return isinstance(getattr(ref, "id", None), str) and not (isinstance(ref, Payload) and hasattr(ref, "owner"))
