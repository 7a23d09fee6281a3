"""A hook of an httpx client that fails before the request is sent leaves no create in doubt."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from support.colours import RUN
from support.faults import Faults, answer

from replicate import AmbiguousCreateError, APIConnectionError, APITimeoutError, Client

EMPTY = answer(body=b'{"results": [], "next": null, "previous": null}')


def hooked(colour: str, place: str, moment: str, error: BaseException) -> Any:
    """Make a client with its own connections, one hook of which raises an error."""

    def hook(_: Any) -> None:
        raise error

    async def awaited(_: Any) -> None:
        raise error

    hooks = {moment: [hook if colour == "blocking" else awaited]}
    return Client("r8_a_token_of_mine", base_url=place, max_retries=0, event_hooks=hooks)


def create(colour: str, client: Any) -> Any:
    if colour == "blocking":
        return client.predictions.create(version="a" * 64, input={})

    async def act() -> Any:
        try:
            return await client.predictions.async_create(version="a" * 64, input={})
        finally:
            await client.async_close()

    return RUN[colour](act())


@pytest.mark.parametrize(
    ("error", "kind"),
    [(ConnectionError("redis down"), APIConnectionError), (TimeoutError("redis is slow"), APITimeoutError)],
    ids=["connection", "timeout"],
)
def test_an_error_of_a_connection(error: Exception, kind: type[APIConnectionError], colour: str) -> None:
    """A connection error in a request hook says that the API was not asked, and no prediction is searched for."""
    with Faults(EMPTY) as server:
        client = hooked(colour, server.base_url, "request", error)
        with pytest.raises(kind, match=rf"was not asked at POST .*{error}") as caught:
            create(colour, client)
        assert server.requests == []
    assert not caught.value.sent
    assert "event hook" in str(caught.value.hint)


@pytest.mark.parametrize("error", [ValueError("bug"), OSError("disk"), KeyboardInterrupt()], ids=repr)
def test_any_other_error(error: BaseException, colour: str, caplog: pytest.LogCaptureFixture) -> None:
    """Any other error in a request hook is raised unchanged, without a warning that a prediction may go on."""
    if isinstance(error, KeyboardInterrupt) and colour != "blocking":
        pytest.skip("the event loop ends by it")
    caplog.set_level(logging.WARNING)
    with Faults(EMPTY) as server:
        client = hooked(colour, server.base_url, "request", error)
        with pytest.raises(type(error)) as caught:
            create(colour, client)
        assert server.requests == []
    assert caught.value is error
    assert caplog.text == ""


def test_a_response_hook(colour: str) -> None:
    """An error in a response hook comes after the create was sent, so the create is in doubt."""
    with Faults(answer("201 Created", b"{}"), EMPTY) as server:
        client = hooked(colour, server.base_url, "response", ConnectionError("redis down"))
        client._session.transport.sleep = client._session.transport.twin().sleep = slept
        with pytest.raises(AmbiguousCreateError, match="redis down"):
            create(colour, client)
        assert server.requests[0].startswith(b"POST")


async def slept(seconds: float) -> None:
    pass
