"""What the clients of both colours offer: the nouns, the flows, and requests of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from replicate._client.pickling import Picklable
from replicate._client.settings import Configured
from replicate._client.subclasses import follow_class
from replicate._dual.async_names import rebound, tell_in_both
from replicate._dual.colours import Async, C
from replicate._dual.methods import also_awaited, dual
from replicate._http.options import RequestOptions, check_parameters
from replicate._jobs.options import CallOptions, RunOptions
from replicate._objects.custom_request import RawOptions, exchange, version1
from replicate._objects.raw_response import RawResponses
from replicate._objects.resource import namespace
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
    request = verb = dual  # to type checkers, what they give follows the arguments


class API(Configured[C], RawResponses, Picklable):
    """A client, apart from how it is made. Nouns and flows are loaded when they are first used."""

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
        """Models for one kind of task, picked by hand."""
        from replicate.resources.collections import Collections

        return Collections

    @namespace
    def deployments(self) -> type[Deployments[C]]:
        """Models on hardware of one's own choice, and predictions with them."""
        from replicate.resources.deployments import Deployments

        return Deployments

    @namespace
    def files(self) -> type[Files[C]]:
        """Files uploaded for models to read."""
        from replicate.resources.files import Files

        return Files

    @namespace
    def hardware(self) -> type[HardwareNamespace[C]]:
        """What models and deployments can run on."""
        from replicate.resources.hardware import HardwareNamespace

        return HardwareNamespace

    @namespace
    def models(self) -> type[Models[C]]:
        """Models, their versions, and predictions with official ones."""
        from replicate.resources.models import Models

        return Models

    @namespace
    def predictions(self) -> type[Predictions[C]]:
        """Runs of models."""
        from replicate.resources.predictions import Predictions

        return Predictions

    @namespace
    def trainings(self) -> type[Trainings[C]]:
        """Making new versions of models out of data."""
        from replicate.resources.trainings import Trainings

        return Trainings

    @namespace
    def webhooks(self) -> type[Webhooks[C]]:
        """The secret that signs webhooks, and checking what they bring."""
        from replicate.resources.webhooks import Webhooks

        return Webhooks

    @dual
    async def search(
        self, query: str, *, limit: int | None = None, **options: Unpack[RequestOptions]
    ) -> SearchResults[C]:
        """Search models, collections and documentation by a text; models come with what the search knows of them.

        `limit` (1 to 50) is how many models it gives. Maps to `search`:
        https://replicate.com/docs/reference/http#search. Raises APIError.
        """
        from replicate._inputs.aliases import needed
        from replicate.resources.search import SearchResults
        from replicate_api.api.search import search

        check_parameters({"query": needed("query", query), "limit": limit})
        found = await self._session.given(options).call(search, query=query, limit=limit)
        return SearchResults[C].bind(found, self._session)

    @dual
    async def run(
        self,
        ref: Any = UNSET,
        input: Mapping[str, Any] | None = None,
        use_file_output: bool | None = None,  # noqa: FBT001 - as it was
        *,
        model_version: Any = UNSET,
        **options: Unpack[CallOptions],
    ) -> Any:
        """Run a model and give its output.

        `ref` names the model: "owner/name", "owner/name:version", a version's id. `input` maps its input names to
        values; a `pathlib.Path`, an open binary file or bytes is sent as a file, a text as it is. In the output, a text
        that is a URL as a whole is a FileOutput, and a list is an OutputList, which prints as its text if it holds the
        pieces of one. A version that makes its output item by item gives an iterator over the items; a model by its
        name gives the list. `timeout` is for the whole call, in seconds. `on_update` is called with the prediction when
        it was started, and whenever it has changed (a coroutine function, too, with an asynchronous client);
        `progress=True` shows how far it is. `save_to` is a folder in which the files are saved as they come.
        `use_file_output=False` gives plain URLs. `model_version` is what earlier versions called `ref`.

        Raises RunError for whatever ends the call after the prediction may have been started, with the `prediction`
        where that is known: ModelError if it fails, PredictionTimeout at the timeout, AmbiguousCreateError where it is
        not known whether it was started, RunError itself for the rest, such as files that cannot be saved. Whatever
        else it raises tells that nothing was started: APIStatusError, APIConnectionError; InputError for an input that
        cannot be sent; TypeError, ValueError or, for `save_to`, OSError before anything is sent.
        """
        from replicate._flows.run import run
        from replicate._inputs.aliases import REF, chosen, stated

        wanted = chosen(REF, ref, stated({"model_version": model_version}))
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
        """Save all files in an output, a list or a dictionary, however nested, into a folder: so many at once.

        It gives the same with paths in the place of files, and leaves the rest as it is. Equal names are numbered, and
        nothing that is there is overwritten. If an iterator fails, its error has the `paths` of what came until then.
        `max_bytes` is how long each file may be, `progress` as for `FileOutput.save`, of all files together; a function
        may be called by several threads, one at a time. Raises SaveError if some cannot be saved, when the others are;
        OSError, TypeError or ValueError before anything is downloaded.
        """
        from replicate._outputs.save_all import save_all

        return await save_all(
            outputs, folder, self._session, concurrency=concurrency, max_bytes=max_bytes, progress=progress
        )

    @request
    async def request(self, method: str, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send any request, such as `client.request("GET", "/custom/endpoint")`, and give the answer.

        `url` (or `path`) is a path below the base URL, or a full URL, which gets the token only if it is the API's.
        `cast_to=dict` gives its JSON, `stream=True` an APIResponse before its content has come, with
        `stream_cls=replicate.Stream` its events. Raises APIStatusError for an error status, APIConnectionError. POST
        and PATCH are sent again only where the server certainly did nothing.

        Redirects are followed as httpx follows them, at most 10, without the token to another origin; with
        `follow_redirects=False`, the redirect is the answer. A POST that starts a prediction or a training is never
        sent to another place: its redirect raises APIStatusError.
        """
        return await exchange(self._session, method, one_url(url, path), options)

    @verb
    async def get(self, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send a GET request: see `request`."""
        return await exchange(self._session, "GET", one_url(url, path), options)

    @verb
    async def post(self, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send a POST request, with `json=`: see `request`."""
        return await exchange(self._session, "POST", one_url(url, path), options)

    @verb
    async def put(self, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send a PUT request, with `json=`: see `request`."""
        return await exchange(self._session, "PUT", one_url(url, path), options)

    @verb
    async def patch(self, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send a PATCH request, with `json=`: see `request`."""
        return await exchange(self._session, "PATCH", one_url(url, path), options)

    @verb
    async def delete(self, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send a DELETE request: see `request`."""
        return await exchange(self._session, "DELETE", one_url(url, path), options)

    @verb
    async def query(self, url: str = UNSET, *, path: str = UNSET, **options: Unpack[RawOptions]) -> Any:
        """Send a QUERY request, with `content=` or `json=`: see `request`."""
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
            use_file_output: bool | None = None,  # noqa: FBT001 - as it was
            *,
            use_async: Literal[False] = False,
            **options: Unpack[CallOptions],
        ) -> EventStream[C]: ...
        @overload
        def stream(
            self,
            ref: Any,
            input: Mapping[str, Any] | None = None,
            use_file_output: bool | None = None,  # noqa: FBT001 - as it was
            *,
            use_async: Literal[True],
            **options: Unpack[CallOptions],
        ) -> EventStream[Async]: ...

    @also_awaited
    def stream(
        self,
        ref: Any,
        input: Mapping[str, Any] | None = None,
        use_file_output: bool | None = None,  # noqa: FBT001 - as it was
        *,
        use_async: bool = False,
        **options: Unpack[CallOptions],
    ) -> EventStream[Any]:
        """Run a model and give the events of its output as they come.

        An event is a `str`: the text of an output event, empty for others (`event.event` is "logs", "done", …). The
        output of a model that offers no events comes as such, too. Takes what `run` takes, and raises InputError,
        TypeError or ValueError for what it cannot be. The prediction is started at the first event, or on entering
        `with`, which raise what `run` raises before a start. From then on raises RunError, with the `prediction`:
        StreamError if it fails, or cannot be followed, PredictionTimeout at the timeout. `use_async=True` gives the
        events for `async for`, with a blocking client too.
        """
        from replicate._flows.stream import stream

        settings: RunOptions = {**options, "use_file_output": use_file_output}
        if not use_async or not self._session.blocking:
            return stream(self._session, ref, input, settings)
        tell_in_both(self, settings)
        return rebound(stream(self._session.of_colour(Async), ref, input, settings), self._session)

    @property
    def _client(self) -> Any:
        """The client of httpx that sends the requests, for libraries that look. It does not have the token."""
        return self._session.transport.client

    @_client.setter
    def _client(self, client: Any) -> None:
        self._session.transport = self._session.transport.over(client)

    def __repr__(self) -> str:
        if "_session" not in vars(self):  # a traceback shows one whose constructor has raised
            return f"<{type(self).__name__}>"
        return f"<{type(self).__name__} {self._session.config.base_url}>"


def one_url(url: str, path: str) -> str:
    """Give where a request goes to: `url`, or version 2's `path`. Raises TypeError for both."""
    if url is not UNSET and path is not UNSET:
        raise TypeError("url is given more than once: url, path")
    return path if url is UNSET else url
