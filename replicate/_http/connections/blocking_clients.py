"""The httpx clients that the threads of a blocking transport share: made on first use, discarded after an interrupt."""

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
    """One client for creates and one for all other requests; a single one if the caller has passed a transport."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = options
        self._factory: ClientFactory | None = None
        self._made: dict[bool, tuple[Sealed[httpx.Client], weakref.finalize[..., OwnClients]]] = {}
        """By whether it is for creates: a client, and the finalizer that closes it at the latest."""
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
        """Load the certificates if a request to this URL is the first that needs them. Raises VariableError."""
        if self._factory is not None:
            self._factory.prepare(url)

    def discard(self) -> None:
        """Stop using the clients after an interrupt, which may have left one of their locks held.

        They are not closed yet: other threads may be using them, and closing them takes the lock.
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
        """Leave inherited clients to the parent process, without closing them."""
        self._lock = Lock()
        for client, finalizer in self._made.values():
            finalizer.detach()
            inherited.append(client)
        inherited.extend(self._discarded)
        self._made, self._discarded, self._factory = {}, [], None


def unlocking(client: Any) -> Any:
    """Replace the locks of a client's pools, so that an interrupt leaves none of them held.

    httpcore acquires its lock in a Python method. A signal handler can raise there after the lock was acquired, and the
    lock is acquired again while that error is handled. A reentrant lock written in C has no such gap.
    """
    for transport in (getattr(client, "_transport", None), *getattr(client, "_mounts", {}).values()):
        pool: Any = getattr(transport, "_pool", None)
        if hasattr(pool, "_optional_thread_lock"):
            pool._optional_thread_lock = RLock()  # noqa: SLF001 - httpx has no option for it
    return client
