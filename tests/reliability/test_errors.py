"""Errors of real calls over real sockets: httpx's classes before a start, none of them after it, and the texts."""

from __future__ import annotations

import io
import json
import pickle
import socket
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
from support.colours import Clock, collect, connect, got, leaves_streams, scripted
from support.faults import CLOSE_READ, RESET_READ, SILENCE, STALLED, Faults, answer, refusing_url
from support.sample_models import prediction

from replicate import (
    AmbiguousCreateError,
    APIConnectionError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    Client,
    ConflictError,
    InsufficientCreditError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ReplicateError,
    ReplicateException,
    RequestTooLargeError,
    RunError,
    StreamError,
    UnprocessableEntityError,
)
from replicate._http.connections.process import ClosedError
from replicate._http.errors import PAIRS
from replicate_api.types import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = leaves_streams

AGAIN = (ReplicateError, httpx.HTTPError, TimeoutError)
"""The errors after which a loop may call again."""
QUICKLY = httpx.Timeout(5, read=0.2)
GARBLED = answer("200 OK", b"no gzip", "Content-Encoding: gzip")


def pickled(error: Any) -> Any:
    return pickle.loads(pickle.dumps(error))


@pytest.mark.parametrize("kind", PAIRS.values(), ids=lambda kind: kind.__name__)
def test_each_pair_can_be_pickled(kind: type[APIConnectionError]) -> None:
    """Each pair of an httpx class keeps its class, text and fields in a pickle."""
    error = kind("It broke.", hint="Mend it.")
    error.sent = False
    again = pickled(error)
    assert (type(again), str(again), again.sent) == (kind, "It broke. Mend it.", False)
    assert again.request is None


@pytest.mark.parametrize(("cause", "kind"), PAIRS.items(), ids=lambda kind: kind.__name__)
def test_each_error_has_the_class_of_its_cause(cause: type[Exception], kind: type[APIConnectionError]) -> None:
    """Each httpx class has an error that is an instance of both. For timeouts it is an APITimeoutError."""
    if issubclass(cause, httpx.RequestError):
        assert issubclass(kind, cause)
    assert issubclass(kind, APITimeoutError) is issubclass(cause, (httpx.TimeoutException, TimeoutError))
    assert not issubclass(kind, (OSError, RunError))


def test_every_class_of_httpx_has_its_pair() -> None:
    """Every class of httpx's request errors has its pair."""
    kinds = {each for each in vars(httpx).values() if isinstance(each, type) and issubclass(each, httpx.RequestError)}
    assert kinds <= {*PAIRS}


# ---- before a start


class Place(NamedTuple):
    """The address of a failing server, and the client options that the failure needs."""

    base_url: str
    options: dict[str, Any]


@contextmanager
def behaving(behaviour: bytes | str, **options: Any) -> Iterator[Place]:
    with Faults(behaviour) as server:
        yield Place(server.base_url, options)


@contextmanager
def nobody() -> Iterator[Place]:
    yield Place(refusing_url(), {})


@contextmanager
def full() -> Iterator[Place]:
    """Yield a server whose accept queue is full, so that no more connections are made."""
    with ExitStack() as open_ones:
        listener = open_ones.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            client = open_ones.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(listener.getsockname())
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        yield Place(url, {"timeout": httpx.Timeout(5, connect=0.1)})


@contextmanager
def unread() -> Iterator[Place]:
    """Yield a server that does not read what is sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield Place(
            f"http://127.0.0.1:{listener.getsockname()[1]}/v1", {"timeout": httpx.Timeout(5, read=0.2, write=0.2)}
        )


@contextmanager
def busy() -> Iterator[Place]:
    """Yield a server to which one connection is allowed."""
    with Faults(STALLED) as server:
        limits = httpx.Limits(max_connections=1)
        yield Place(server.base_url, {"http": {"limits": limits}, "timeout": httpx.Timeout(5, pool=0.1)})


@contextmanager
def barred() -> Iterator[Place]:
    """Yield an address behind a proxy that refuses every tunnel."""
    with Faults(answer("403 Forbidden")) as proxy:
        yield Place("https://api.example.test/v1", {"http": {"proxy": proxy.origin}})


BEFORE: dict[str, tuple[type[httpx.RequestError], Callable[[], Any]]] = {
    "nobody listens": (httpx.ConnectError, nobody),
    "no connection is made": (httpx.ConnectTimeout, full),
    "no connection is free": (httpx.PoolTimeout, busy),
    "nobody reads": (httpx.WriteTimeout, unread),
    "no answer comes": (httpx.ReadTimeout, lambda: behaving(SILENCE, timeout=QUICKLY)),
    "no more of the answer comes": (httpx.ReadTimeout, lambda: behaving(STALLED, timeout=QUICKLY)),
    "the connection is reset": (httpx.ReadError, lambda: behaving(RESET_READ)),
    "the connection is closed": (httpx.RemoteProtocolError, lambda: behaving(CLOSE_READ)),
    "the answer is no HTTP": (httpx.RemoteProtocolError, lambda: behaving(b"garbage\r\n\r\n")),
    "the answer is cut off": (httpx.RemoteProtocolError, lambda: behaving(answer("200 OK", b"{", "Content-Length: 9"))),
    "the answer cannot be decoded": (httpx.DecodingError, lambda: behaving(GARBLED)),
    "the proxy refuses": (httpx.ProxyError, barred),
}
FIRST: dict[str, Callable[[Any], Any]] = {
    "look": lambda client: client.models.get("me/model"),
    "upload": lambda client: client.run("me/model", {"file": io.BytesIO(bytes(20_000_000))}),
}
"""Requests before a start: a lookup, or the upload of a file."""
UNUSUAL = {
    "no connection is made": "look",  # one of the waiting connections may be dropped after the first attempt
    "no connection is free": "look",
    "nobody reads": "upload",
}
"""The failures that only one of these requests can meet."""
CASES = [(name, first) for name in BEFORE for first in FIRST if UNUSUAL.get(name, first) == first]


@pytest.mark.skipif(sys.platform == "win32", reason="queues and buffers of connections are of another size")
@pytest.mark.parametrize(("trouble", "first"), CASES)
async def test_an_error_before_a_start_has_its_httpx_class(colour: str, trouble: str, first: str) -> None:
    """Before a start, an error is a ReplicateError and an instance of its cause's httpx class, also in a pickle."""
    cause, make = BEFORE[trouble]
    with make() as place:
        http = place.options.pop("http", None)
        given = {"http_client": client_of_httpx(colour, **http)} if http else {}
        client = connect(colour, base_url=place.base_url, max_retries=0, **given, **place.options)
        if trouble == "no connection is free":
            held = await client._session.send(Request("GET", "/models"), stream=True)
        with pytest.raises(cause) as caught:
            await got(FIRST[first](client))
        if trouble == "no connection is free":
            await client._session.transport.close_response(held)
        await got(client.close())
    error: Any = caught.value
    assert isinstance(error, APIConnectionError)
    assert isinstance(error, APITimeoutError) is issubclass(cause, httpx.TimeoutException)
    assert isinstance(error.__cause__, cause)
    again = pickled(error)
    assert (type(again), str(again)) == (type(error), str(error))
    assert isinstance(again, cause)


def client_of_httpx(colour: str, **options: Any) -> Any:
    return (httpx.Client if colour == "blocking" else httpx.AsyncClient)(**options)


STATUSES = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientCreditError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    413: RequestTooLargeError,
    418: APIStatusError,
    422: UnprocessableEntityError,
    429: RateLimitError,
    500: InternalServerError,
    503: InternalServerError,
}


def refusal(status: int) -> bytes:
    return answer(f"{status} Refused", json.dumps({"detail": f"It is {status}."}).encode())


@pytest.mark.parametrize(("status", "kind"), [pair for pair in STATUSES.items() if pair[0] < 500])
async def test_a_create_that_is_refused_has_started_nothing(colour: str, status: int, kind: type[Exception]) -> None:
    """A refused create raises the ReplicateError of its status, which is no httpx error."""
    with Faults(refusal(status)) as server:
        client = connect(colour, base_url=server.base_url, max_retries=0)
        for call in (*CALLS.values(), create):
            with pytest.raises(kind) as caught:
                await call(client)
            assert type(caught.value) is kind
            assert str(caught.value) == f"ReplicateError Details:\nstatus: {status}\ndetail: It is {status}."
            assert not isinstance(caught.value, httpx.HTTPError)
        await got(client.close())


async def create(client: Any) -> Any:
    return await got(client.predictions.create("me/model", {"text": "a"}))


# ---- after a start


class Started(Faults):
    """An API that starts a prediction and then misbehaves at every other request."""

    def __init__(self, behaviour: bytes | str | Callable[[bytes], bytes]) -> None:
        super().__init__(self.respond)
        self.behaviour = behaviour

    def respond(self, request: bytes) -> bytes:
        """Answer a create or a cancel, and misbehave otherwise."""
        if request.startswith(b"POST") and b"/cancel " in request:
            return answer("200 OK", json.dumps(prediction("canceled")).encode())
        if request.startswith(b"POST"):
            return answer("201 Created", json.dumps(prediction("starting")).encode())
        return self.behaviour  # type: ignore[return-value]  # a constant is a behaviour, too


AFTER: dict[str, tuple[type[Exception], bytes | str]] = {
    "no answer comes": (httpx.ReadTimeout, SILENCE),
    "no more of the answer comes": (httpx.ReadTimeout, STALLED),
    "the connection is reset": (httpx.ReadError, RESET_READ),
    "the connection is closed": (httpx.RemoteProtocolError, CLOSE_READ),
    "the answer is cut off": (httpx.RemoteProtocolError, answer("200 OK", b"{", "Content-Length: 9")),
    "the answer cannot be decoded": (httpx.DecodingError, GARBLED),
    "the answer is a page": (APIResponseValidationError, answer("200 OK", b"<html></html>")),
    **{f"the answer is {status}": (kind, refusal(status)) for status, kind in STATUSES.items()},
}
CALLS: dict[str, Callable[[Any], Any]] = {
    "run": lambda client: got(client.run("me/model", {"text": "a"}, wait=False)),
    "use": lambda client: got(client.use("me/model")(text="a")),
    "use streaming": lambda client: read(client.use("me/model", streaming=True)(text="a")),
    "use create": lambda client: created(client.use("me/model")),
    "stream": lambda client: collect(client.stream("me/model", {"text": "a"})),
}


async def read(output: Any) -> list[Any]:
    return await collect(await got(output))


async def created(model: Any) -> Any:
    run = await got(model.create(text="a"))
    return await got(run.output())


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Poll and search less often."""
    monkeypatch.setattr("replicate._jobs.wait.FAILURES", 2)
    monkeypatch.setattr("replicate._jobs.recovery.FIND", (0.0,))


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("way", CALLS)
@pytest.mark.parametrize("trouble", AFTER)
async def test_no_error_after_a_start_invites_another_call(colour: str, way: str, trouble: str) -> None:
    """After a start, every error is a RunError with the prediction and the cause, and no reason to call again."""
    cause, behaviour = AFTER[trouble]
    with Started(behaviour) as server:
        client = connect(colour, base_url=server.base_url, max_retries=0, timeout=QUICKLY)
        Clock(client)
        with pytest.raises(RunError) as caught:
            await CALLS[way](client)
        await got(client.close())
    error = caught.value
    assert not isinstance(error, AGAIN)
    assert error.prediction is not None
    assert error.prediction.id == "p1"
    assert type(error) is (StreamError if way == "stream" else RunError)
    assert isinstance(error.__cause__, cause)
    assert isinstance(error.__cause__, ReplicateError)
    assert sum(b"POST" in request.split(b" ")[0] for request in server.requests) == 1
    again = pickled(error)
    assert (type(again), str(again), again.prediction.id) == (type(error), str(error), "p1")
    if isinstance(error.__cause__, APIStatusError) and way != "stream":
        assert (error.status, error.detail) == (error.__cause__.status, error.__cause__.detail)
        assert str(error) == f"ReplicateError Details:\nstatus: {error.status}\ndetail: It is {error.status}."


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize("trouble", ["no answer comes", "the connection is reset", "the answer is 500"])
async def test_a_create_without_an_answer_invites_no_other_call(colour: str, trouble: str) -> None:
    """A create of unknown outcome raises AmbiguousCreateError with its cause."""
    cause, behaviour = AFTER[trouble]
    with Faults(behaviour) as server:
        client = connect(colour, base_url=server.base_url, max_retries=0, timeout=QUICKLY)
        Clock(client)
        for call in CALLS.values():
            with pytest.raises(AmbiguousCreateError) as caught:
                await call(client)
            assert not isinstance(caught.value, AGAIN)
            assert isinstance(caught.value.__cause__, cause)
            assert caught.value.prediction is None
            assert str(pickled(caught.value)) == str(caught.value)
        await got(client.close())


@pytest.mark.parametrize("way", ["run", "use", "stream"])
async def test_a_client_that_is_closed_meanwhile_ends_the_call(colour: str, way: str) -> None:
    """ClosedError is a ReplicateError if nothing was started, and the cause of a RunError if something was."""
    with Started(SILENCE) as server:
        client = connect(colour, base_url=server.base_url, max_retries=0)

        async def close(_: Any) -> None:
            await got(client.close())

        on_update: Any = (lambda _: client.close()) if colour == "blocking" else close
        calls = {
            "run": lambda: got(client.run("me/model", on_update=on_update)),
            "use": lambda: got(client.use("me/model", on_update=on_update, validate=False)()),
            "stream": lambda: collect(client.stream("me/model", on_update=on_update)),
        }
        if way == "use":
            server.behaviour = answer("404 Not Found")
        with pytest.raises(RunError) as caught:
            await calls[way]()
        assert not isinstance(caught.value, (*AGAIN, ClosedError))
        assert isinstance(caught.value.__cause__, ClosedError)
        assert caught.value.prediction is not None
        with pytest.raises(ClosedError) as refused:
            await calls[way]()
        assert isinstance(refused.value, ReplicateError)
        assert sum(request.startswith(b"POST /v1/models") for request in server.requests) == 1


def test_a_stream_that_is_closed_while_it_starts() -> None:
    """A stream that another thread closes before its create is answered cancels the prediction that it has started."""
    with Started(SILENCE) as server:
        client = connect("blocking", base_url=server.base_url, max_retries=0)
        events = client.stream("me/model", {"text": "a"})
        respond = server.respond

        def close_first(request: bytes) -> bytes:
            if b"/cancel " not in request:
                events.close()
            return respond(request)

        server.behaviours = [close_first]
        for _ in range(2):
            with pytest.raises(RunError, match="The output of prediction p1 was left before its end") as caught:
                next(events)
            assert caught.value.prediction.id == "p1"
        assert [request.split(b" ")[1] for request in server.requests] == [
            b"/v1/models/me/model/predictions",
            b"/v1/predictions/p1/cancel",
        ]
        client.close()


def test_a_stream_that_is_interrupted_while_it_starts() -> None:
    """After an interrupted start, the error does not say that nothing was started, unlike that of an unread stream."""

    def interrupt(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            raise KeyboardInterrupt
        return httpx.Response(200, json={"results": []})

    client = scripted("blocking", interrupt)
    Clock(client)
    events = client.stream("me/model", {"text": "a"})
    with pytest.raises(KeyboardInterrupt):
        next(events)
    with pytest.raises(RunError, match=r"left while its prediction was being started.*client\.predictions\.list"):
        next(events)
    unread = client.stream("me/model", {"text": "a"})
    unread.close()
    with pytest.raises(ReplicateError, match="closed before its prediction was started"):
        next(unread)
    client.close()


async def test_an_iterator_that_cannot_be_canceled(colour: str) -> None:
    """If `cancel()` of an iterator fails, it raises a RunError, as do all failures after a start."""
    with Started(refusal(404)) as server:
        client = connect(colour, base_url=server.base_url, max_retries=0)
        output = await got(client.use("me/model", streaming=True)(text="a"))
        server.behaviours = [refusal(403)]
        with pytest.raises(RunError, match="It is 403") as caught:
            await got(output.cancel())
        assert caught.value.prediction is output.prediction
        assert isinstance(caught.value.__cause__, PermissionDeniedError)
        await got(output.close())
        await got(client.close())


# ---- errors that are not httpx's own


class Raising(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport of the caller's that raises other errors than httpx's, except for creates if these are answered."""

    def __init__(self, error: type[Exception], *, creates: bool) -> None:
        self.error, self.creates = error, creates
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        if request.method == "POST" and self.creates:
            return httpx.Response(201, json=prediction("starting"))
        raise self.error("raised by a transport")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)


@pytest.mark.parametrize("raised", [TimeoutError, ConnectionResetError, BrokenPipeError])
async def test_errors_of_a_transport(colour: str, raised: type[Exception]) -> None:
    """Python's own connection errors become this package's, which say whether something was started."""
    for creates, kind in ((True, RunError), (False, AmbiguousCreateError)):
        transport = Raising(raised, creates=creates)
        client = connect(colour, http_client=client_of_httpx(colour, transport=transport), max_retries=0)
        Clock(client)
        with pytest.raises(kind, match="raised by a transport") as caught:
            await got(client.run("me/model", wait=False))
        assert not isinstance(caught.value, (*AGAIN, OSError))
        assert sum("POST" in line for line in transport.asked) == 1
        with pytest.raises(APIConnectionError) as before:
            await got(client.models.get("me/model"))
        assert isinstance(before.value, APITimeoutError) is (raised is TimeoutError)
        assert not isinstance(before.value, OSError)
        await got(client.close())


def complain(response: Any) -> None:
    response.raise_for_status()


async def complain_asynchronously(response: Any) -> None:
    response.raise_for_status()


async def read_and_complain(response: Any) -> None:
    await response.aread()
    response.raise_for_status()


@pytest.mark.parametrize("reading", [False, True])
async def test_errors_of_a_response_hook(colour: str, *, reading: bool) -> None:
    """A hook that calls `raise_for_status` changes only how much of the response's body is known."""
    if colour == "blocking":
        hook: Any = (lambda response: (response.read(), complain(response))) if reading else complain
    else:
        hook = read_and_complain if reading else complain_asynchronously

    def client_of(server: Faults) -> Any:
        http = client_of_httpx(colour, event_hooks={"response": [hook]})
        client = connect(colour, base_url=server.base_url, http_client=http, max_retries=1)
        Clock(client)
        return client

    with Faults(refusal(404)) as server:
        client = client_of(server)
        with pytest.raises(NotFoundError) as before:
            await got(client.predictions.create("0" * 64, {}))
        assert before.value.detail == ("It is 404." if reading else None)
        await got(client.close())
    with Faults(refusal(502)) as server:
        client = client_of(server)
        with pytest.raises(AmbiguousCreateError) as lost:
            await got(client.predictions.create("0" * 64, {}))
        assert not isinstance(lost.value, AGAIN)
        assert sum(request.startswith(b"POST") for request in server.requests) == 1
        with pytest.raises(InternalServerError):
            await got(client.models.get("me/model"))
        assert sum(b"/models/" in request for request in server.requests) == 2
        await got(client.close())
    with Started(refusal(401)) as server:
        client = client_of(server)
        with pytest.raises(RunError) as after:
            await got(client.run("me/model", wait=False))
        assert after.value.status == 401
        assert not isinstance(after.value, AGAIN)
        await got(client.close())


# ---- the texts

DETAILS = "ReplicateError Details:"
PAGE = b"<html>\n<body><h1>Internal Server Error</h1></body>\n</html>"
INVALID = {
    "type": "https://api.replicate.com/problems/invalid",
    "title": "Input validation failed",
    "detail": "- input: prompt is required\n- input: seed must be an integer",
    "status": 422,
    "instance": "/predictions/p1",
    "invalid_fields": [],
}


class Said(NamedTuple):
    """A response of the API, and the text, fields and notes of its error."""

    status: str
    body: Any
    text: list[str]
    notes: list[str]
    token: bool = True
    headers: tuple[str, ...] = ()
    retry_after: float | None = None


TEXTS = {
    "401": Said(
        "401 Unauthorized",
        {"title": "Unauthenticated", "detail": "You did not pass a valid authentication token", "status": 401},
        [DETAILS, "title: Unauthenticated", "status: 401", "detail: You did not pass a valid authentication token"],
        ["401 Unauthorized from POST /v1/predictions", "…REPLICATE_API_TOKEN"],
    ),
    "401 without a token": Said(
        "401 Unauthorized",
        {"title": "Unauthenticated", "detail": "You did not pass a token", "status": 401},
        [DETAILS, "title: Unauthenticated", "status: 401", "detail: You did not pass a token", "No token was sent. …"],
        ["401 Unauthorized from POST /v1/predictions"],
        token=False,
    ),
    "402": Said(
        "402 Payment Required",
        {"title": "Insufficient credit", "detail": "You have insufficient credit to run this model.", "status": 402},
        [
            DETAILS,
            "title: Insufficient credit",
            "status: 402",
            "detail: You have insufficient credit to run this model.",
        ],
        ["402 Payment Required from POST /v1/predictions", "…/account/billing"],
    ),
    "404": Said(
        "404 Not Found",
        {"detail": "The requested resource could not be found."},
        [DETAILS, "status: 404", "detail: The requested resource could not be found."],
        ["404 Not Found from POST /v1/predictions"],
    ),
    "422": Said(
        "422 Unprocessable Entity",
        INVALID,
        [
            DETAILS,
            "type: https://api.replicate.com/problems/invalid",
            "title: Input validation failed",
            "status: 422",
            "detail: - input: prompt is required",
            "- input: seed must be an integer",
            "instance: /predictions/p1",
        ],
        ["422 Unprocessable Entity from POST /v1/predictions"],
    ),
    "429": Said(
        "429 Too Many Requests",
        {"detail": "Request was throttled. Your rate limit resets in ~5s.", "status": 429},
        [DETAILS, "status: 429", "detail: Request was throttled. Your rate limit resets in ~5s."],
        ["429 Too Many Requests from POST /v1/predictions", "…max_retries="],
        headers=("Retry-After: 5",),
        retry_after=5,
    ),
}
LOOKS = {
    "500": Said(
        "500 Internal Server Error",
        {"title": "Internal server error", "detail": "Something\nbroke.", "status": 500},
        [DETAILS, "title: Internal server error", "status: 500", "detail: Something", "broke."],
        ["500 Internal Server Error from GET /v1/predictions/p1"],
    ),
    "500, a page": Said(
        "500 Internal Server Error",
        PAGE,
        [DETAILS, "status: 500"],
        ["500 Internal Server Error from GET /v1/predictions/p1: <html> <body><h1>…"],
    ),
}
"""Responses to a poll. As responses to a create, they would leave it ambiguous."""


@pytest.mark.parametrize("name", [*TEXTS, *LOOKS])
async def test_the_text_is_the_apis(colour: str, name: str) -> None:
    """`str` is version 1's text with its line feeds, the fields are the problem's, and the notes say what helps."""
    said = {**TEXTS, **LOOKS}[name]
    body = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
    with Faults(answer(said.status, body, "X-Request-Id: r1", *said.headers)) as server:
        client = connect(colour, base_url=server.base_url, max_retries=0)
        call = client.predictions.get if name in LOOKS else client.predictions.create
        with pytest.raises(APIStatusError) as caught:
            await (got(call("p1" if name in LOOKS else "me/p:1")) if said.token else without_token(colour, server))
        await got(client.close())
    for error in (caught.value, pickled(caught.value), RunError.of(caught.value, None)):
        assert_lines(str(error).split("\n"), said.text)
        assert_lines(error.__notes__, said.notes)
        status = int(said.status[:3])
        problem = said.body if isinstance(said.body, dict) else {}
        for field in ("type", "title", "detail", "instance"):
            assert getattr(error, field) == problem.get(field), field
        assert (error.status, error.status_code, error.request_id) == (status, status, "r1")
        assert error.retry_after == said.retry_after
        assert error.body == (said.body if problem else PAGE.decode())
        assert error.to_dict() == {
            field: value
            for field in ("type", "title", "status", "detail", "instance")
            if (value := status if field == "status" else problem.get(field)) is not None
        }
    assert caught.value.response is not None
    assert caught.value.request is not None


async def without_token(colour: str, server: Faults) -> None:
    """Create a prediction with a client of version 1, which may have no token."""
    with Client(base_url=server.base_url) as client:
        await got((client.predictions.create if colour == "blocking" else client.predictions.async_create)("me/p:1"))


def assert_lines(lines: list[str], expected: list[str]) -> None:
    """Compare lines with expected ones: whole, a beginning (`text…`) or a part (`…text`)."""
    assert len(lines) == len(expected), lines
    for line, wanted in zip(lines, expected, strict=True):
        start, dots, part = wanted.partition("…")
        assert line == wanted if not dots else (line.startswith(start) and part in line), (line, wanted)


def test_the_text_of_a_problem_is_version_1s() -> None:
    """The text of a problem is version 1's, also for an error that a caller makes of its fields."""
    error = ReplicateError(title="T", status=400, detail="a\nb", type="t", instance="i")
    assert str(error) == "ReplicateError Details:\ntype: t\ntitle: T\nstatus: 400\ndetail: a\nb\ninstance: i"
    assert str(ReplicateException("plain")) == "plain"
    assert str(pickled(error)) == str(error)
