"""After any failure of a call, neither the frames of the traceback nor the error itself contain the token."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING, Any

import anyio
import anyio.from_thread
import anyio.lowlevel
import httpx
import httpx2
import pytest
from support.colours import connect, got
from support.failing_calls import CASES, HURRIED, TOKEN, Alarm, Case, account, raised
from support.faults import RESET_READ, RESET_UNREAD, SILENCE, STALLED, Faults, answer, refusing_url
from support.walking import leaks

import replicate
from replicate import AsyncReplicate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def alarm() -> Iterator[None]:
    """Make SIGTERM raise Alarm, as in a web server's worker."""

    def handler(*_: Any) -> None:
        raise Alarm

    before = signal.signal(signal.SIGTERM, handler)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.usefixtures("alarm")
def test_no_frame_has_the_token(case: Case, colour: str, caplog: pytest.LogCaptureFixture) -> None:
    """The token is not in the frames, their objects, the chained exceptions, the exceptions' fields or the log."""
    if (case, colour) == (CASES["signal"], "trio"):
        pytest.skip("trio does not survive that")
    caplog.set_level(logging.DEBUG)
    with Faults(*(case.behaviours or (answer(),))) as server:
        place = server.base_url
        client = connect(colour, **{"bearer_token": TOKEN, "base_url": place, **case.options})
        error = raised(colour, lambda: case.act(client, place))
        sent = TOKEN.encode() in b"".join(server.requests)
    assert sent is (case.behaviours not in ((), (RESET_UNREAD,)))
    assert leaks(error, TOKEN) == []
    assert TOKEN not in caplog.text


def test_the_search_finds_the_token(colour: str) -> None:
    """With httpx alone, the search finds the token in several places of the frames."""

    async def act(place: str) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        if colour == "blocking":
            httpx.get(place, headers=headers)  # noqa: ASYNC210 - not inside an event loop
        async with httpx.AsyncClient() as client:
            await client.get(place, headers=headers)

    with Faults(RESET_READ) as server:
        error = raised(colour, lambda: act(server.base_url))
    listed = " ".join(leaks(error, TOKEN))
    for text in ("ReadError._request.headers[", "http11.py:", ": headers.repr", ": request.headers"):
        assert text in listed


async def in_time_of_asyncio(client: Any, event: anyio.Event) -> None:
    async with asyncio.timeout(0.1):
        await client.account.get()


async def waited_for(client: Any, event: anyio.Event) -> None:
    await asyncio.wait_for(client.account.get(), 0.1)


async def canceled(client: Any, event: anyio.Event) -> None:
    task = asyncio.ensure_future(client.account.get())
    await event.wait()
    task.cancel()
    await task


async def in_time_of_anyio(client: Any, event: anyio.Event) -> None:
    with anyio.fail_after(0.1):
        await client.account.get()


async def beside_what_fails(client: Any, event: anyio.Event) -> None:
    async def failing() -> None:
        await event.wait()
        raise Alarm

    async with anyio.create_task_group() as group:
        group.start_soon(failing)
        group.start_soon(client.account.get)


async def seen_canceled(client: Any, event: anyio.Event) -> None:
    seen: list[BaseException] = []

    async def seeing() -> None:
        try:
            await client.account.get()
        except anyio.get_cancelled_exc_class() as error:
            seen.append(error)
            raise

    async with anyio.create_task_group() as group:
        group.start_soon(seeing)
        await event.wait()
        group.cancel_scope.cancel()
    raise BaseExceptionGroup("it was canceled", seen)


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
@pytest.mark.parametrize(
    "act", [in_time_of_asyncio, waited_for, canceled, in_time_of_anyio, beside_what_fails, seen_canceled]
)
def test_cancellation(act: Any, loop: str) -> None:
    """An exception that cancels a task, or results from that, has no token in its frames."""
    if loop == "trio" and act in (in_time_of_asyncio, waited_for, canceled):
        pytest.skip("asyncio's own")

    async def main(place: str, asked: list[Callable[[], Any]]) -> None:
        event = anyio.Event()
        token = anyio.lowlevel.current_token()
        asked.append(lambda: anyio.from_thread.run_sync(event.set, token=token))
        await act(AsyncReplicate(bearer_token=TOKEN, base_url=place, max_retries=0), event)

    asked: list[Callable[[], Any]] = []

    def behave(_: bytes) -> str:
        asked[0]()
        return SILENCE

    with Faults(behave) as server:
        error = raised(loop, lambda: main(server.base_url, asked))
        assert TOKEN.encode() in server.requests[0]
    assert leaks(error, TOKEN) == []


class Raising(logging.Handler):
    """Raises an Alarm."""

    def emit(self, record: logging.LogRecord) -> None:
        raise Alarm(record.getMessage())


@pytest.mark.parametrize("name", ["httpx", "httpcore.http11"])
def test_log_handlers_that_raise(name: str, colour: str) -> None:
    """An exception from a log handler, in the middle of a request, has no token in its frames."""
    logger, handler = logging.getLogger(name), Raising()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        with Faults(answer()) as server:
            place = server.base_url
            client = connect(colour, bearer_token=TOKEN, base_url=place)

            async def act() -> None:
                try:
                    await account(client, place)
                finally:
                    logger.removeHandler(handler)
                    await got(client.close())  # closes the connection on which nothing was sent, too

            error = raised(colour, act)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert isinstance(error, Alarm)
    assert leaks(error, TOKEN) == []


class Refusal(Exception):  # noqa: N818 - not one of this package's errors
    """An exception of the caller's code that holds the request."""

    def __init__(self, request: Any, response: Any = None) -> None:
        super().__init__(f"refused with {request.headers['authorization']}", request)
        self.request, self.response = request, response


def refuse(request: Any) -> Any:
    raise Refusal(request)


async def refuse_later(request: Any) -> Any:
    raise Refusal(request)


def refuse_with_a_cause(request: Any) -> Any:
    try:
        raise KeyError(request.headers["authorization"])  # noqa: TRY301 - to have a cause
    except KeyError as error:
        raise Refusal(request) from error


def refuse_together(request: Any) -> Any:
    raise ExceptionGroup("several", [Refusal(request), Alarm()])


def not_answer(request: Any) -> Any:
    raise httpx.ConnectError("no", request=request)


def answered(request: Any) -> Any:
    return httpx.Response(200, json={})


def hooked(colour: str, **hooks: Any) -> Any:
    """Make an httpx client with hooks, asynchronous ones if the client is."""

    def awaited(hook: Any) -> Any:
        async def called(each: Any) -> Any:
            return hook(each)

        return hook if colour == "blocking" else called

    kind = httpx.Client if colour == "blocking" else httpx.AsyncClient
    chosen = {name: [awaited(hook)] for name, hook in hooks.items()}
    return kind(transport=httpx.MockTransport(answered), event_hooks=chosen)


def mocked(handler: Any) -> Callable[[str], Any]:
    return lambda colour: (httpx.Client if colour == "blocking" else httpx.AsyncClient)(
        transport=httpx.MockTransport(handler)
    )


FOREIGN = {
    "transport": mocked(refuse),
    "transport with a cause": mocked(refuse_with_a_cause),
    "transport with several": mocked(refuse_together),
    "transport of errors of httpx": mocked(not_answer),
    "hook of requests": lambda colour: hooked(colour, request=refuse),
    "hook of answers": lambda colour: hooked(colour, response=lambda response: refuse(response.request)),
    "auth": lambda colour: (httpx.Client if colour == "blocking" else httpx.AsyncClient)(
        transport=httpx.MockTransport(answered), auth=refuse
    ),
    "nobody there, httpx2": lambda colour: (httpx2.Client if colour == "blocking" else httpx2.AsyncClient)(),
}


@pytest.mark.parametrize("make", FOREIGN.values(), ids=FOREIGN)
def test_exceptions_of_the_callers_code(make: Any, colour: str) -> None:
    """An exception from the caller's transports, hooks and auth, which have the request, contains no token."""
    place = refusing_url()
    client = connect(colour, bearer_token=TOKEN, base_url=place, http_client=make(colour), max_retries=0)
    error = raised(colour, lambda: account(client, place))
    assert leaks(error, TOKEN) == []


@pytest.mark.parametrize("behaviour", [RESET_READ, SILENCE, b"garbage\r\n\r\n", STALLED], ids=str)
@pytest.mark.parametrize("kind", ["httpx2", "aiohttp"])
def test_other_libraries(kind: str, behaviour: Any, colour: str) -> None:
    """The frames of other HTTP libraries do not contain the token."""
    if kind == "aiohttp" and colour != "asyncio":
        pytest.skip("aiohttp is asyncio's")
    made = {
        "httpx2": httpx2.Client if colour == "blocking" else httpx2.AsyncClient,
        "aiohttp": replicate.DefaultAioHttpClient,
    }[kind]

    async def act(place: str) -> Any:
        http = made()
        client = connect(colour, **{"bearer_token": TOKEN, "base_url": place, "http_client": http, **HURRIED})
        try:
            return await account(client, place)
        finally:
            await got(client.close())

    with Faults(behaviour) as server:
        error = raised(colour, lambda: act(server.base_url))
    assert leaks(error, TOKEN) == []


def test_a_foreign_error_names_where_it_was_raised() -> None:
    """A note names where the exception was raised, in place of the frames. The one handled before keeps its frames."""
    client = connect("blocking", bearer_token=TOKEN, http_client=mocked(refuse)("blocking"))
    try:
        raise Alarm  # noqa: TRY301 - to be handled
    except Alarm:
        with pytest.raises(Refusal, match=r"refused with Bearer \[hidden\]") as caught:
            client.account.get()
    assert f"{__file__}:" in caught.value.__notes__[0]
    assert "(refuse)" in caught.value.__notes__[0]
    assert isinstance(caught.value.__context__, Alarm)
    assert caught.value.__context__.__traceback__ is not None
    assert not hasattr(caught.value.__context__, "__notes__")
    assert caught.value.request.headers["authorization"] == "Bearer [hidden]"
