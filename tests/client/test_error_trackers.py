"""The reports of error trackers and of traceback printers do not contain the token."""

from __future__ import annotations

import io
import json
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from rich.console import Console
from rich.pretty import pretty_repr
from rich.traceback import Traceback
from sentry_sdk import Client as Sentry
from sentry_sdk.scrubber import EventScrubber
from sentry_sdk.transport import Transport
from sentry_sdk.utils import event_from_exception
from support.colours import connect
from support.failing_calls import CASES, TOKEN, raised
from support.faults import RESET_READ, Faults, answer

from replicate import Client, Replicate

if TYPE_CHECKING:
    from sentry_sdk.envelope import Envelope

SENT: list[str] = []


def given() -> str:
    return TOKEN


class Kept(Transport):
    """Keeps what Sentry sends."""

    def capture_envelope(self, envelope: Envelope) -> None:
        SENT.append(envelope.serialize().decode())


def of_sentry(error: BaseException) -> str:
    """Return what Sentry sends for an error, with all local variables and without scrubbing."""
    SENT.clear()
    options: dict[str, Any] = {"default_integrations": False, "event_scrubber": EventScrubber(denylist=[])}
    sentry = Sentry("http://key@localhost/1", transport=Kept, max_value_length=10**6, **options)
    event, hint = event_from_exception(error, client_options=sentry.options)
    sentry.capture_event(event, hint)
    sentry.close()
    [sent] = SENT
    assert '"vars"' in sent
    return sent


def of_rich(error: BaseException) -> str:
    """Return what rich prints for an error, with all local variables."""
    console = Console(file=io.StringIO(), width=10_000)
    options: dict[str, Any] = {"locals_max_length": None, "locals_max_string": None, "locals_hide_dunder": False}
    console.print(Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True, **options))
    shown: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert "locals" in shown
    return shown


def of_traceback(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def of_cgitb(error: BaseException) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cgitb = pytest.importorskip("cgitb")  # removed in Python 3.13
    shown: str = cgitb.text((type(error), error, error.__traceback__))
    return shown


TOOLS = [of_sentry, of_rich, of_traceback, of_cgitb]
SOME = ("422", "reset", "silence", "garbage", "stalled in pieces", "closed client", "create in doubt", "Ctrl-C")


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("name", SOME)
def test_no_tool_gets_the_token(tool: Any, name: str, colour: str) -> None:
    """A tool's report of a failed call does not contain the token, whatever ended the call."""
    if (tool, name) == (of_cgitb, "closed client"):
        pytest.skip("it fails where a property raises")
    case = CASES[name]
    with Faults(*(case.behaviours or (answer(),))) as server:
        place = server.base_url
        client = connect(colour, **{"bearer_token": TOKEN, "base_url": place, **case.options})
        error = raised(colour, lambda: case.act(client, place))
    assert TOKEN not in tool(error)


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("kind", [Replicate, Client])
@pytest.mark.parametrize("options", [{"base_url": "no URL"}, {"max_retries": -1}, {"http_client": 7}], ids=str)
def test_constructors(tool: Any, kind: Any, options: dict[str, Any]) -> None:
    """A tool's report of a client that cannot be made or copied does not contain the token."""

    async def make() -> None:
        kind(bearer_token=given(), **options)

    async def copy() -> None:
        kind(bearer_token="r8_another").with_options(bearer_token=given(), **options)

    assert TOKEN not in tool(raised("blocking", make))
    assert TOKEN not in tool(raised("blocking", copy))


@pytest.mark.parametrize("tool", [of_sentry, of_rich])
def test_the_tools_report_the_token_of_plain_httpx(tool: Any) -> None:
    """With httpx alone, the tools do report the header."""

    async def act() -> None:
        headers = httpx.Headers({"Authorization": f"Bearer {TOKEN}"})
        shown = dict(headers)
        httpx.get(place, headers=shown)  # noqa: ASYNC210 - not inside an event loop

    with Faults(RESET_READ) as server:
        place = server.base_url
        assert TOKEN in tool(raised("blocking", act))


def test_printed_objects() -> None:
    """The printed forms of a client, its namespaces and its responses do not contain the token."""
    with Faults(answer()) as server, Replicate(bearer_token=TOKEN, base_url=server.base_url) as client:
        response = client.get("/account")
        for each in (client, client._session, client._session.config, client.predictions, response, response.request):
            shown = pretty_repr(each, expand_all=True) + repr(each) + repr(getattr(each, "__dict__", None))
            assert TOKEN not in shown
        assert TOKEN not in json.dumps(dict(response.request.headers))
