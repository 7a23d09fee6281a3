"""What the clients of both colours offer: the nouns, the flows, and requests of any kind."""

from __future__ import annotations

from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic

from replicate._core.dual import C, dual, dual_iter

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    import httpx
    from typing_extensions import Self, Unpack

    from replicate._core.options import RequestOptions
    from replicate._core.raw import RawOptions
    from replicate._core.session import Session
    from replicate._core.sse import ServerSentEvent
    from replicate._flows.run import RunOptions
    from replicate.resources.files import Files
    from replicate.resources.models import Models
    from replicate.resources.predictions import Predictions


class API(Generic[C]):
    """A client, apart from how it is made. Nouns and flows are loaded when they are first used."""

    def __init__(self, session: Session[C]) -> None:
        self._session = session

    @cached_property
    def files(self) -> Files[C]:
        """Files uploaded for models to read."""
        from replicate.resources.files import Files

        return Files(self._session)

    @cached_property
    def models(self) -> Models[C]:
        """Models, their versions, and predictions with official ones."""
        from replicate.resources.models import Models

        return Models(self._session)

    @cached_property
    def predictions(self) -> Predictions[C]:
        """Runs of models."""
        from replicate.resources.predictions import Predictions

        return Predictions(self._session)

    @dual
    async def run(self, ref: Any, input: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]) -> Any:
        """Run a model and give its output.

        `ref` names the model: "owner/name", "owner/name:version", a version's id. `input` maps its input names to
        values; a `pathlib.Path`, an open binary file or bytes is sent as a file. Files in the output are FileOutput; a
        model that makes its output item by item gives an iterator over the items. `timeout` is for the whole call, in
        seconds.

        Raises ModelError if the prediction fails, PredictionTimeout at the timeout (both carry the prediction),
        APIStatusError, APIConnectionError, AmbiguousCreateError; TypeError or ValueError before anything is sent.
        """
        from replicate._flows.run import run

        return await run(self._session, ref, input, options)

    @dual
    async def request(self, method: str, url: str, **options: Unpack[RawOptions]) -> httpx.Response:
        """Send any request, such as `client.request("GET", "/custom/endpoint")`, and give the answer.

        `url` is a path below the base URL, or a full URL, which gets the token only if it is the API's. Raises
        APIStatusError for an error status, APIConnectionError. POST and PATCH are sent again only where the server
        certainly did nothing.
        """
        return await exchange(self._session, method, url, options)

    @dual
    async def get(self, url: str, **options: Unpack[RawOptions]) -> httpx.Response:
        """Send a GET request: see `request`."""
        return await exchange(self._session, "GET", url, options)

    @dual
    async def post(self, url: str, **options: Unpack[RawOptions]) -> httpx.Response:
        """Send a POST request, with `json=`: see `request`."""
        return await exchange(self._session, "POST", url, options)

    @dual
    async def put(self, url: str, **options: Unpack[RawOptions]) -> httpx.Response:
        """Send a PUT request, with `json=`: see `request`."""
        return await exchange(self._session, "PUT", url, options)

    @dual
    async def patch(self, url: str, **options: Unpack[RawOptions]) -> httpx.Response:
        """Send a PATCH request, with `json=`: see `request`."""
        return await exchange(self._session, "PATCH", url, options)

    @dual
    async def delete(self, url: str, **options: Unpack[RawOptions]) -> httpx.Response:
        """Send a DELETE request: see `request`."""
        return await exchange(self._session, "DELETE", url, options)

    @dual
    async def close(self) -> None:
        """Close the connections. The client cannot be used any more."""
        await self._session.transport.close()

    @dual_iter
    async def stream(
        self, ref: Any, *, input: Mapping[str, Any] | None = None, **options: Unpack[RunOptions]
    ) -> AsyncGenerator[ServerSentEvent, None]:
        """Run a model and yield the events of its output as they come.

        An event is a `str`: the text of an output event, empty for others (`event.event` is "logs", "done", …). Takes
        what `run` takes. Raises StreamError if the prediction fails or the stream breaks off, and what `run` raises.
        """
        from replicate._flows.stream import stream

        async with aclosing(stream(self._session, ref, input, options)) as events:
            async for event in events:
                yield event

    def with_options(self, **options: Unpack[RequestOptions]) -> Self:
        """Give a client with other options for all its requests, over the same connections.

        `timeout`, `max_retries`, `extra_headers`, `extra_query`: as of a single request.
        """
        other = type(self).__new__(type(self))  # without the nouns, which keep the session that they were made with
        other.__dict__["_session"] = self._session.given(options)
        return other

    def __reduce__(self) -> str:
        """Refuse to be pickled."""
        raise TypeError("a client holds a token and connections: make one in each process instead of pickling it")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._session.config.base_url}>"


async def exchange(session: Session[Any], method: str, url: str, options: RawOptions) -> httpx.Response:
    """Send a low-level request."""
    from replicate._core import raw

    return await raw.exchange(session, method, url, options)
