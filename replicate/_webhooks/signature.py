"""How a webhook is signed, and what makes a signature valid: https://www.standardwebhooks.com.

Signed is `{id}.{timestamp}.{body}`, with HMAC-SHA256 and the key that is in the secret as base64. What time it is, the
caller says.
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
    """A secret as the API gives it."""

    @property
    def key(self) -> str | None: ...


@frozen
class Delivery:
    """One delivery of a webhook. The id is the same when it is delivered again."""

    id: str
    timestamp: str
    signatures: str
    body: bytes = field(repr=False)


class WebhookValidationError(ReplicateError, ValueError):
    """A delivery cannot be trusted: answer it with status 400, and do nothing else."""


class MissingWebhookHeaderError(WebhookValidationError):
    """A header that every delivery has is not there."""


class InvalidSecretKeyError(WebhookValidationError):
    """The secret is none, so nothing can be checked with it."""


class MissingWebhookBodyError(WebhookValidationError):
    """There is no body."""


class InvalidTimestampError(WebhookValidationError):
    """The delivery is too old, or from the future, or does not say when it was sent."""


class InvalidSignatureError(WebhookValidationError):
    """No signature fits: the body was changed, the secret is another one, or somebody else sent it."""


def key_of(secret: str | HasKey) -> bytes:
    """Read the key in a secret: "whsec_…" or what follows it, or an object with that as its `key`."""
    text = secret if isinstance(secret, str) else getattr(secret, "key", None)
    encoded = str(text or "").strip().removeprefix(PREFIX).translate(URL_SAFE)
    try:
        key = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        key = b""
    if not key:  # an empty one would let anybody sign
        raise InvalidSecretKeyError(
            f"Invalid secret key format: a secret is {PREFIX} and a key in base64.",
            hint="Get it with client.webhooks.default.secret().",
        )
    return key


def signature(secret: str | HasKey, id: str, timestamp: str, body: bytes) -> str:
    """Sign a delivery: "v1," and the digest in base64."""
    signed = f"{id}.{timestamp}.".encode("utf-8", "surrogatepass") + body
    return "v1," + b64encode(hmac.digest(key_of(secret), signed, "sha256")).decode()


def verify(delivery: Delivery, secret: str | HasKey, *, tolerance: float | None, now: float) -> None:
    """Raise WebhookValidationError unless the secret's owner sent this delivery, `tolerance` seconds ago at most."""
    expected = signature(secret, delivery.id, delivery.timestamp, delivery.body).encode()
    check_age(delivery.timestamp, tolerance, now)
    # A delivery has a signature for each secret while secrets change; those of other versions are not for us.
    given = [each.encode("utf-8", "surrogatepass") for each in delivery.signatures.split() if each.startswith("v1,")]
    if not any(hmac.compare_digest(expected, each) for each in given):
        raise InvalidSignatureError(
            "No signature of the delivery fits." if given else "The delivery has no v1 signature.",
            hint="If it did come from Replicate, check that the secret is that of the account which set the webhook, "
            "and that the body is as it came: JSON that was parsed and written anew has other bytes.",
        )


def check_age(timestamp: str, tolerance: float | None, now: float) -> None:
    """Raise InvalidTimestampError for what is no Unix time, or further from `now` than `tolerance` seconds."""
    if not re.fullmatch(r"[0-9]{1,15}", timestamp):
        raise InvalidTimestampError(f"The header webhook-timestamp is {timestamp[:40]!r}, not a time in Unix seconds.")
    age = now - int(timestamp)
    if tolerance is not None and not abs(age) <= tolerance:  # written so that NaN allows nothing
        raise InvalidTimestampError(
            f"The delivery was sent {abs(age):.0f} s {'ago' if age > 0 else 'from now'}; {tolerance:g} s are allowed.",
            hint="It may be a replay. If it is not, check this machine's clock, or allow more with tolerance=.",
        )
