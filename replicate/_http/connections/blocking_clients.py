"""The httpx clients of a blocking transport: created on first use, shared by threads, dropped after interrupts."""

from __future__ import annotations

import weakref
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any

from replicate._http.connections.client_factory import ClientFactory, with_lazy_cookies
from replicate._http.connections.concurrency import run_in_thread
from replicate._http.connections.process import inherited
from replicate._http.libraries import answers_itself
from replicate._http.secrecy.hiding import Sealed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

MOMENT = 1.0
"""Seconds to wait for a connection to close after an interrupt, which may have left its lock held."""


class OwnClients:
    """One client for creates and one for all else; with a transport of the caller, one for all."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._factory: ClientFactory | None = None
        self._made: dict[bool, tuple[Sealed[httpx.Client], weakref.finalize[..., OwnClients]]] = {}
        """Whether it is for creates, and what closes it at the latest."""
        self._discarded: list[Sealed[httpx.Client]] = []
        self._lock = Lock()

    def take(self, *, creates: bool) -> Sealed[httpx.Client]:
        """Return the client for a request. Raises VariableError, OptionError."""
        creates = creates and not answers_itself(self._options)
        if (made := self._made.get(creates)) is None:
            with self._lock:
                if (made := self._made.get(creates)) is None:
                    self._factory = self._factory or ClientFactory(self._options, blocking=True)
                    client: httpx.Client = unlocking(with_lazy_cookies(self._factory.make(creates=creates)))
                    made = self._made[creates] = Sealed(client), weakref.finalize(self, client.close)
        return made[0]

    def prepare(self, url: httpx.URL | str) -> None:
        """Load the certificates if this URL is the first that needs them. Raises VariableError."""
        if self._factory is not None:
            self._factory.prepare(url)

    def discard(self) -> None:
        """Drop the clients after an interrupt, which may have come while one of their locks was held.

        They are not closed: other threads may be using them, and closing takes the lock.
        """
        made, self._made = self._made, {}
        for client, finalizer in made.values():
            finalizer.detach()
            self._discarded.append(client)
            weakref.finalize(self, run_in_thread, client.open().close, MOMENT).atexit = False

    def close(self) -> None:
        """Close the connections."""
        for client, _ in [*self._made.values()]:
            client.open().close()
        for client in self._discarded:
            run_in_thread(client.open().close, MOMENT)

    def forget(self) -> None:
        """Drop the parent process's clients after a fork, without closing them."""
        self._lock = Lock()
        for client, finalizer in self._made.values():
            finalizer.detach()
            inherited.append(client)
        inherited.extend(self._discarded)
        self._made, self._discarded, self._factory = {}, [], None


def unlocking(client: Any) -> Any:
    """Replace the locks of a client's pools by reentrant ones, so that an interrupt leaves none held.

    httpcore takes its lock in Python code, where a signal handler can raise right after it, and takes it again while it
    handles that error. A reentrant lock that is taken in C has no such gap.
    """
    for transport in (getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()):
        pool: Any = getattr(transport, "_pool", None)
        if hasattr(pool, "_optional_thread_lock"):
            pool._optional_thread_lock = RLock()  # noqa: SLF001 - what else has it keeps it
    return client
