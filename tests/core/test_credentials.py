"""Where the token comes from, and that it is never shown."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.sessions import TOKEN, config, scripted

from replicate import AsyncReplicate, Client, Replicate
from replicate._dual.drive import drive
from replicate._http.credentials import Credentials
from replicate.exceptions import APIConnectionError, APIResponseValidationError, ReplicateError
from replicate_api.api.account import account_get
from replicate_api.types import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replicate._http.session import Session

GET = Request("GET", "/account")


def cog(monkeypatch: pytest.MonkeyPatch, current_scope: Any) -> None:
    """Install a fake `cog` module, as if this ran inside a Cog model."""
    module = ModuleType("cog")
    module.current_scope = current_scope  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cog", module)


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put one token into the Cog scope and another into the environment."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", "from-environment")
    cog(monkeypatch, lambda: SimpleNamespace(context={"replicate_api_token": "from-cog"}))


@pytest.mark.parametrize(
    ("source", "token"),
    [
        ("given", "given"),
        (lambda: "called", "called"),
        (None, "from-cog"),
    ],
)
def test_the_order_of_token_sources(source: Any, token: str, everywhere: None) -> None:
    """A token passed to the client comes first, then the Cog prediction's token, then the environment's."""
    assert Credentials(source).token() == token


def test_the_environment_is_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's token is used if none was passed and there is no Cog scope; otherwise the token is None."""
    assert Credentials().token() is None
    monkeypatch.setenv("REPLICATE_API_TOKEN", "from-environment")
    assert Credentials().token() == "from-environment"


def raising() -> Any:
    raise RuntimeError("not in a prediction")


@pytest.mark.parametrize(
    "scope",
    [
        raising,
        lambda: None,
        lambda: SimpleNamespace(context=None),
        lambda: SimpleNamespace(context={"OTHER": "x"}),
        lambda: SimpleNamespace(context={"A": 1, 2: 3}),
    ],
)
def test_a_scope_without_a_token_is_skipped(scope: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Cog scope without a token, or a `cog` module of another version, is no error."""
    cog(monkeypatch, scope)
    assert Credentials().token() is None
    monkeypatch.setitem(sys.modules, "cog", ModuleType("cog"))
    assert Credentials().token() is None


@pytest.mark.parametrize("source", ["", " '' ", lambda: None, lambda: ""])
def test_an_empty_token_does_not_fall_back_to_another(source: Any, everywhere: None) -> None:
    """An empty token that was passed is an error: another account's token is not used in its place."""
    with pytest.raises(ReplicateError, match="passed to the client, but it is empty"):
        Credentials(source).token()


@pytest.mark.parametrize("kind", [Replicate, AsyncReplicate, Client])
def test_an_empty_token_is_refused_at_construction(kind: Any, everywhere: None) -> None:
    """A text is checked when the client is made; a function is called only when a request is sent."""
    with pytest.raises(ReplicateError, match="it is empty"):
        kind(bearer_token="")
    kind(bearer_token=lambda: None)


@pytest.mark.parametrize("source", [b"r8_bytes", 7, ["r8"]])
def test_a_token_is_text(source: Any) -> None:
    """Any other type is refused, and the value is not shown."""
    with pytest.raises(TypeError, match=f"not {type(source).__name__}$"):
        Client(api_token=source)
    with pytest.raises(TypeError, match=f"must give a str, not {type(source).__name__}$"):
        Credentials(lambda: source).token()


@pytest.mark.parametrize("dirty", ["token", " token\n", '"token"', "'token'", ' "token" ', "\ttoken\r\n", '" token "'])
def test_quotes_and_white_space_around_a_token_are_removed(dirty: str) -> None:
    """Quotes and white space around a token, as shells and .env files leave them, are removed."""
    assert Credentials(dirty).token() == "token"


@pytest.mark.parametrize(
    "bad",
    [
        "to\nken",
        "toke\u0144",
        "to\u0085ken",
        "to\0ken",
        "to\tken",
        "to\x7fken",
        "tok\u200ben",
        "to\r\nX-Header: 1",
    ],
)
def test_an_invalid_token_is_refused_and_not_shown(bad: str) -> None:
    """Characters that a header cannot hold are refused; the error says what to do and does not show the token."""
    with pytest.raises(ReplicateError, match="REPLICATE_API_TOKEN") as caught:
        Credentials(bad).token()
    assert bad not in "".join(traceback.format_exception(caught.value))


def test_the_token_is_read_for_every_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function is called for each attempt, and a changed environment variable is noticed."""
    tokens: Iterator[str] = iter(["first", "second", "third"])
    session, transport = scripted(503, 200, token=lambda: next(tokens))
    drive(session.send(GET))
    drive(session.send(GET))
    assert [sent.headers["Authorization"] for sent in transport.requests] == [
        "Bearer first",
        "Bearer second",
        "Bearer third",
    ]

    session, transport = scripted(token=None)
    for token in ("old", "new"):
        monkeypatch.setenv("REPLICATE_API_TOKEN", token)
        drive(session.send(GET))
    assert [sent.headers["Authorization"] for sent in transport.requests] == ["Bearer old", "Bearer new"]


def deep(value: Any, seen: set[int] | None = None) -> str:
    """Return the repr of an object and of all objects of this package inside it."""
    seen = seen if seen is not None else set()
    if id(value) in seen:
        return ""
    seen.add(id(value))
    inner = vars(value) if type(value).__module__.startswith("replicate") and hasattr(value, "__dict__") else {}
    slots = {
        name: getattr(value, name, None) for name in getattr(type(value), "__slots__", ()) if not name.startswith("__")
    }
    return f"{value!r} {inner!r} " + " ".join(deep(each, seen) for each in [*inner.values(), *slots.values()])


def call(client: Any) -> Any:
    """Return the client and some of its namespaces."""
    return [client, client.predictions, client.models, client.files]


@pytest.mark.parametrize(
    "made",
    [
        Credentials(TOKEN),
        config(),
        config(headers={"Authorization": f"Bearer {TOKEN}"}),
        scripted()[0],
        *call(Replicate(bearer_token=TOKEN)),
        *call(AsyncReplicate(api_token=TOKEN)),
        Client(TOKEN),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nothing_shows_the_token(made: Any) -> None:
    """Neither `repr` nor `vars` of an object that holds the token shows it."""
    if "Config" not in type(made).__name__:
        assert TOKEN not in deep(made)
    assert TOKEN not in repr(made)


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def test_a_response_that_echoes_the_token_does_not_reveal_it() -> None:
    """The token is not shown if a response that is not JSON contains it, even if the excerpt ends within the token."""
    odd = httpx.Response(200, text="x" * 60 + TOKEN, headers={"x-request-id": TOKEN})
    with pytest.raises(APIResponseValidationError, match=r"the content starts with 'xxx.*token") as caught:
        drive(scripted(odd)[0].call(account_get))
    assert TOKEN[:12] not in shown(caught.value)
    assert caught.value.request_id == "[token]"


def test_an_invalid_header_is_not_shown() -> None:
    """Our error does not show an invalid header, which may hold the token, as httpx's does; nothing was sent."""
    session, transport = scripted(httpx.LocalProtocolError(f"Illegal header value b'Bearer {TOKEN}'"))
    with pytest.raises(APIConnectionError, match="Check the headers") as caught:
        drive(session.send(GET))
    assert TOKEN not in shown(caught.value)
    assert (caught.value.sent, len(transport.requests)) == (False, 1)


def test_an_unsupported_protocol_is_not_retried() -> None:
    """An unsupported protocol means that nothing was sent, and is not retried."""
    session, transport = scripted(httpx.UnsupportedProtocol("ftp"))
    with pytest.raises(APIConnectionError) as caught:
        drive(session.send(GET))
    assert (caught.value.sent, len(transport.requests)) == (False, 1)


def test_a_traceback_leaves_out_the_libraries_below() -> None:
    """The cause of a broken connection is given in one line, without the exceptions below it."""
    try:
        try:
            raise OSError("the depths")  # noqa: TRY301 - the cause of the next error
        except OSError as depths:
            raise httpx.ConnectError("refused") from depths
    except httpx.ConnectError as error:
        cause = error
    with pytest.raises(APIConnectionError) as caught:
        drive(scripted(cause, max_retries=0)[0].send(GET))
    assert caught.value.__cause__ is cause
    assert cause.__traceback__ is None
    assert "the depths" not in shown(caught.value)


def sending(session: Session[Any]) -> ReplicateError | None:
    """Send a request, and return the error if there is one."""
    try:
        drive(session.send(GET))
    except ReplicateError as error:
        return error
    return None


@pytest.mark.parametrize("answer", [200, 401, 503, httpx.ConnectError("no"), httpx.ReadTimeout("late")], ids=str)
def test_no_record_and_no_error_holds_the_token(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Log records, tracebacks, and the local variables that some tools add to them, do not contain the token."""
    caplog.set_level(logging.DEBUG)
    session, _ = scripted(answer, max_retries=1)
    shown, error = "", sending(session)
    if error is not None:
        shown = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format()) + deep(error)
    if isinstance(error, APIConnectionError):
        assert error.request is not None
        assert "authorization" not in error.request.headers
    assert TOKEN not in shown + caplog.text + "".join(str(vars(record)) for record in caplog.records)


def test_real_exchanges_log_no_token(caplog: pytest.LogCaptureFixture) -> None:
    """Neither httpx nor httpcore logs the token, at any level."""
    from support.faults import Faults, answer

    caplog.set_level(logging.DEBUG)
    with Faults(answer()) as server, Replicate(bearer_token=TOKEN, base_url=server.base_url) as client:
        client.get("/account")
        assert TOKEN.encode() in server.requests[0]
    assert "HTTP Request" in caplog.text
    assert TOKEN not in caplog.text


def test_a_missing_token_is_reported_at_once() -> None:
    """A client cannot be made without any token; version 1's `Client` can."""
    assert "REPLICATE_API_TOKEN" not in os.environ
    with pytest.raises(ReplicateError, match=r"^bearer_token client option must be set: there is no API token\. Set "):
        Replicate()
    Client().close()
