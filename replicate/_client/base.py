"""The base class of both clients: namespaces, `run`, `stream`, `search`, and requests of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from replicate._client.pickling import Picklable
from replicate._client.settings import Configured
from replicate._client.subclasses import follow_class
from replicate._dual.async_names import rebind_all, wrap_on_update
from replicate._dual.colours import Async, C
from replicate._dual.methods import also_awaited, dual
from replicate._http.options import RequestOptions, check_parameters
from replicate._jobs.options import CallOptions, RunOptions
from replicate._objects.custom_request import RawOptions, exchange, version1
from replicate._objects.raw_response import RawResponses
from replicate._objects.resource import namespace
from replicate._wording import safe_repr
from replicate_api.types import UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike
    from typing import Literal

    import httpx
    from typing_extensions import Unpack

    from replicate._client.verbs import request, verb
    from replicate._files.fetch import Progress
    from replicate._http.session import Session
    from replicate._objects.custom_request import RawOptions
    from replicate.resources.account import Accounts
    from replicate.resources.collections import Collections
    from replicate.resources.deployments import Deployments
    from replicate.resources.files import Files
    from replicate.resources.hardware import HardwareNamespace
    from replicate.resources.models import Models
    from replicate.resources.predictions import EventStream, Predictions
    from replicate.resources.search import SearchResults
    from replicate.resources.trainings import Trainings
    from replicate.resources.webhooks import Webhooks
else:
    request = verb = dual  # type checkers see verbs.py, where the result depends on the arguments


class API(Configured[C], RawResponses, Picklable):
    """A client without its constructor. Namespaces and flows are loaded on first use."""

    def __init__(self, session: Session[C]) -> None:
        self._session = session
        follow_class(self)

    @namespace
    def account(self) -> type[Accounts[C]]:
        """The account that the token belongs to."""
        from replicate.resources.account import Accounts

        return Accounts

    @namespace
    def accounts(self) -> type[Accounts[C]]:
        """The same as `account`."""
        from replicate.resources.account import Accounts

        return Accounts

    @namespace
    def collections(self) -> type[Collections[C]]:
        """Curated sets of models for one kind of task."""
        from replicate.resources.collections import Collections

        return Collections

    @namespace
    def deployments(self) -> type[Deployments[C]]:
        """Models on hardware that you choose, and predictions with them."""
        from replicate.resources.deployments import Deployments

        return Deployments

    @namespace
    def files(self) -> type[Files[C]]:
        """Uploaded files, which models can read."""
        from replicate.resources.files import Files

        return Files

    @namespace
    def hardware(self) -> type[HardwareNamespace[C]]:
        """The hardware that models and deployments can run on."""
        from replicate.resources.hardware import HardwareNamespace

        return HardwareNamespace

    @namespace
    def models(self) -> type[Models[C]]:
        """Models, their versions, and predictions with official ones."""
        from replicate.resources.models import Models

        return Models

    @namespace
    def predictions(self) -> type[Predictions[C]]:
        """Predictions: single runs of models."""
        from replicate.resources.predictions import Predictions

        return Predictions

    @namespace
    def trainings(self) -> type[Trainings[C]]:
        """Trainings, which make new versions of models from data."""
        from replicate.resources.trainings import Trainings

        return Trainings

    @namespace
    def webhooks(self) -> type[Webhooks[C]]:
        """The secret that signs webhooks, and functions that verify deliveries."""
        from replicate.resources.webhooks import Webhooks

        return Webhooks

    @dual
    async def search(
        self, query: str, *, limit: int | None = None, **options: Unpack[RequestOptions]
    ) -> SearchResults[C]:
        """Search models, collections and documentation. Each model comes with the search's metadata about it.

        `limit` (1 to 50) is the maximum number of models. Maps to `search`:
        https://replicate.com/docs/reference/http#search. Raises APIError.
        """
        from replicate._inputs.aliases import require
        from replicate.resources.search import SearchResults
        from replicate_api.api.search import search

        check_parameters({"query": require("query", query), "limit": limit})
        found = await self._session.given(options).call(search, query=query, limit=limit)
        return SearchResults.bind(found, self._session)

    @dual
    async def run(
        self,
        ref: Any = UNSET,
        input: Mapping[str, Any] | None = None,
        use_file_output: bool | None = None,  # noqa: FBT001 - as in version 1
        *,
        model_version: Any = UNSET,
        **options: Unpack[CallOptions],
    ) -> Any:
        """Run a model and return its output.

        `ref` names the model: "owner/name", "owner/name:version" or a version id. `input` maps the model's input names
        to values: a `pathlib.Path`, an open binary file or bytes is sent as a file, a string is sent unchanged.

        In the output, a string that is entirely a URL becomes a FileOutput. A list becomes an OutputList, which prints
        as the joined text if it holds pieces of text. A version that streams its output item by item returns an
        iterator over the items; a model given by name returns the list.

        `timeout` limits the whole call, in seconds. `on_update` is called with the prediction after it has started and
        whenever it changes; with an asynchronous client, it can be a coroutine function. `progress=True` shows a
        progress display. `save_to` is a folder; output files are saved there as they arrive. `use_file_output=False`
        returns plain URLs. `model_version` is the name of `ref` in earlier versions.

        Raises RunError, with the `prediction` if it is known, for everything that ends the call once the prediction may
        have started: ModelError if it fails, PredictionTimeout at the timeout, AmbiguousCreateError if it is unknown
        whether it started, RunError itself for the rest, such as files that cannot be saved. Every other error means
        that nothing was started: APIStatusError, APIConnectionError; InputError for an input that cannot be sent;
        TypeError, ValueError or, for `save_to`, OSError before anything is sent.
        """
        from replicate._flows.run import run
        from replicate._inputs.aliases import REF, drop_unset, pop_alias

        wanted = pop_alias(REF, ref, drop_unset({"model_version": model_version}))
        if wanted is UNSET:
            raise TypeError("ref is missing: name a model as 'owner/name' or 'owner/name:version'")
        return await run(self._session, wanted, input, {**options, "use_file_output": use_file_output})

    @dual
    async def save_all(
        self,
        outputs: Any,
        folder: str | PathLike[str],
        *,
        concurrency: int = 8,
        max_bytes: int | None = None,
        progress: Progress = None,
    ) -> Any:
        """Save all files of an output (or of nested lists and dictionaries) into a folder, `concurrency` at a time.

        Returns the same structure with paths in place of the files; everything else is unchanged. Equal names are
        numbered, and existing files are never overwritten. If an iterator fails, its error has the `paths` of the files
        saved so far. `max_bytes` limits the size of each file. `progress` works as in `FileOutput.save`, for all files
        together; a function may be called from several threads, one at a time. Raises SaveError if some files cannot be
        saved, after saving the others; OSError, TypeError or ValueError before anything is downloaded.
        """
        from replicate._outputs.save_all import save_all

        return await save_all(
            outputs, folder, self._session, concurrency=concurrency, max_bytes=max_bytes, progress=progress
        )

    @request
    async def request(self, method: str, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send any request, such as `client.request("GET", "/custom/endpoint")`, and return the response.

        `url` (or `path`) is a path below the base URL, or a full URL, which gets the token only if it belongs to the
        API. `cast_to=dict` returns the parsed JSON. `stream=True` returns an APIResponse before its content has
        arrived; `stream_cls=replicate.Stream` then reads its events. Raises APIStatusError for an error status,
        APIConnectionError. POST and PATCH are retried only if the server certainly did nothing.

        Redirects are followed as httpx follows them, at most 10, without the token to another origin. With
        `follow_redirects=False`, the redirect itself is returned. A POST that starts a prediction or a training is
        never redirected: a redirect raises APIStatusError.
        """
        return await exchange(self._session, method, one_url(url, path), options)

    @verb
    async def get(self, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send a GET request. See `request`."""
        return await exchange(self._session, "GET", one_url(url, path), options)

    @verb
    async def post(self, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send a POST request, with `json=`. See `request`."""
        return await exchange(self._session, "POST", one_url(url, path), options)

    @verb
    async def put(self, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send a PUT request, with `json=`. See `request`."""
        return await exchange(self._session, "PUT", one_url(url, path), options)

    @verb
    async def patch(self, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send a PATCH request, with `json=`. See `request`."""
        return await exchange(self._session, "PATCH", one_url(url, path), options)

    @verb
    async def delete(self, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send a DELETE request. See `request`."""
        return await exchange(self._session, "DELETE", one_url(url, path), options)

    @verb
    async def query(self, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send a QUERY request, with `content=` or `json=`. See `request`."""
        return await exchange(self._session, "QUERY", one_url(url, path), options)

    @dual
    async def _request(self, method: str, path: str, **options: Unpack[RawOptions]) -> httpx.Response:
        """Send a request as version 1's clients did: `path` includes "/v1"."""
        return await version1(self._session, method, path, options)

    if TYPE_CHECKING:

        @overload
        def stream(
            self,
            ref: Any,
            input: Mapping[str, Any] | None = None,
            use_file_output: bool | None = None,  # noqa: FBT001 - as in version 1
            *,
            use_async: Literal[False] = False,
            **options: Unpack[CallOptions],
        ) -> EventStream[C]: ...
        @overload
        def stream(
            self,
            ref: Any,
            input: Mapping[str, Any] | None = None,
            use_file_output: bool | None = None,  # noqa: FBT001 - as in version 1
            *,
            use_async: Literal[True],
            **options: Unpack[CallOptions],
        ) -> EventStream[Async]: ...

    @also_awaited
    def stream(
        self,
        ref: Any,
        input: Mapping[str, Any] | None = None,
        use_file_output: bool | None = None,  # noqa: FBT001 - as in version 1
        *,
        use_async: bool = False,
        **options: Unpack[CallOptions],
    ) -> EventStream[Any]:
        """Run a model and return an iterator over the events of its output, as they arrive.

        An event is a `str`: the text of an output event, empty for other events (`event.event` is "logs", "done", …).
        If a model offers no events, its output is turned into events of the same kind.

        Takes the options of `run`, and raises InputError, TypeError or ValueError for arguments that are invalid. The
        prediction starts at the first event, or on entering `with`; both raise what `run` raises before a start. From
        then on raises RunError, with the `prediction`: StreamError if it fails or cannot be followed, PredictionTimeout
        at the timeout. `use_async=True` returns the events for `async for`, even from a blocking client.
        """
        from replicate._flows.stream import stream

        settings: RunOptions = {**options, "use_file_output": use_file_output}
        if not use_async or not self._session.blocking:
            return stream(self._session, ref, input, settings)
        wrap_on_update(self, settings)
        return rebind_all(stream(self._session.of_colour(Async), ref, input, settings), self._session)

    @property
    def _client(self) -> Any:
        """The httpx client that sends the requests, for libraries that inspect it. It does not hold the token."""
        return self._session.transport.client

    @_client.setter
    def _client(self, client: Any) -> None:
        self._session.transport = self._session.transport.over(client)

    @safe_repr
    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._session.config.base_url}>"


def one_url(url: str, path: str) -> str:
    """Return the URL of a request: `url`, or version 2's `path`. Raises TypeError if both are given."""
    if url is not UNSET and path is not UNSET:
        raise TypeError("url is given more than once: url, path")
    return path if url is UNSET else url
