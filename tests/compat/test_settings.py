"""The settings of the module, and the client behind its functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

import replicate

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER = {"id": "p1", "status": "succeeded", "urls": {}}
NAMES = ("api_token", *replicate._SETTINGS)


class Web:
    """A fake API that answers every request and records it."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.client = httpx.Client(transport=httpx.MockTransport(self.answer))

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return httpx.Response(200, json=ANSWER)


@pytest.fixture
def web() -> Iterator[Web]:
    """Use the fake API as the module's HTTP client, and reset the module's settings afterwards."""
    replicate._reset_client()
    web = Web()
    replicate.http_client = web.client
    replicate.bearer_token = "r8_first"
    yield web
    web.client.close()
    replicate._reset_client()
    for name in NAMES:
        vars(replicate).pop(name, None)


def test_settings_before_the_first_use(web: Web) -> None:
    """Settings made before the client exists apply to it."""
    replicate.base_url = "https://one.test"
    replicate.default_headers = {"X-One": "1"}
    replicate.default_query = {"q": "2"}
    replicate.predictions.get("p1")
    [request] = web.asked
    assert str(request.url) == "https://one.test/v1/predictions/p1?q=2"
    assert request.headers["authorization"] == "Bearer r8_first"
    assert request.headers["x-one"] == "1"


@pytest.mark.parametrize("token", ["api_token", "bearer_token"])
def test_settings_after_the_first_use(web: Web, token: str) -> None:
    """Later settings apply to everything that uses the client: functions, namespaces and objects."""
    get, found = replicate.predictions.get, replicate.predictions.get("p1")
    client = replicate.default_client
    setattr(replicate, token, "r8_second")
    replicate.base_url = "https://two.test/v1"
    replicate.timeout = 7
    replicate.max_retries = 0
    get("p2")
    found.reload()
    assert [str(request.url) for request in web.asked[1:]] == [
        "https://two.test/v1/predictions/p2",
        "https://two.test/v1/predictions/p1",
    ]
    assert {request.headers["authorization"] for request in web.asked[1:]} == {"Bearer r8_second"}
    assert web.asked[1].extensions["timeout"]["read"] == 7
    assert replicate.default_client is client
    assert replicate.api_token == replicate.bearer_token == "r8_second"


def test_another_http_client(web: Web) -> None:
    """The HTTP client can be replaced too."""
    replicate.predictions.get("p1")
    other = Web()
    with other.client:
        replicate.http_client = other.client
        replicate.predictions.get("p1")
    assert (len(web.asked), len(other.asked)) == (1, 1)


def test_an_invalid_setting(web: Web) -> None:
    """An invalid setting is refused on assignment, and changes nothing."""
    replicate.predictions.get("p1")
    with pytest.raises(ValueError, match="max_retries must be 0 or more"):
        replicate.max_retries = -1
    assert replicate.max_retries == replicate.DEFAULT_MAX_RETRIES


def test_settings_can_be_read() -> None:
    """An unset setting reads as the default of clients."""
    values: dict[str, Any] = {name: getattr(replicate, name) for name in NAMES}
    assert values.pop("timeout") == replicate.DEFAULT_TIMEOUT
    assert values.pop("max_retries") == replicate.DEFAULT_MAX_RETRIES
    assert values.pop("allow_private_hosts") is False
    assert values.pop("max_response_bytes") == 256 * 2**20
    assert set(values.values()) == {None}
    assert set(NAMES) - {"api_token"} <= set(dir(replicate))


def test_the_client_of_the_module() -> None:
    """The module's client is made once, and again after `_reset_client`."""
    client = replicate.default_client
    assert replicate._load_client() is client
    replicate._reset_client()
    assert replicate.default_client is not client
