"""Files with invalid URLs: the error says what is wrong, and nothing is sent."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from support.colours import TOKEN, Clock, connect, got, leaves_streams, scripted
from support.faults import Faults, answer
from support.hosts import hosted

from replicate import FileOutput
from replicate._dual.drive import drive
from replicate.exceptions import (
    AmbiguousCreateError,
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
)

pytestmark = leaves_streams

LONG = "a" * 70


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://xn--/a.png", r"^http://xn--/a\.png cannot be fetched, for its host is none: "),
        (f"http://{LONG}.test/x?sig=s", rf"^http://{LONG}\.test/x cannot be fetched, for a part of its host is"),
        ("http://..../x", r"^http://\.\.\.\./x cannot be fetched, for a part of its host is empty or too long\.$"),
        ("http://u:secret@h:65536/x", r"^http://h:65536/x cannot be fetched, for its port is above 65535\.$"),
        ("https:///x", r"^https:///x cannot be fetched, for it has no host\.$"),
    ],
)
async def test_an_invalid_url(colour: str, url: str, message: str) -> None:
    """A URL with an impossible host or port is never requested, and the error says what is wrong with it."""
    output = FileOutput(url, connect(colour))
    for call in (output.read, output.info):
        with pytest.raises(APIConnectionError, match=message) as raised:
            await got(call())
        assert raised.value.sent is False


@pytest.mark.parametrize(
    "location",
    [
        "data:,hi",
        "mailto:x",
        "javascript:alert(1)",
        "http:foo",
        "http://xn--/",
        "http://[::1",
        "http://h:99999999/x",
    ],
)
async def test_a_redirect_to_an_invalid_address(blocking: Any, location: str) -> None:
    """A redirect to an invalid address is an APIConnectionError, and is not retried."""
    with hosted(answer("302 Found", b"", f"Location: {location}")) as host:
        with pytest.raises(APIConnectionError, match=r"^http://(127\.|h:9).* cannot be fetched, for ") as raised:
            await got(host.output(**blocking).read())
        assert raised.value.sent is False
        assert host.asked == [("GET", None, None)]


async def test_a_create_that_is_redirected_to_an_invalid_address(colour: str) -> None:
    """A create that is answered with a redirect to an invalid address is ambiguous."""
    with Faults(answer("302 Found", b"", "Location: mailto:x")) as api:
        client = connect(colour, base_url=api.base_url)
        Clock(client)
        with pytest.raises(AmbiguousCreateError, match=r"/v1/models/a/b/predictions cannot be fetched, for ") as raised:
            await got(client.predictions.create(model="a/b", input={}))
        cause = raised.value.__cause__
        assert isinstance(cause, APIConnectionError)
        assert cause.sent is True
        assert len([request for request in api.requests if request.startswith(b"POST")]) == 1


@pytest.mark.parametrize("location", ["file:///etc/hostname", "ftp://h/x", "https:"])
async def test_a_redirect_that_is_not_followed(blocking: Any, location: str) -> None:
    """The error for a file host's redirect does not mention base_url, and the redirect never becomes an API path."""
    with hosted(answer("302 Found", b"", f"Location: {location}")) as host:
        with pytest.raises(APIError) as raised:
            await got(host.output(**blocking).read())
        assert "base_url" not in str(raised.value)
        if location.startswith("ftp"):
            assert isinstance(raised.value, APIStatusError)
            assert raised.value.hint == "It points to ftp://h/x, which is not followed."


async def test_an_error_with_odd_headers(blocking: Any) -> None:
    """An error response with headers that are not ASCII raises the error of its status."""
    with hosted(answer("403 Forbidden", b"no", "X-Note: \xff")) as host:
        with pytest.raises(APIStatusError, match=r"^403 Forbidden from GET /x/out\.bin: no") as raised:
            await got(host.output(**blocking).read())
        assert raised.value.response is not None
        assert raised.value.response.headers["x-note"] == "\xff"


@pytest.mark.parametrize("url", ["boat.png", "/files/1", "file:///etc/hostname", "ftp://h/x", "https:x", ""])
def test_urls_that_are_no_files(url: str) -> None:
    """The URL of a file must be fetchable by HTTP or be a data URI."""
    with pytest.raises(ValueError, match=r"^url must begin with https://, http:// or data:, not be "):
        FileOutput(url)


def test_old_pickles() -> None:
    """An output that was pickled before URLs were checked can still be loaded."""
    output: FileOutput[Any] = FileOutput("https://h/x", connect("blocking"))
    output.url = "boat.png"
    assert pickle.loads(pickle.dumps(output)).url == "boat.png"


async def test_a_scheme_in_upper_case(blocking: Any) -> None:
    """A URL may have its scheme in upper case. It is not taken for an API path and gets no token."""
    with hosted() as host:
        output = host.output(**blocking)
        shouted = FileOutput("HTTP" + output.url.removeprefix("http"), output._session)
        assert await got(shouted.read()) == await got(output.read())
        assert all(TOKEN.encode() not in request for request in host.requests)
        assert [request.split()[1] for request in host.requests] == [b"/x/out.bin"] * 2


@pytest.mark.parametrize("status", ["204 No Content", "201 Created", "203 Non-Authoritative Information"])
async def test_a_success_that_is_no_file(blocking: Any, status: str) -> None:
    """Only 200 and 206 are accepted as a file. Other successes are an error, also without content."""
    with hosted(answer(status, b"", "Content-Length: 0")) as host:
        output = host.output(**blocking)
        for call in (output.read, output.info):
            with pytest.raises(APIResponseValidationError, match=rf"its status is {status[:3]}\.$"):
                await got(call())


def test_errors_of_the_callers_client() -> None:
    """An encoding error while sending is not taken for an invalid redirect."""

    def fail(_: Any) -> Any:
        raise UnicodeEncodeError("ascii", "ü", 0, 1, "on purpose")

    output: FileOutput[Any] = FileOutput("https://h/x", scripted("blocking", fail))
    with pytest.raises(UnicodeEncodeError, match="on purpose"):
        drive(got(output.read()))
