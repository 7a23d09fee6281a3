"""What a client remembers of models: the schemas of versions, and the latest version of each model."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import evolve, field, frozen

from replicate._json import members
from replicate._models.reference import ModelVersionIdentifier, Reference
from replicate._models.schema import InputSchema, OutputSchema
from replicate._recent import Recent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from replicate._http.session import Session

REMEMBERED = 256
"""Maximum number of models that a client remembers."""
SCHEMAS = 100
"""Maximum number of version schemas that it remembers. Each can take 200 kB."""
WARNED = 1000
"""Maximum number of input names for which it remembers that it has warned."""
LATEST_LIVES = 3600.0
"""Seconds for which a model's latest version is remembered as the latest."""
OPEN = {"$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "patternProperties", "unevaluatedProperties"}
"""Keywords by which an input's schema can allow inputs that are not in `properties`."""
HIDDEN = ("hidden", "None", "")
"""What responses have in place of a version id that is hidden."""

Account: TypeAlias = "tuple[str, int]"
"""The API's URL, and a hash of the token."""


@frozen(slots=False)
class Description:
    """What is known of the model or version that a reference names."""

    openapi_schema: Mapping[str, Any] | None = None
    version: str | None = None
    """The version to run, or to fall back on."""
    official: bool | None = None
    """Whether the model can run by its name alone; None if unknown."""
    remembered: bool = field(default=False, eq=False)
    """Whether it was known before this call, so that it may be outdated."""

    @cached_property
    def output(self) -> OutputSchema:
        return OutputSchema(self.openapi_schema)

    @cached_property
    def input(self) -> InputSchema:
        return InputSchema.of(self.openapi_schema)

    @cached_property
    def inputs(self) -> Mapping[str, Any]:
        """The schemas of the inputs by name; empty if they are unknown, or if any input is allowed."""
        schema = members(members(members(members(self.openapi_schema).get("components")).get("schemas")).get("Input"))
        more = schema.get("additionalProperties", False) is not False
        return {} if more or not OPEN.isdisjoint(schema) else members(schema.get("properties"))


class Latest(NamedTuple):
    """A model's latest version, and when it was learned, by the transport's clock."""

    version: str | None
    official: bool | None
    moment: float


class Descriptions:
    """What a client remembers of models. Tasks and threads share it."""

    def __init__(self) -> None:
        self._versions: Recent[tuple[Account, str], Description] = Recent(SCHEMAS)
        self._latest: Recent[tuple[Account, str], Latest] = Recent(REMEMBERED)
        self._named: Recent[tuple[Account, str], tuple[str, str]] = Recent(REMEMBERED)
        """By model: its latest version, and the name that responses use for it, if it is another one."""
        self.read: Recent[tuple[Account, str], None] = Recent(SCHEMAS)
        """The versions and models that were looked for on disk."""
        self.warned: Recent[tuple[str, str], None] = Recent(WARNED)
        """The models and input names for which a warning was given."""

    def of(self, account: Account, reference: Reference, now: float) -> Description | None:
        """Return what is known of a reference."""
        if reference.version is not None:
            return self.of_version(account, reference.version)
        return self.of_model(account, str(reference.model), now)

    def of_version(self, account: Account, version: str) -> Description | None:
        """Return what is known of a version."""
        return self._versions.recall((account, version))

    def of_model(self, account: Account, model: str, now: float) -> Description | None:
        """Return what is known of a model, unless that is too old."""
        latest = self._latest.recall((account, model))
        if latest is None or not 0 <= now - latest.moment < LATEST_LIVES:
            return None
        known = self._versions.recall((account, latest.version)) if latest.version else None
        if known is None:
            return Description(None, latest.version, latest.official, remembered=True)
        if known.official is not latest.official:
            known = self._versions[account, known.version or ""] = evolve(known, official=latest.official)
        return known

    def keep(self, account: Account, model: str | None, found: Description, now: float) -> None:
        """Remember a description of a version, or of a model and its latest version."""
        if found.version:
            self._versions[account, found.version] = evolve(found, remembered=True)
        if model is not None:
            self._latest[account, model] = Latest(found.version, found.official, now)

    def named(self, account: Account, model: str, version: str | None) -> str | None:
        """Return the name that responses use for a version, if it is the model's latest and they use another name."""
        same, other = self._named.get((account, model), (None, None))
        return other if version is not None and same == version else None

    def name(self, account: Account, model: str, version: str, other: str) -> None:
        """Note the name that responses use for a version."""
        self._named[account, model] = version, other

    def forget(self, account: Account, model: str) -> None:
        """Forget a model's latest version."""
        self._latest.pop((account, model), None)

    def answered(self, account: Account, model: str, version: str) -> bool:
        """Note the version that a response names. Returns True if that makes the model's latest version doubtful.

        Some models respond with another name for their latest version. If the next look-up returns the same latest
        version again, the two names mean the same.
        """
        latest = self._latest.get((account, model))
        if latest is None or latest.version is None or version in (latest.version, *HIDDEN):
            return False
        if self.named(account, model, latest.version) == version:
            return False
        self.name(account, model, latest.version, version)
        self.forget(account, model)
        return True


def memory(session: Session[Any]) -> Descriptions:
    """Return the memory of a session's client."""
    found: Descriptions | None = session.memory.get(Descriptions)
    return session.memory.setdefault(Descriptions, Descriptions()) if found is None else found


def account_of(session: Session[Any]) -> Account:
    """Return whose memory to use. With another API or token, the same names may mean other models."""
    return session.address, session.config.credentials.owner()


def remembered(session: Session[Any], reference: Reference) -> Description | None:
    """Return what the client remembers of a reference, without a request."""
    return memory(session).of(account_of(session), reference, session.transport.now())


def reference_of(run: Any) -> Reference | None:
    """Return a reference to the version that a prediction runs, if its response names it, else None."""
    version = str(run.version)
    if version in HIDDEN:
        return None
    owner, _, name = str(run.model or "").partition("/")
    model = ModelVersionIdentifier(owner, name, version) if owner and name else None
    return Reference(model, version)


def description_reference(run: Any) -> Reference | None:
    """Return a reference to what describes a prediction: its version or, if that is hidden, its (official) model."""
    reference = reference_of(run)
    if reference is not None:
        return reference
    owner, _, name = str(run.model or "").partition("/")
    return Reference(ModelVersionIdentifier(owner, name), None) if owner and name else None


def description_of(run: Any, session: Session[Any]) -> Description | None:
    """Return what the client remembers of the version, or the official model, that a prediction runs."""
    reference = description_reference(run)
    return None if reference is None else remembered(session, reference)
