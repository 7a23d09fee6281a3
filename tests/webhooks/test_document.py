"""The handlers in docs/webhooks.md work as written."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import httpx
import pytest
from deliveries import BODY, PREDICTION, SECRET
from django.conf import settings
from django.test import RequestFactory

import replicate
from replicate import Replicate
from replicate.webhook import Webhooks

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENT = Path(__file__).parents[2] / "docs" / "webhooks.md"
DELIVERED = f"{PREDICTION['id']} succeeded"

pytestmark = pytest.mark.skipif(
    not DOCUMENT.exists(), reason="documents stay behind when the installed wheel is tested"
)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICATE_WEBHOOK_SECRET", SECRET)
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_test")


def block(word: str) -> dict[str, Any]:
    """Run the only Python block that contains a word, and return its names."""
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    [code] = [each for each in blocks if word in each]
    names: dict[str, Any] = {"__name__": "document"}
    exec(compile(code, DOCUMENT.name, "exec"), names)
    return names


def flask(body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    answer = block("import flask")["app"].test_client().post("/webhook", data=body, headers=headers)
    return answer.status_code, answer.text


def starlette(body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    async def send() -> httpx.Response:
        names = block("from starlette")
        transport = httpx.ASGITransport(names["app"])
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/webhook", content=body, headers=headers)

    answer = asyncio.run(send())
    return answer.status_code, answer.text


def django_(body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], DATABASES={})
        django.setup()
    request = RequestFactory().post("/webhook", body, content_type="application/json", headers=headers)
    answer = block("from django")["webhook"](request)
    return answer.status_code, answer.content.decode()


def lambda_(body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    event = {"version": "2.0", "headers": headers, "body": body.decode(), "isBase64Encoded": False}
    answer = block("def handler(event, context)")["handler"](event, None)
    return answer["statusCode"], answer["body"]


@pytest.mark.parametrize("deliver", [flask, starlette, django_, lambda_])
def test_handlers(deliver: Callable[[bytes, dict[str, str]], tuple[int, str]]) -> None:
    """A handler accepts a signed delivery, and responds to any other with 400 and the reason."""
    headers = Webhooks.sign(BODY, SECRET)
    assert deliver(BODY, headers) == (200, DELIVERED)
    status, text = deliver(BODY.replace(b"succeeded", b"failed"), headers)
    assert (status, "No signature of the delivery fits" in text) == (400, True)


def test_testing_a_handler() -> None:
    """The example of a test passes."""
    assert block("webhooks.sign(")["prediction"].output == "hello"


def test_asking_for_webhooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example of a create requests the webhook, and the example of the secret runs."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json={"key": SECRET} if "secret" in request.url.path else PREDICTION)

    with Replicate(bearer_token="r8_test", http_client=httpx.Client(transport=httpx.MockTransport(answer))) as client:
        monkeypatch.setattr(replicate, "default_client", client, raising=False)
        block("webhook_events_filter")
        block("default.secret()")
    posted = json.loads(sent[0].content)
    assert (posted["webhook"], posted["webhook_events_filter"]) == (
        "https://example.com/webhook",
        ["start", "completed"],
    )
