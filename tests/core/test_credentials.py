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
from replicate._core.credentials import Credentials
from replicate._core.dual import drive
from replicate.exceptions import APIConnectionError, ReplicateError
from replicate_api.types import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from replicate._core.session import Session

GET = Request("GET", "/account")


def cog(monkeypatch: pytest.MonkeyPatch, current_scope: Any) -> None:
    """Make it look as if this ran inside a Cog model."""
    module = ModuleType("cog")
    module.current_scope = current_scope  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cog", module)


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a token into the Cog scope, and one into the environment."""
    monkeypatch.setenv("REPLICATE_API_TOKEN", "from-environment")
    cog(monkeypatch, lambda: SimpleNamespace(context={"replicate_api_token": "from-cog"}))


@pytest.mark.parametrize(
    ("source", "token"),
    [
        ("given", "given"),
        (lambda: "called", "called"),
        (None, "from-cog"),
        ("", "from-cog"),
        (lambda: None, "from-cog"),
        (" '' ", "from-cog"),
    ],
)
def test_the_order_of_places(source: Any, token: str, everywhere: None) -> None:
    """What is given goes first, then the Cog prediction's token, then the environment."""
    assert Credentials(source).token() == token


def test_the_environment_is_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token given or a Cog scope, the environment's is used; without that, there is none."""
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
def test_a_scope_without_a_token_is_passed_over(scope: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Cog that has no token, or is of another version, is no reason to fail."""
    cog(monkeypatch, scope)
    assert Credentials().token() is None
    monkeypatch.setitem(sys.modules, "cog", ModuleType("cog"))
    assert Credentials().token() is None


@pytest.mark.parametrize("dirty", ["token", " token\n", '"token"', "'token'", ' "token" ', "\ttoken\r\n", '" token "'])
def test_quotes_and_white_space_around_a_token_are_dropped(dirty: str) -> None:
    """What shells and .env files leave around a token does no harm."""
    assert Credentials(dirty).token() == "token"


@pytest.mark.parametrize(
    "bad",
    [
        "to\nken",
        "to ken",
        "tokén",
        "to\0ken",
        "to\tken",
        "to\x7fken",
        "tok\u200ben",
        "Bearer r8_x",
        "to\r\nX-Header: 1",
    ],
)
def test_what_is_no_token_is_refused_unseen(bad: str) -> None:
    """Characters that no token has are refused, by a message that says what to do and does not show the token."""
    with pytest.raises(ReplicateError, match="REPLICATE_API_TOKEN") as caught:
        Credentials(bad).token()
    assert bad not in "".join(traceback.format_exception(caught.value))


def test_the_token_is_asked_for_at_every_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function gives a new token for each attempt, and so does a changed environment."""
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
    """Show an object, and the objects of this package that it is made of."""
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
    """Show a namespace and what it gives."""
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
    """Neither `repr` nor `vars` of anything that knows the token shows it."""
    if "Config" not in type(made).__name__:
        assert TOKEN not in deep(made)
    assert TOKEN not in repr(made)


def sending(session: Session[Any]) -> ReplicateError | None:
    """Send a request, and give the error if there is one."""
    try:
        drive(session.send(GET))
    except ReplicateError as error:
        return error
    return None


@pytest.mark.parametrize("answer", [200, 401, 503, httpx.ConnectError("no"), httpx.ReadTimeout("late")], ids=str)
def test_no_record_and_no_error_holds_the_token(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Log records, tracebacks, and the local variables that some tools add to them, are free of the token."""
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
    """Nor do httpx and httpcore log it, at any level."""
    from support.faults import Faults, answer

    caplog.set_level(logging.DEBUG)
    with Faults(answer()) as server, Replicate(bearer_token=TOKEN, base_url=server.base_url) as client:
        client.get("/account")
        assert TOKEN.encode() in server.requests[0]
    assert "HTTP Request" in caplog.text
    assert TOKEN not in caplog.text


def test_a_missing_token_is_reported_at_once() -> None:
    """Without any token a client cannot be made; version 1's can."""
    assert "REPLICATE_API_TOKEN" not in os.environ
    with pytest.raises(ReplicateError, match=r"There is no API token\. Set the environment variable"):
        Replicate()
    Client().close()
