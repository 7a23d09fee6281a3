"""`client.webhooks`: the secret from the API, and deliveries as objects of the client."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from deliveries import BODY, NOW, PREDICTION, SECRET, TRAINING, headers, without

import replicate
from replicate import AsyncReplicate, NotFoundError, Replicate
from replicate.local import server as local_server
from replicate.resources.predictions import Prediction
from replicate.webhook import InvalidSignatureError, Webhooks, WebhookSigningSecret, WebhookValidationError

BASE_URL = "https://api.example.test/v1"


class Api:
    """Responds with one document, and records the requests."""

    def __init__(self, document: Any = None, status: int = 200) -> None:
        self.requests: list[httpx.Request] = []
        self.document, self.status = document, status

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(self.status, json=self.document)

    def client(self) -> Replicate:
        http = httpx.Client(transport=httpx.MockTransport(self))
        return Replicate(bearer_token="r8_test", base_url=BASE_URL, http_client=http)

    def async_client(self) -> AsyncReplicate:
        http = httpx.AsyncClient(transport=httpx.MockTransport(self))
        return AsyncReplicate(bearer_token="r8_test", base_url=BASE_URL, http_client=http)


def unwrapped(data: Any, client: Any = None) -> Any:
    body = json.dumps(data)
    return (client or Api().client()).webhooks.unwrap(headers=headers(body), body=body, secret=SECRET, now=NOW)


# ---- the secret


def test_the_secret() -> None:
    """`default.secret()`, as in version 1, and `default.secret.get()`, as in version 2, send the same request."""
    api = Api({"key": SECRET})
    client = api.client()
    for secret in (client.webhooks.default.secret(), client.webhooks.default.secret.get()):
        assert isinstance(secret, WebhookSigningSecret)
        assert secret.key == secret["key"] == SECRET
        assert client.webhooks.validate(headers=headers(), body=BODY, secret=secret, now=NOW)
    assert [(each.method, each.url.path) for each in api.requests] == [("GET", "/v1/webhooks/default/secret")] * 2


def test_the_secret_awaited() -> None:
    """Both are coroutines on an asynchronous client."""
    api = Api({"key": SECRET})

    async def main() -> None:
        async with api.async_client() as client:
            assert (await client.webhooks.default.secret()).key == SECRET
            assert (await client.webhooks.default.secret.get()).key == SECRET

    asyncio.run(main())
    assert len(api.requests) == 2


def test_request_options() -> None:
    """The secret takes the options of every request, and no others."""
    api = Api({"key": SECRET})
    client = api.client()
    client.webhooks.default.secret(extra_headers={"X-One": "1"}, timeout=3)
    client.webhooks.default.secret.get(extra_headers={"X-One": "1"}, max_retries=0)
    assert [each.headers["x-one"] for each in api.requests] == ["1", "1"]
    with pytest.raises(TypeError, match="did you mean 'timeout'"):
        client.webhooks.default.secret(timeuot=3)  # type: ignore[call-arg]
    with pytest.raises(NotFoundError):
        Api({"title": "Not found", "status": 404}, 404).client().webhooks.default.secret()


def test_the_secret_is_not_shown() -> None:
    """The secret is not in the repr, so that it does not get into a log."""
    secret = WebhookSigningSecret(key=SECRET)
    assert repr(secret) == str(secret) == "WebhookSigningSecret(key='whsec_…')"


# ---- unwrap


def test_a_prediction() -> None:
    """A delivery is returned as its prediction, which uses the client that checked it."""
    api = Api({**PREDICTION, "status": "failed"})
    client = api.client()
    prediction = unwrapped(PREDICTION, client)
    assert isinstance(prediction, Prediction)
    assert (prediction.output, prediction.finished, prediction.created_at.year) == ("Hallo 🦙", True, 2026)
    assert api.requests == []
    assert prediction.reload().status == "failed"
    assert api.requests[0].url.path == f"/v1/predictions/{prediction.id}"


def test_a_prediction_of_an_asynchronous_client() -> None:
    """Checking sends nothing, so it is not awaited; methods of the prediction are."""
    api = Api({**PREDICTION, "status": "failed"})

    async def main() -> None:
        async with api.async_client() as client:
            prediction = unwrapped(PREDICTION, client)
            assert (await prediction.reload()).status == "failed"

    asyncio.run(main())


@pytest.mark.parametrize(
    "data",
    [
        TRAINING,
        without(TRAINING, "destination"),
        without(TRAINING, "output", "urls"),
        {**without(TRAINING, "destination"), "urls": PREDICTION["urls"]},
        {**without(TRAINING, "destination", "output"), "status": "processing"},
    ],
)
def test_a_training(data: Any) -> None:
    """A training is recognized by its destination, its URLs or its output, since deliveries may lack some of them."""
    from replicate.resources.trainings import Training

    training = unwrapped(data)
    assert isinstance(training, Training)
    assert training == Training.from_dict(data)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"output": None, "urls": None},
        {"output": {"version": "1.2"}},
        {"output": {"version": "1.2", "weights": [1], "more": 3}},
        {"output": "https://example.com/trainings/a.txt", "input": {"destination": "me/tuned"}},
        {"urls": {"get": 3}},
    ],
)
def test_a_prediction_is_not_taken_for_a_training(change: Any) -> None:
    """Whatever a model outputs, its prediction remains a prediction."""
    assert isinstance(unwrapped({**PREDICTION, **change}), Prediction)


@pytest.mark.parametrize("body", [b"\xff", b"ok", b"[]", b'[["id", "x"]]', b"null", b"3"])
def test_a_signed_body_that_is_not_an_object(body: bytes) -> None:
    """A body that is not a JSON object is a WebhookValidationError, even if its signature is valid."""
    assert Webhooks.validate(headers=headers(body), body=body, secret=SECRET, now=NOW)
    with pytest.raises(WebhookValidationError, match="signed, but no JSON object"):
        Api().client().webhooks.unwrap(headers=headers(body), body=body, secret=SECRET, now=NOW)


def test_unwrap_checks() -> None:
    """An invalid delivery is never returned; the arguments are those of `validate`."""
    webhooks = Api().client().webhooks
    request = httpx.Request("POST", "https://example.com", headers=headers(), content=BODY)
    assert webhooks.unwrap(request, secret=SECRET, now=NOW).id == PREDICTION["id"]
    assert webhooks.unwrap(request, None, None, SECRET, None).id == PREDICTION["id"]
    with pytest.raises(InvalidSignatureError):
        webhooks.unwrap(request, body=BODY + b" ", secret=SECRET, now=NOW)
    with pytest.raises(WebhookValidationError):
        webhooks.unwrap(request, secret=SECRET)


# ---- where it is available


def test_validate_needs_no_client() -> None:
    """`validate` is the same function on the class, on a client, and on the module."""
    import replicate.webhook

    assert replicate.webhook.Webhooks is Webhooks
    assert replicate.webhooks.validate is Webhooks.validate
    assert Api().client().webhooks.validate is Webhooks.validate
    assert isinstance(replicate.webhooks, Webhooks)


def test_no_module_hides_the_namespace() -> None:
    """`import replicate.webhook` does not replace `replicate.webhooks`, since no module has that name."""
    folder = Path(replicate.__file__).parent
    assert not (folder / "webhooks.py").exists()
    assert not (folder / "webhooks").exists()


def test_snippets_of_version_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """Code written for version 1 runs unchanged."""
    from replicate.webhook import (  # noqa: F401 - the imports are under test
        InvalidSecretKeyError,
        InvalidTimestampError,
        MissingWebhookBodyError,
        MissingWebhookHeaderError,
        Webhooks,
    )

    monkeypatch.setattr(replicate, "default_client", Api({"key": SECRET}).client(), raising=False)
    secret = replicate.webhooks.default.secret()
    request = httpx.Request("POST", "https://example.com", headers=Webhooks.sign(BODY, SECRET), content=BODY)
    Webhooks.validate(request=request, secret=secret)
    Webhooks.validate(headers=dict(request.headers), body=BODY.decode(), secret=secret, tolerance=10)
    replicate.webhooks.validate(request, secret=secret)
    with pytest.raises(ValueError, match="signature"):
        Webhooks.validate(headers=dict(request.headers), body="{}", secret=secret)


def test_the_secret_under_its_async_name() -> None:
    """A blocking client returns the secret to asynchronous code under version 1's name."""
    with local_server({}) as server, server.client() as client:
        secret = asyncio.run(client.webhooks.default.async_secret())
        assert secret.key == client.webhooks.default.secret().key
