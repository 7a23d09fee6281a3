"""Finding out what a reference names: from memory, from the disk, or by asking the API.

A model runs without being described. So nothing here may stop or change a call: `attempted` swallows whatever goes
wrong with a look-up, and what is remembered is only a hint, which the API's next answer may take back.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from replicate._http import log
from replicate._http.connections.interface import came_over_a_socket
from replicate._http.deadline import Deadline
from replicate._json import is_object
from replicate._models import disk_cache
from replicate._models.descriptions import Description, account_of, memory, remembered
from replicate._models.disk_cache import DescriptionCache, Latest, now
from replicate.exceptions import NotFoundError
from replicate_api.api.models import models_get, models_versions_get

if TYPE_CHECKING:
    from replicate._http.session import Session
    from replicate._models.reference import Reference


QUICKLY = 5.0
"""Seconds that a look-up may take while a prediction waits for it."""


async def recalled(session: Session[Any], reference: Reference) -> Description | None:
    """Give what the client remembers of what a reference names, or an earlier process has kept on the disk."""
    if found := remembered(session, reference):
        return found
    known, account = memory(session), account_of(session)
    key = account, str(reference.version or reference.model)
    if key in known.read or not session.transport.own:
        return None
    known.read[key] = None
    cache = disk_cache.of(session)
    if cache is None:
        return None
    try:
        found, named = await session.transport.offload(partial(read, cache, reference))
    except Exception as error:  # noqa: BLE001 - whatever is in the file
        log.debug("reading what is kept of %s failed: %s", reference, error)
        return None
    if named:
        known.name(account, str(reference.model), *named)
    if found is not None:
        keep(session, reference, found)
    return found


def read(cache: DescriptionCache, reference: Reference) -> tuple[Description | None, tuple[str, str] | None]:
    """Read from the disk what is known of what a reference names, and what answers call the latest version."""
    if reference.version is not None:
        schema = cache.schema(reference.version)
        return None if schema is None else Description(schema, reference.version, remembered=True), None
    latest = cache.latest(str(reference.model))
    if latest is None:
        return None, None
    named = (latest.version, latest.named) if latest.named else None
    if not latest.fresh:
        return None, named
    return Description(cache.schema(latest.version), latest.version, latest.official, remembered=True), named


async def look_up(session: Session[Any], reference: Reference) -> Description | None:
    """Ask the API what a reference names, and remember it; None for a version whose model is not known.

    What a mocking library has said, which stands in for all connections of a process, is not remembered: the next test
    has another one. Raises what the request raises.
    """
    model, version = reference
    if model is None:
        return None
    endpoint: Any = models_get if version is None else models_versions_get
    request = endpoint.build_request(model.owner, model.name, *([] if version is None else [version]))
    over_a_socket = False

    def parse(response: Any) -> Any:
        nonlocal over_a_socket
        over_a_socket = came_over_a_socket(response)
        return session.parse(endpoint, response)

    try:
        found = await session.look_up(request, parse)
    except NotFoundError as error:
        if version is None:
            raise
        over_a_socket = error.response is not None and came_over_a_socket(error.response)
        described = Description(version=version)  # which may run, though it is not shown
    else:
        described = of_model(found) if version is None else Description(schema_of(found), version)
    if described.version is None:  # it may get its first version at any time
        return described
    if not session.transport.own:  # who answers in the API's place has a client of his own for it
        keep(session, reference, described)
    elif over_a_socket:
        keep(session, reference, described)
        if cache := disk_cache.of(session):
            named = memory(session).named(account_of(session), str(model), described.version)
            await session.transport.offload(partial(write, cache, reference, described, named))
    return described


def keep(session: Session[Any], reference: Reference, found: Description) -> None:
    """Remember what was found out about what a reference names."""
    model = str(reference.model) if reference.version is None else None
    memory(session).keep(account_of(session), model, found, session.transport.now())


def of_model(model: Any) -> Description:
    """Read what the API says of a model."""
    latest = model.latest_version
    version, official = getattr(latest, "id", None), model.is_official
    return Description(
        openapi_schema=schema_of(latest),
        version=version if isinstance(version, str) else None,
        official=official if isinstance(official, bool) else None,
    )


def schema_of(version: Any) -> Any:
    """Give the schema of a version, if it has one."""
    schema = getattr(version, "openapi_schema", None)
    return schema if is_object(schema) else None


def write(cache: DescriptionCache, reference: Reference, found: Description, named: str | None) -> None:
    """Keep on the disk what was found out."""
    if found.version is None:
        return
    if found.openapi_schema is not None:
        cache.keep_schema(found.version, found.openapi_schema)
    if reference.version is None:
        cache.keep_latest(str(reference.model), Latest(found.version, found.official, named, now()))


async def attempted(
    session: Session[Any], reference: Reference, deadline: Deadline, seconds: float | None = None
) -> Description | None:
    """Look up what a reference names, once if that is to be done within so many `seconds`; None if that fails."""
    bound = deadline.bound(session)
    if seconds is not None:
        bound = Deadline.within(bound, seconds).bound(bound.evolve(max_retries=0))
    try:
        return await look_up(bound, reference)
    except Exception as error:  # noqa: BLE001 - whatever it is, also a mock's assertion: the call goes on without
        log.debug("looking up %s failed: %s", reference, error)
        return None


def forget(session: Session[Any], reference: Reference) -> None:
    """Take back what is remembered of a model's latest version, here and on the disk."""
    if reference.model is None or reference.version is not None:
        return
    known, account, model = memory(session), account_of(session), str(reference.model)
    known.forget(account, model)
    known.read[account, model] = None
    if not session.transport.own or (cache := disk_cache.of(session)) is None:
        return
    try:
        if latest := cache.latest(model):
            named = known.named(account, model, latest.version)
            cache.keep_latest(model, latest._replace(moment=0, named=named or latest.named))
    except Exception as error:  # noqa: BLE001 - as above
        log.debug("taking back what is kept of %s failed: %s", reference, error)


def answered(session: Session[Any], reference: Reference, version: Any) -> None:
    """Note which version the answer to a model's name tells.

    It awaits nothing, not even the disk: a task canceled here would lose a prediction that has been started.
    """
    if reference.model is None or reference.version is not None or not isinstance(version, str):
        return
    try:
        if memory(session).answered(account_of(session), str(reference.model), version):
            forget(session, reference)
    except Exception as error:  # noqa: BLE001 - the prediction has been started: nothing may take its answer away
        log.debug("noting the version of %s failed: %s", reference, error)
