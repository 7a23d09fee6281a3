"""Serves the application on a loopback port, in its own thread with its own event loop."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import uvicorn

from replicate.local.app import application
from replicate.local.clock import Clock
from replicate.local.cloud import USERNAME, Cloud
from replicate.local.gate import Gate, Received

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    from replicate import AsyncReplicate, Client
    from replicate.local.books import Book
    from replicate.local.models import Model
    from replicate.local.prediction import Prediction
    from replicate.local.training import Training

_HOST = "127.0.0.1"
_NAME = "replicate-local"
_PATIENCE = 10  # seconds
_GRACE = 1.0  # seconds


class Server:
    """A local Replicate, which serves while its `with` block runs.

    `models` maps `owner/name` to a function, or to a `Model` with more details. `collections` maps slugs to lists of
    models; by default there is one of official and one of community models. `store` is the file that keeps all data,
    with uploads and outputs in a folder beside it; by default, data is kept in memory. `workers` is the number of
    predictions and trainings that run at a time; others wait with the status `starting`.
    """

    def __init__(
        self,
        models: Mapping[str, Model | Callable[..., Any]],
        *,
        collections: Mapping[str, Sequence[str]] | None = None,
        store: str | os.PathLike[str] = ":memory:",
        port: int = 0,
        token: str | None = None,
        clock: Clock | None = None,
        workers: int = 32,
        page_size: int = 100,
    ) -> None:
        if not isinstance(models, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]  # a list comes to mind
            raise TypeError(f'models must map "owner/name" to functions, not be {type(models).__name__}')
        self.token: str = token or f"r8_local{secrets.token_hex(16)}"
        self.port: int = port
        self._open = partial(
            Cloud,
            models,
            collections=collections,
            store=store,
            clock=clock or Clock(),
            workers=workers,
            page_size=page_size,
        )
        self._cloud: Cloud | None = None

    def __enter__(self) -> Self:
        self._cloud = self._open()
        try:
            listening = _listen(self.port)
        except OSError:
            self._cloud.close()
            raise
        self.port = listening.getsockname()[1]
        self._gate = Gate(application(self._cloud), self.token)
        self._listener = _Listener(self._gate)
        self._thread = threading.Thread(target=self._listener.run, args=([listening],), name=_NAME, daemon=True)
        self._thread.start()
        if not self._listener.ready.wait(_PATIENCE):
            raise RuntimeError(f"the local server has not started within {_PATIENCE} s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.stop()
        self.cloud.halt()  # so that the listener can end streams and waiting requests
        self._thread.join()
        self.cloud.halt()  # and the runs that were started meanwhile
        self.cloud.close()

    @property
    def cloud(self) -> Cloud:
        """The models and data of the server."""
        if self._cloud is None:
            raise RuntimeError("the local server is not running: use it as `with replicate.local.server(…) as srv:`")
        return self._cloud

    @property
    def base_url(self) -> str:
        """The address of the API, for `Replicate(base_url=…)` or `REPLICATE_BASE_URL`."""
        return f"http://{_HOST}:{self.port}/v1"

    @property
    def predictions(self) -> Book[Prediction]:
        """All predictions, newest first."""
        return self.cloud.predictions

    @property
    def trainings(self) -> Book[Training]:
        """All trainings, newest first."""
        return self.cloud.trainings

    @property
    def requests(self) -> list[Received]:
        """The requests that the server has received, oldest first, without tokens."""
        return list(self._gate.log)

    def download_url(self, file_id: str, expiry: int) -> str:
        """Return a URL where anybody can download an upload until `expiry`, in seconds since the epoch."""
        signature = quote(self.cloud.files.sign(file_id, expiry), safe="")
        return f"{self.base_url}/files/{file_id}/download?owner={USERNAME}&expiry={expiry}&signature={signature}"

    def client(self) -> Client:
        """Return a client of this server."""
        from replicate import Client  # here, because the server must not depend on the client

        return Client(api_token=self.token, base_url=self.base_url)

    def async_client(self) -> AsyncReplicate:
        """Return an asynchronous client of this server."""
        from replicate import AsyncReplicate

        return AsyncReplicate(bearer_token=self.token, base_url=self.base_url)


server = Server


class _Listener(uvicorn.Server):
    """A uvicorn server that an event stops at once, instead of a flag that is polled every 0.1 seconds."""

    def __init__(self, app: Gate) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,
                date_header=False,
                lifespan="off",
                log_config=None,
                loop="asyncio",
                server_header=False,
                timeout_keep_alive=60,
                ws="none",
            )
        )
        self.ready = threading.Event()

    async def main_loop(self) -> None:
        """Serve until `stop`."""
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self.ready.set()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let responses finish, for a moment, and then end the remaining tasks and connections.

        uvicorn's own method waits in steps of 0.1 seconds, even if nothing is left to wait for.
        """
        state = self.server_state
        for each in (*self.servers, *(sockets or ())):
            each.close()
        for connection in list(state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn has no event for it
                    await asyncio.sleep(0.001)
        for task in state.tasks:
            task.cancel()
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    def stop(self) -> None:
        """End `main_loop`, from another thread."""
        self._loop.call_soon_threadsafe(self._stopping.set)


def _listen(port: int) -> socket.socket:
    # The protocol must be given: asyncio disables Nagle's algorithm only for a socket with IPPROTO_TCP.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if os.name == "posix":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_HOST, port))
        listening.listen(2048)
    except OSError as error:
        listening.close()
        raise OSError(error.errno, f"port {port} cannot be used; 0 chooses a free one: {error.strerror}") from error
    return listening
