"""The conditions for a valid delivery: secret, signature and age."""

from __future__ import annotations

import hmac
import inspect
from base64 import b64encode, urlsafe_b64encode
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from deliveries import BODY, NOW, OTHER_SECRET, SECRET, headers, without

from replicate import ReplicateError
from replicate.webhook import (
    InvalidSecretKeyError,
    InvalidSignatureError,
    InvalidTimestampError,
    MissingWebhookBodyError,
    MissingWebhookHeaderError,
    Webhooks,
    WebhookSigningSecret,
    WebhookValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = bytes(range(256))  # covers every character of base64 and of its URL-safe form


def test_a_published_example_is_valid() -> None:
    """The example in the standard's documentation is signed and checked as documented."""
    body, moment = '{"test": 2432232314}', 1614265330
    signed = Webhooks.sign(body, SECRET, id="msg_p5jXN8AQM9LWM0D4loKWxJek", now=moment)
    assert signed["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert Webhooks.validate(headers=signed, body=body, secret=SECRET, now=moment) is True


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        SECRET.removeprefix("whsec_"),
        f" {SECRET}\n",
        WebhookSigningSecret(key=SECRET),
        SimpleNamespace(key=SECRET),
    ],
)
def test_forms_of_secrets(secret: Any) -> None:
    """A secret is an object with a key, or the key itself, with or without its prefix and white space."""
    assert Webhooks.validate(headers=headers(), body=BODY, secret=secret, now=NOW)


@pytest.mark.parametrize(
    "key", [b64encode(KEY), urlsafe_b64encode(KEY), b64encode(KEY).rstrip(b"="), urlsafe_b64encode(KEY).rstrip(b"=")]
)
def test_keys_in_any_base64(key: bytes) -> None:
    """A key can be in URL-safe base64, with underscores, and without padding."""
    signed = headers(secret=f"whsec_{b64encode(KEY).decode()}")
    assert Webhooks.validate(headers=signed, body=BODY, secret=f"whsec_{key.decode()}", now=NOW)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "whsec_=",
        "whsec_A",
        "whsec_geheim!",
        "whsec_Ä",
        "r8_012 345",
        WebhookSigningSecret(),
        SECRET.encode(),
    ],
)
def test_invalid_secrets(secret: Any) -> None:
    """A secret without a base64 key is refused, also an empty one, with which anybody could sign."""
    with pytest.raises(
        InvalidSecretKeyError, match=r"^Invalid secret key format.*Get it with client\.webhooks\.default\.secret\(\)"
    ):
        Webhooks.validate(headers=headers(), body=BODY, secret=secret, now=NOW)


def test_no_secret() -> None:
    """A missing secret is an error of the program, not of the delivery."""
    with pytest.raises(ValueError, match="pass secret=") as caught:
        Webhooks.validate(headers=headers(), body=BODY)
    assert not isinstance(caught.value, WebhookValidationError)


def test_one_valid_signature_is_enough() -> None:
    """Signatures are separated by spaces; those with other secrets or of other versions are ignored."""
    ours, theirs = headers(), headers(secret=OTHER_SECRET)["webhook-signature"]
    digest = ours["webhook-signature"].removeprefix("v1,")
    for signatures in (f"{theirs} v1,{digest}", f"v1,{digest} {theirs}", f"v1a,x  v2,y v1,{digest} nonsense"):
        given = {**ours, "webhook-signature": signatures}
        assert Webhooks.validate(headers=given, body=BODY, secret=SECRET, now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,ü"},
        {"webhook-signature": "v1,\udce4"},
        {"webhook-id": "msg_other"},
        {"webhook-timestamp": str(int(NOW) + 1)},
    ],
)
def test_a_changed_delivery_is_refused(change: Mapping[str, str]) -> None:
    """A delivery with another id, time or signature is invalid."""
    with pytest.raises(InvalidSignatureError, match="check that the secret is that of the account"):
        Webhooks.validate(headers={**headers(), **change}, body=BODY, secret=SECRET, now=NOW)


def test_unknown_signature_versions_are_refused() -> None:
    """Signatures of unknown versions only are refused, even with the right digest."""
    digest = headers()["webhook-signature"].removeprefix("v1,")
    for signatures in (f"v2,{digest}", digest, f"v1a,{digest}", f"V1,{digest}"):
        with pytest.raises(InvalidSignatureError, match="no v1 signature"):
            Webhooks.validate(headers={**headers(), "webhook-signature": signatures}, body=BODY, secret=SECRET, now=NOW)


def test_another_secret_or_body() -> None:
    """Another account's secret and another body are refused."""
    for body, secret in ((BODY, OTHER_SECRET), (BODY + b" ", SECRET), (BODY.replace(b"succeeded", b"failed"), SECRET)):
        with pytest.raises(InvalidSignatureError):
            Webhooks.validate(headers=headers(), body=body, secret=secret, now=NOW)


def test_signatures_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Signatures are compared with `hmac.compare_digest`."""
    compared: list[Any] = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda *pair: compared.append(pair) or real(*pair))
    signed = headers()
    Webhooks.validate(headers=signed, body=BODY, secret=SECRET, now=NOW)
    assert compared == [(signed["webhook-signature"].encode(),) * 2]


@pytest.mark.parametrize(
    ("age", "tolerance", "valid"),
    [
        (0, 300, True),
        (300, 300, True),
        (301, 300, False),
        (-300, 300, True),
        (-301, 300, False),
        (301, 302, True),
        (0, 0, True),
        (1, 0.5, False),
        (10**9, None, True),
        (-(10**9), None, True),
        (0, float("nan"), False),
    ],
)
def test_age(age: int, tolerance: float | None, *, valid: bool) -> None:
    """A delivery may be up to `tolerance` seconds old or in the future; None allows any age."""
    arguments = {"headers": headers(now=NOW - age), "body": BODY, "secret": SECRET, "tolerance": tolerance, "now": NOW}
    if valid:
        assert Webhooks.validate(**arguments)
    else:
        with pytest.raises(InvalidTimestampError, match=r"check this machine's clock, or allow more with tolerance="):
            Webhooks.validate(**arguments)


def test_the_default_tolerance_is_five_minutes() -> None:
    """By default, a delivery of this moment is valid, and an old one is not."""
    assert inspect.signature(Webhooks.validate).parameters["tolerance"].default == 300
    assert Webhooks.validate(headers=Webhooks.sign(BODY, SECRET), body=BODY, secret=SECRET)
    with pytest.raises(InvalidTimestampError, match=r"was sent \d+ s ago; 300 s are allowed"):
        Webhooks.validate(headers=headers(now=NOW - 10**9), body=BODY, secret=SECRET)


@pytest.mark.parametrize("timestamp", ["soon", "nan", "inf", "-1", "1e9", "1_000", "1.5", "٣", "9" * 5000])
@pytest.mark.parametrize("tolerance", [300, None])
def test_invalid_times(timestamp: str, tolerance: float | None) -> None:
    """A time must be Unix seconds in digits, whatever age is allowed."""
    with pytest.raises(InvalidTimestampError, match="not a time in Unix seconds"):
        Webhooks.validate(
            headers={**headers(), "webhook-timestamp": timestamp}, body=BODY, secret=SECRET, tolerance=tolerance
        )


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_missing_headers(name: str) -> None:
    """A missing or empty header is named."""
    for incomplete in (without(headers(), name), {**headers(), name: ""}):
        with pytest.raises(
            MissingWebhookHeaderError, match=f"^Missing {name.replace('-', ' ')}: the header {name} is not there"
        ):
            Webhooks.validate(headers=incomplete, body=BODY, secret=SECRET, now=NOW)


@pytest.mark.parametrize("body", [None, b"", ""])
def test_missing_body(body: Any) -> None:
    """A delivery without a body is refused."""
    with pytest.raises(MissingWebhookBodyError, match=r"^Missing webhook body\. Pass it as it came"):
        Webhooks.validate(headers=headers(b""), body=body, secret=SECRET, now=NOW)


@pytest.mark.parametrize(
    "error",
    [
        InvalidSecretKeyError,
        InvalidSignatureError,
        InvalidTimestampError,
        MissingWebhookBodyError,
        MissingWebhookHeaderError,
    ],
)
def test_all_errors_have_one_base(error: type[Exception]) -> None:
    """One `except` catches all errors; they are ValueErrors, as in version 1, and ReplicateErrors."""
    assert issubclass(error, WebhookValidationError)
    assert issubclass(WebhookValidationError, ValueError)
    assert issubclass(WebhookValidationError, ReplicateError)


@pytest.mark.parametrize(
    ("change", "secret"),
    [
        ({"webhook-signature": "v1,x"}, SECRET),
        ({"webhook-signature": "v2,x"}, SECRET),
        ({"webhook-timestamp": "1"}, SECRET),
        ({"webhook-id": ""}, SECRET),
        ({}, f"{SECRET}!"),
    ],
)
def test_errors_show_no_secrets(change: Mapping[str, str], secret: str) -> None:
    """Neither the secret nor the correct signature is in an error or in its causes."""
    with pytest.raises(WebhookValidationError) as caught:
        Webhooks.validate(headers={**headers(), **change}, body=BODY, secret=secret, now=NOW)
    error: BaseException | None = caught.value
    while error is not None:
        shown = f"{error} {error!r} {error.args} {vars(error)}"
        assert SECRET.removeprefix("whsec_") not in shown
        assert headers()["webhook-signature"].removeprefix("v1,") not in shown
        error = error.__cause__ or error.__context__
