"""Our implementation and the reference implementation of Standard Webhooks agree."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from replicate.webhook import Webhooks, WebhookValidationError

keys = st.binary(min_size=1, max_size=80)
secrets = keys.map(lambda key: "whsec_" + b64encode(key).decode())
ids = st.text("abcXYZ019._-", min_size=1)
bodies = st.text(min_size=1)
offsets = st.integers(-200, 200)  # both judge by the machine's clock and allow 300 seconds


def moment(offset: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=offset)


def ours(secret: str, headers: Any, body: str) -> bool:
    try:
        return Webhooks.validate(headers=headers, body=body, secret=secret)
    except WebhookValidationError:
        return False


def theirs(secret: str, headers: Any, body: str) -> bool:
    try:
        Webhook(secret).verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


@given(secrets, ids, bodies, offsets)
def test_we_accept_what_they_sign(secret: str, id: str, body: str, offset: int) -> None:
    """Any delivery that the reference signs is valid, as text and as bytes."""
    when = moment(offset)
    headers = {
        "webhook-id": id,
        "webhook-timestamp": str(int(when.timestamp())),
        "webhook-signature": Webhook(secret).sign(id, when, body),
    }
    assert Webhooks.validate(headers=headers, body=body, secret=secret)
    assert Webhooks.validate(headers=headers, body=body.encode(), secret=secret)


@given(secrets, ids, bodies, offsets)
def test_they_accept_what_we_sign(secret: str, id: str, body: str, offset: int) -> None:
    """Any delivery that we sign is valid for the reference."""
    assert theirs(secret, Webhooks.sign(body, secret, id=id, now=moment(offset).timestamp()), body)


@pytest.mark.parametrize("part", ["id", "timestamp", "body", "signature", "secret", "age"])
@given(st.data())
def test_both_refuse_changed_deliveries(part: str, data: st.DataObject) -> None:
    """A delivery with any part changed is invalid for both."""
    secret, message, body, offset = (data.draw(each) for each in (secrets, ids, bodies, offsets))
    when = moment(offset).timestamp()
    if part == "age":
        when += data.draw(st.sampled_from([-1, 1])) * data.draw(st.integers(600, 10**6))
    headers = Webhooks.sign(body, secret, id=message, now=when)
    match part:
        case "id":
            headers["webhook-id"] = data.draw(ids.filter(lambda other: other != message))
        case "timestamp":
            change = data.draw(st.integers(-50, 50).filter(bool))
            headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + change)
        case "body":
            body = data.draw(bodies.filter(lambda other: other != body))
        case "signature":
            digest = bytearray(b64decode(headers["webhook-signature"].removeprefix("v1,")))
            bit = data.draw(st.integers(0, len(digest) * 8 - 1))
            digest[bit // 8] ^= 1 << bit % 8
            headers["webhook-signature"] = "v1," + b64encode(digest).decode()
        case "secret":  # HMAC pads short keys with zeros, so keys that differ only in these are the same
            key = b64decode(secret.removeprefix("whsec_")).rstrip(b"\0")
            other = data.draw(keys.filter(lambda other: other.rstrip(b"\0") != key))
            secret = "whsec_" + b64encode(other).decode()
        case _:
            pass
    assert (ours(secret, headers, body), theirs(secret, headers, body)) == (False, False)
