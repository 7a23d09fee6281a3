"""What a client remembers of models: the schemas of their versions, and which version of a model is the latest."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import field, frozen

from replicate._json import members
from replicate._models.reference import ModelVersionIdentifier, Reference
from replicate._models.schema import InputSchema, OutputSchema
from replicate._recent import Recent

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from replicate._http.session import Session

REMEMBERED = 256
"""How many models a client remembers, and of how many it has looked on the disk."""
SCHEMAS = 100
"""How many schemas of versions it remembers: each may take 200 kB."""
WARNED = 1000
"""How many names of inputs it remembers to have warned of."""
LATEST_LIVES = 3600.0
"""Seconds for which the latest version of a model is believed to be that."""
OPEN = {"$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "patternProperties", "unevaluatedProperties"}
"""What in the schema of an input may name inputs that are not among its `properties`."""
HIDDEN = ("hidden", "None", "")
"""What answers have in the place of a version's id, if that is not to be known."""

Account: TypeAlias = "tuple[str, int]"
"""Whose it is: the API's address, and a hash of the token."""


@frozen(slots=False)
class Description:
    """What is known of what a reference names."""

    openapi_schema: Mapping[str, Any] | None = None
    version: str | None = None
    """The version to run, or to fall back on."""
    official: bool | None = None
    """Whether the model runs by its name alone; None where that is not known."""
    remembered: bool = field(default=False, eq=False)
    """It was known before this call, and may be out of date."""

    @cached_property
    def output(self) -> OutputSchema:
        return OutputSchema(self.openapi_schema)

    @cached_property
    def input(self) -> InputSchema:
        return InputSchema.of(self.openapi_schema)

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The schemas of the inputs by name; empty where they are not known, or any input may be given."""
        schema = members(members(members(members(self.openapi_schema).get("components")).get("schemas")).get("Input"))
        more = schema.get("additionalProperties", False) is not False
        return {} if more or not OPEN.isdisjoint(schema) else members(schema.get("properties"))


class Latest(NamedTuple):
    """Which version of a model is the latest, and since when that is known, by the transport's clock."""

    version: str | None
    official: bool | None
    moment: float


class Descriptions:
    """What a client remembers of models. Tasks and threads share it."""

    def __init__(self) -> None:
        self._schemas: Recent[tuple[Account, str], Mapping[str, Any] | None] = Recent(SCHEMAS)
        self._latest: Recent[tuple[Account, str], Latest] = Recent(REMEMBERED)
        self._named: Recent[tuple[Account, str], tuple[str, str]] = Recent(REMEMBERED)
        """By model: its latest version, and what answers call it, where that is something else."""
        self.read: Recent[tuple[Account, str], None] = Recent(SCHEMAS)
        """What was looked for on the disk."""
        self.warned: Recent[tuple[str, str], None] = Recent(WARNED)
        """The models and names of inputs that were warned of."""

    def of_version(self, account: Account, version: str) -> Description | None:
        """Give what is known of a version."""
        key = account, version
        if key not in self._schemas:
            return None
        return Description(self._schemas.recall(key), version, remembered=True)

    def of_model(self, account: Account, model: str, now: float) -> Description | None:
        """Give what is known of a model, unless that is too old."""
        latest = self._latest.recall((account, model))
        if latest is None or not 0 <= now - latest.moment < LATEST_LIVES:
            return None
        schema = self._schemas.recall((account, latest.version)) if latest.version else None
        return Description(schema, latest.version, latest.official, remembered=True)

    def keep(self, account: Account, model: str | None, found: Description, now: float) -> None:
        """Remember what was found out about a version, or about a model and its latest version."""
        if found.version:
            self._schemas[account, found.version] = found.openapi_schema
        if model is not None:
            self._latest[account, model] = Latest(found.version, found.official, now)

    def named(self, account: Account, model: str, version: str | None) -> str | None:
        """Give what answers call a version, if that is the latest of a model and has another name there."""
        same, other = self._named.get((account, model), (None, None))
        return other if version is not None and same == version else None

    def name(self, account: Account, model: str, version: str, other: str) -> None:
        """Note what answers call a version."""
        self._named[account, model] = version, other

    def forget(self, account: Account, model: str) -> None:
        """Take back what was remembered of a model's latest version."""
        self._latest.pop((account, model), None)

    def answered(self, account: Account, model: str, version: str) -> bool:
        """Note which version an answer names. True if that takes back what was remembered of the model.

        Some models answer with another name of their latest version: if it is the latest after a second look, too,
        the two are the same.
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
    """Give what the client of a session remembers."""
    found: Descriptions = session.memory.setdefault(Descriptions, Descriptions())
    return found


def account_of(session: Session[Any]) -> Account:
    """Tell whose knowledge it is: another API, or another token, may know other models by the same names."""
    return str(session.config.base_url), session.config.credentials.owner()


def remembered(session: Session[Any], reference: Reference) -> Description | None:
    """Give what the client remembers of what a reference names, without asking anybody."""
    known, account = memory(session), account_of(session)
    if reference.version is not None:
        return known.of_version(account, reference.version)
    return known.of_model(account, str(reference.model), session.transport.now())


def reference_of(run: Any) -> Reference | None:
    """Name the version of a model that a prediction runs, as far as its answer tells; None where it does not."""
    version = str(run.version)
    if version in HIDDEN:
        return None
    owner, _, name = str(run.model or "").partition("/")
    model = ModelVersionIdentifier(owner, name, version) if owner and name else None
    return Reference(model, version)


def description_reference(run: Any) -> Reference | None:
    """Name what describes a prediction: the version that it runs or, where that is hidden, its (official) model."""
    reference = reference_of(run)
    if reference is not None:
        return reference
    owner, _, name = str(run.model or "").partition("/")
    return Reference(ModelVersionIdentifier(owner, name), None) if owner and name else None


def description_of(run: Any, session: Session[Any]) -> Description | None:
    """Give what the client remembers of the version, or the official model, that a prediction runs."""
    reference = description_reference(run)
    return None if reference is None else remembered(session, reference)
