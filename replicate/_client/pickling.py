"""How a client is pickled: with its settings, but without its token and its connections.

Only the session needs code for this. Clients, namespaces and functions made by `use` hold a session, and Python's
default pickling works for them. The session of the default client is pickled as a reference to the default client of
the process that loads it.
"""

from __future__ import annotations

from copy import deepcopy
from copyreg import pickle
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, SupportsIndex, cast

from replicate._client.subclasses import follow_class
from replicate._dual.colours import Async, Sync
from replicate._http.config import Config, configured_values
from replicate._http.credentials import Credentials
from replicate._http.libraries import httpx
from replicate._http.secrecy.secrets import Tokens, is_secret, shows, texts, without_secrets
from replicate._http.session import Session, async_session, blocking_session
from replicate._json import is_mapping
from replicate._objects.raw_response import RawResponses
from replicate._objects.resource import session_of
from replicate._upward import default_client, made

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

SETTINGS = ("timeout", "max_retries", "poll_interval", "output_dir", "allow_private_hosts", "max_response_bytes")
FILTERED = ("headers", "query", "body")
REFUSED = ("auth", "cookies", "event_hooks", "http_client", "mounts", "transport")
"""Options of httpx clients that hold secrets, or that belong to one process."""
LIBRARIES = ("httpx", "httpx2")


# ---- sessions


def default_of(session: Session[Any]) -> bool:
    """Return whether a session is the default client's, in either colour."""
    client = made()
    theirs: Session[Any] | None = None if client is None else client.__dict__.get("_session")
    if theirs is None:
        return False
    twins = session.config is theirs.config and session.memory is theirs.memory
    return session is theirs or (twins and session.blocking is not theirs.blocking)


def default_session(blocking: bool) -> Session[Any]:  # noqa: FBT001 - pickles call it
    """Return the default client's session in a colour."""
    return session_of(default_client()).of_colour(Sync if blocking else Async)


def reduced(session: Session[Any]) -> tuple[Any, ...]:
    """Return the pickled form of a session. Raises TypeError if its connections cannot be recreated elsewhere."""
    if default_of(session):
        return default_session, (session.blocking,)
    config, credentials = session.config, session.config.credentials
    tokens = credentials.known()
    options = checked(session.transport.options, tokens)
    url = checked({"base_url": None if config.given_url is None else str(config.given_url)}, tokens)
    settings = {**url, **{name: getattr(config, name) for name in SETTINGS}}
    left = credentials.given
    for name in FILTERED:
        values = configured_values(getattr(config, name))
        settings[name] = without_secrets(values, tokens)
        left = left or settings[name] != values
    return arrived, (session.blocking, options, settings, left)


def arrived(blocking: bool, options: dict[str, Any], settings: dict[str, Any], left: bool) -> Session[Any]:  # noqa: FBT001 - pickles call it
    """Make the session that a pickle describes. Its token is the one found in this process, if there is one."""
    url = settings.pop("base_url")
    base_url = None if url is None else httpx.URL(url)
    config = Config(base_url=base_url, credentials=Credentials(arrived=left), **settings)
    return blocking_session(config, **options) if blocking else async_session(config, **options)


pickle(Session, reduced)


# ---- connections


def checked(options: Mapping[str, Any], tokens: Tokens) -> dict[str, Any]:
    """Return the options for connections if they can be pickled. Raises TypeError if one cannot."""
    if name := next((name for name, value in options.items() if not is_plain(name, value, tokens)), None):
        raise TypeError(
            f"a client that was given {name}= cannot be pickled, for that holds connections, code or secrets of "
            f"this process: make the client in the process that uses it, or without {name}="
        )
    return {**options}


def is_plain(name: str, value: Any, tokens: Tokens) -> bool:
    """Return whether an option of httpx clients is plain data without a secret."""
    kind: type[Any] = value.__class__
    if name in REFUSED or (name == "cert" and kind is tuple and len(value) > 2):  # with a password
        return not value
    if is_mapping(value):
        return without_secrets(value, tokens) == value and is_plain("", [*value.values()], tokens)
    if kind in (list, tuple):
        return all(is_plain(name, each, tokens) for each in value)
    if kind.__module__.partition(".")[0] in LIBRARIES:
        return is_plain_there(value, tokens)
    plain = value is None or kind in (bool, int, float, str) or isinstance(value, PurePath)
    return plain and not is_secret(name, str(value or ""), tokens)


def is_plain_there(value: Any, tokens: Tokens) -> bool:
    """Return whether an object of httpx is plain data without a secret."""
    kind = type(value).__name__
    if kind == "Proxy":
        secrets = value.auth or value.headers or getattr(value, "ssl_context", None)
        return not secrets and not shows(str(value.url), tokens)
    return kind in ("Limits", "Timeout") or (kind == "URL" and not (value.userinfo or shows(str(value), tokens)))


# ---- clients


class Picklable:
    """A client that supports `pickle` and `copy`. Copies share its connections; pickles hold its settings, no token."""

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        if made() is self:
            return default_client, ()
        return super().__reduce_ex__(protocol)

    def __getstate__(self) -> dict[str, Any]:
        """Return the session and the attributes of a subclass. Raises TypeError if one of those holds a token."""
        tokens = own_session(self).config.credentials.known()
        shown = (name for name, value in vars(self).items() if any(shows(text, tokens) for text in texts(value)))
        if name := next(shown, None):
            raise TypeError(
                f"{type(self).__name__}.{name} seems to hold a token, which must not go into a pickle: leave it "
                "out in __getstate__"
            )
        return {**vars(self)}

    def __copy__(self) -> Self:
        session, memo = own_session(self), dict[int, Any]()
        other = object.__new__(type(self))
        for name, value in vars(self).items():
            with_it = value is session or (isinstance(value, RawResponses) and vars(value).get("_session") is session)
            vars(other)[name] = deepcopy(value, memo) if with_it else value
        follow_class(other)
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        other = memo[id(self)] = object.__new__(type(self))
        vars(other).update({name: deepcopy(value, memo) for name, value in vars(self).items()})
        follow_class(other)
        return other

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        vars(self).update(state)
        follow_class(self)


def own_session(client: Picklable) -> Session[Any]:
    """Return the session of a client."""
    return session_of(cast("Any", client))
