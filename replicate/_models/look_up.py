"""Looking up what a reference names: in memory, on disk, or with a request to the API.

A model can run without a description, so nothing here may stop or change a call. `try_look_up` ignores every error of a
look-up, but not a signal handler's exception. A remembered description is only a hint, which the API's next response
can withdraw.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from replicate._http import log
from replicate._http.connections.interface import came_over_a_socket
from replicate._http.deadline import Deadline
from replicate._http.secrecy.frames import is_interruption
from replicate._json import is_object
from replicate._models import disk_cache
from replicate._models.descriptions import Description, account_of, memory
from replicate._models.disk_cache import DescriptionCache, Latest, now
from replicate._models.reference import is_name
from replicate.exceptions import NotFoundError
from replicate_api.api.models import models_get, models_versions_get

if TYPE_CHECKING:
    from replicate._http.session import Session
    from replicate._models.reference import Reference


QUICKLY = 5.0
"""Seconds that a look-up may take while a prediction waits for it."""


async def recall(session: Session[Any], reference: Reference) -> Description | None:
    """Return what the client remembers of a reference, or what an earlier process stored on disk."""
    known, account = memory(session), account_of(session)
    if found := known.of(account, reference, session.transport.now()):
        return found
    key = account, str(reference.version or reference.model)
    if key in known.read or not session.transport.own:
        return None
    known.read[key] = None
    cache = disk_cache.of(session)
    if cache is None:
        return None
    outer = sys.exception()
    try:
        found, named = await session.transport.offload(partial(read, cache, reference))
    except Exception as error:  # the file may hold anything
        if is_interruption(error, outer):
            raise
        log.debug("reading what is kept of %s failed: %s", reference, error)
        return None
    if named:
        known.name(account, str(reference.model), *named)
    if found is not None:
        keep(session, reference, found)
    return found


def read(cache: DescriptionCache, reference: Reference) -> tuple[Description | None, tuple[str, str] | None]:
    """Read the description of a reference from disk, and the name that responses use for the latest version."""
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
    """Request the description of a reference, and remember it; None for a version whose model is unknown.

    The response of a mocking library that replaces all connections of the process is not remembered, as the next test
    has another mock. Raises what the request raises.
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
        described = Description(version=version)  # it may run, although it is not shown
    else:
        described = of_model(found) if version is None else Description(schema_of(found), version)
    if described.version is None:  # its first version can appear at any time
        return described
    if not session.transport.own:  # a mock behind a custom http_client is limited to this client's memory
        keep(session, reference, described)
    elif over_a_socket:
        keep(session, reference, described)
        if cache := disk_cache.of(session):
            named = memory(session).named(account_of(session), str(model), described.version)
            await session.transport.offload(partial(write, cache, reference, described, named))
    return described


def keep(session: Session[Any], reference: Reference, found: Description) -> None:
    """Remember the description of a reference."""
    model = str(reference.model) if reference.version is None else None
    memory(session).keep(account_of(session), model, found, session.transport.now())


def of_model(model: Any) -> Description:
    """Read the description in a model of the API."""
    latest = model.latest_version
    version, official = getattr(latest, "id", None), model.is_official
    return Description(
        openapi_schema=schema_of(latest),
        version=version if is_name(version) else None,
        official=official if isinstance(official, bool) else None,
    )


def schema_of(version: Any) -> Any:
    """Return the schema of a version, if it has one."""
    schema = getattr(version, "openapi_schema", None)
    return schema if is_object(schema) else None


def write(cache: DescriptionCache, reference: Reference, found: Description, named: str | None) -> None:
    """Store a description on disk."""
    if found.version is None:
        return
    if found.openapi_schema is not None:
        cache.keep_schema(found.version, found.openapi_schema)
    if reference.version is None:
        cache.keep_latest(str(reference.model), Latest(found.version, found.official, named, now()))


async def try_look_up(
    session: Session[Any], reference: Reference, deadline: Deadline, seconds: float | None = None
) -> Description | None:
    """Look up a reference; None if that fails. With `seconds`, the time is limited, and nothing is retried."""
    bound = deadline.bound(session)
    if seconds is not None:
        bound = Deadline.within(bound, seconds).bound(bound.evolve(max_retries=0))
    outer = sys.exception()
    try:
        return await look_up(bound, reference)
    except Exception as error:
        if is_interruption(error, outer):
            raise
        # Whatever it is, even a mock's assertion: the call continues without.
        log.debug("looking up %s failed: %s", reference, error)
        return None


def forget(session: Session[Any], reference: Reference) -> None:
    """Forget a model's latest version, in memory and on disk."""
    if reference.model is None or reference.version is not None:
        return
    known, account, model = memory(session), account_of(session), str(reference.model)
    known.forget(account, model)
    known.read[account, model] = None
    if not session.transport.own or (cache := disk_cache.of(session)) is None:
        return
    outer = sys.exception()
    try:
        if latest := cache.latest(model):
            named = known.named(account, model, latest.version)
            cache.keep_latest(model, latest._replace(moment=0, named=named or latest.named))
    except Exception as error:
        if is_interruption(error, outer):
            raise
        log.debug("taking back what is kept of %s failed: %s", reference, error)


def note_version(session: Session[Any], reference: Reference, known: Description | None, version: Any) -> None:
    """Note the version in the response to a create by model name, if anything is known of the model.

    Nothing is awaited here, not even the disk: a task canceled at this point would lose the started prediction.
    """
    if known is None or reference.model is None or reference.version is not None or not isinstance(version, str):
        return
    outer = sys.exception()
    try:
        if memory(session).answered(account_of(session), str(reference.model), version):
            forget(session, reference)
    except Exception as error:  # the prediction has started: its response must not be lost
        if is_interruption(error, outer):
            raise
        log.debug("noting the version of %s failed: %s", reference, error)
