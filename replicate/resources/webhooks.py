"""Webhooks: the secret that signs them, and verification of deliveries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from replicate._dual.colours import Async, C
from replicate._dual.methods import dual
from replicate._http.options import RequestOptions
from replicate._json import members
from replicate._objects.resource import Namespace, Resource, namespace
from replicate._webhooks.request import raw, received
from replicate._webhooks.signature import WebhookValidationError, signature, verify
from replicate._wording import safe_repr
from replicate_api import models
from replicate_api.api.webhooks import webhooks_default_secret_get
from replicate_api.types import MalformedResponse, decode

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from replicate._webhooks.request import Body, Headers
    from replicate._webhooks.signature import HasKey
    from replicate.resources.predictions import Prediction
    from replicate.resources.trainings import Training

TOLERANCE = 300.0
"""Default maximum age of a delivery, in seconds."""


class WebhookSigningSecret(Resource[Any], models.WebhookSecret):
    """The secret that signs the account's webhooks. `key` is "whsec_" and a base64 key; the repr does not show it."""

    @safe_repr
    def __repr__(self) -> str:
        return f"{type(self).__name__}(key='whsec_…')"


class DefaultSecret(Namespace[C]):
    """`client.webhooks.default.secret`: https://replicate.com/docs/reference/http#webhooks.default.secret.get."""

    @dual
    async def get(self, **options: Unpack[RequestOptions]) -> WebhookSigningSecret:
        """Get the secret that signs all webhooks of the account. It seldom changes: get it once and store it safely.

        Maps to `webhooks.default.secret.get`. Raises APIError.
        """
        found = await self._session.given(options).call(webhooks_default_secret_get)
        return WebhookSigningSecret.bind(found, self._session)

    __call__ = get


class DefaultWebhook(Namespace[C]):
    """`client.webhooks.default`: settings of all webhooks of the account."""

    @namespace
    def secret(self) -> type[DefaultSecret[C]]:
        """The secret that signs them. `secret()` and `secret.get()` are the same."""
        return DefaultSecret

    async def async_secret(self, **options: Unpack[RequestOptions]) -> WebhookSigningSecret:
        """Get the secret asynchronously, from a client of either colour, as version 1's `async_secret` did."""
        return await DefaultSecret(self._session.of_colour(Async)).get(**options)


class Webhooks(Namespace[C]):
    """`client.webhooks`: https://replicate.com/docs/topics/webhooks. Verification sends no request."""

    @namespace
    def default(self) -> type[DefaultWebhook[C]]:
        """Settings of all webhooks of the account."""
        return DefaultWebhook

    @staticmethod
    def validate(
        request: Any = None,
        headers: Headers | None = None,
        body: Body | None = None,
        secret: str | HasKey | None = None,
        tolerance: float | None = TOLERANCE,
        *,
        now: float | None = None,
    ) -> bool:
        """Return True if Replicate sent this delivery; raise WebhookValidationError otherwise.

        `request` is a request object of httpx, Flask, Django, Starlette or FastAPI (for the last two, also pass
        `body=await request.body()`), or an event of AWS Lambda. Without it, pass `headers` (a mapping or pairs, in any
        case) and `body` (the raw body). `secret` is the result of `default.secret()`, or its key. `tolerance` is the
        maximum age of a delivery in seconds, and how far the sender's clock may be ahead; None turns the check off.
        `now`, for tests, is the current time in Unix seconds.

        Raises MissingWebhookHeaderError, MissingWebhookBodyError, InvalidSecretKeyError, InvalidTimestampError,
        InvalidSignatureError, all of them WebhookValidationError; ValueError without a secret; TypeError for an object
        that is not a request, or for a body that has been parsed already.
        """
        checked(request, headers, body, secret, tolerance, now)
        return True

    def unwrap(
        self,
        request: Any = None,
        headers: Headers | None = None,
        body: Body | None = None,
        secret: str | HasKey | None = None,
        tolerance: float | None = TOLERANCE,
        *,
        now: float | None = None,
    ) -> Prediction[C] | Training[C]:
        """Verify a delivery as `validate` does, and return its prediction or training.

        The object sends its requests through this client. Takes the arguments of `validate` and raises its errors, and
        WebhookValidationError for a signed body that is not a JSON object.
        """
        content = checked(request, headers, body, secret, tolerance, now)
        try:
            told = decode(content, read)
        except MalformedResponse as error:
            raise WebhookValidationError(f"The body is signed, but no JSON object: {error}.") from error
        if isinstance(told, models.Training):
            from replicate.resources.trainings import Training

            return Training.bind(told, self._session)
        from replicate.resources.predictions import Prediction

        return Prediction.bind(told, self._session)

    @staticmethod
    def sign(body: Body, secret: str | HasKey, *, id: str = "msg_test", now: float | None = None) -> dict[str, str]:
        """Return the headers that Replicate would send with a body, to test a handler.

        `now` is the time of sending, in Unix seconds. Raises InvalidSecretKeyError, TypeError.
        """
        timestamp = str(int(clock() if now is None else now))
        return {
            "webhook-id": id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(secret, id, timestamp, raw(body)),
        }


def clock() -> float:
    """Return the current time in Unix seconds."""
    return datetime.now(UTC).timestamp()


def checked(
    request: Any,
    headers: Headers | None,
    body: Body | None,
    secret: str | HasKey | None,
    tolerance: float | None,
    now: float | None,
) -> bytes:
    """Return the body of a delivery that Replicate sent. Raises WebhookValidationError."""
    if secret is None:  # a mistake in the program, not in the delivery
        raise ValueError("there is no secret to check with: pass secret=client.webhooks.default.secret(), or its key")
    delivery = received(request, headers, body)
    verify(delivery, secret, tolerance=tolerance, now=clock() if now is None else now)
    return delivery.body


def read(data: Any) -> models.Prediction | models.Training:
    """Read a training or a prediction. The shape decides, as trainings once had the URLs of predictions."""
    told = members(data)
    training = (
        "destination" in told
        or "/trainings/" in str(members(told.get("urls")).get("get"))
        or set(members(told.get("output"))) == {"version", "weights"}
    )
    return models.Training.from_dict(data) if training else models.Prediction.from_dict(data)
