"""How webhooks are signed and verified: https://www.standardwebhooks.com.

The signed text is `{id}.{timestamp}.{body}`. The signature is its HMAC-SHA256, with the base64 key in the secret. The
caller passes the current time.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from typing import Protocol

from attrs import field, frozen

from replicate.exceptions import ReplicateError

PREFIX = "whsec_"
URL_SAFE = str.maketrans("-_", "+/")


class HasKey(Protocol):
    """A secret as the API returns it."""

    @property
    def key(self) -> str | None: ...


@frozen
class Delivery:
    """One delivery of a webhook. A repeated delivery has the same id."""

    id: str
    timestamp: str
    signatures: str
    body: bytes = field(repr=False)


class WebhookValidationError(ReplicateError, ValueError):
    """A delivery cannot be trusted. Respond with status 400, and do nothing else."""


class MissingWebhookHeaderError(WebhookValidationError):
    """A header that every delivery has is missing."""


class InvalidSecretKeyError(WebhookValidationError):
    """The secret is not valid, so nothing can be verified with it."""


class MissingWebhookBodyError(WebhookValidationError):
    """The body is missing."""


class InvalidTimestampError(WebhookValidationError):
    """The delivery is too old, is from the future, or has no valid timestamp."""


class InvalidSignatureError(WebhookValidationError):
    """No signature matches: the body was changed, the secret is another one, or somebody else sent it."""


def key_of(secret: str | HasKey) -> bytes:
    """Return the key in a secret: "whsec_…", or only the part after that, or an object with either as its `key`."""
    text = secret if isinstance(secret, str) else getattr(secret, "key", None)
    encoded = str(text or "").strip().removeprefix(PREFIX).translate(URL_SAFE)
    try:
        key = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        key = b""
    if not key:  # with an empty key, anybody could sign
        raise InvalidSecretKeyError(
            f"Invalid secret key format: a secret is {PREFIX} and a key in base64.",
            hint="Get it with client.webhooks.default.secret().",
        )
    return key


def signature(secret: str | HasKey, id: str, timestamp: str, body: bytes) -> str:
    """Return the signature of a delivery: "v1," and the digest in base64."""
    signed = f"{id}.{timestamp}.".encode("utf-8", "surrogatepass") + body
    return "v1," + b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode()


def verify(delivery: Delivery, secret: str | HasKey, *, tolerance: float | None, now: float) -> None:
    """Raise WebhookValidationError unless the secret's owner sent this delivery within the last `tolerance` seconds."""
    expected = signature(secret, delivery.id, delivery.timestamp, delivery.body).encode()
    check_age(delivery.timestamp, tolerance, now)
    # While a secret is being replaced, a delivery has a signature for each. Other versions than v1 are ignored.
    given = [each.encode("utf-8", "surrogatepass") for each in delivery.signatures.split() if each.startswith("v1,")]
    if not any(hmac.compare_digest(expected, each) for each in given):
        raise InvalidSignatureError(
            "No signature of the delivery fits." if given else "The delivery has no v1 signature.",
            hint="If it did come from Replicate, check that the secret is that of the account which set the webhook, "
            "and that the body is as it came: JSON that was parsed and written anew has other bytes.",
        )


def check_age(timestamp: str, tolerance: float | None, now: float) -> None:
    """Raise InvalidTimestampError if it is not a Unix time, or differs from `now` by more than `tolerance` seconds."""
    if not re.fullmatch(r"[0-9]{1,15}", timestamp):
        raise InvalidTimestampError(f"The header webhook-timestamp is {timestamp[:40]!r}, not a time in Unix seconds.")
    age = now - int(timestamp)
    if tolerance is not None and not abs(age) <= tolerance:  # written so that NaN is refused
        raise InvalidTimestampError(
            f"The delivery was sent {abs(age):.0f} s {'ago' if age > 0 else 'from now'}; {tolerance:g} s are allowed.",
            hint="It may be a replay. If it is not, check this machine's clock, or allow more with tolerance=.",
        )
