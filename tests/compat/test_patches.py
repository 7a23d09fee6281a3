"""Which patches take effect where: the table in migration.md."""

from __future__ import annotations

from typing import Any
from unittest import mock

import httpx
import pytest

import replicate
from replicate import Prediction
from replicate._objects.resource import session_of

VERSION = "o/n:" + "0" * 64


DONE = {"id": "p1", "status": "succeeded", "output": "hi", "input": {}, "urls": {}}


def answer(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json=DONE)


CALLS: dict[str, Any] = {
    "replicate.run": lambda _: replicate.run(VERSION, input={}),
    "client.run": lambda client: client.run(VERSION, input={}),
    "client.predictions.create": lambda client: client.predictions.create(VERSION, {}),
    "client.predictions.get": lambda client: client.predictions.get("p1"),
    "prediction.reload": lambda client: client.predictions.get("p1").reload(),
    "prediction.wait": lambda client: Prediction.bind({**DONE, "status": "starting"}, session_of(client)).wait(),
}
PATCHES = [
    ("replicate.run", "replicate.run", True),
    ("replicate.client.Client.run", "replicate.run", True),
    ("replicate.client.Client.run", "client.run", True),
    ("replicate.client.run", "client.run", False),
    ("replicate.prediction.Predictions.create", "client.predictions.create", True),
    ("replicate.prediction.Predictions.create", "client.run", False),
    ("replicate.prediction.Predictions.create", "replicate.run", False),
    ("replicate.prediction.Prediction.reload", "prediction.reload", True),
    ("replicate.prediction.Prediction.reload", "prediction.wait", False),
    ("replicate.version.Versions.get", "client.run", False),
    ("replicate.client.Client._request", "client.predictions.get", False),
    ("replicate.client.Client._request", "client.run", False),
    ("httpx.Client.send", "client.predictions.get", True),
    ("httpx.Client.request", "client.predictions.get", False),
]


@pytest.mark.parametrize(("target", "call", "intercepted"), PATCHES, ids=str)
def test_a_patch_affects_direct_calls_only(
    monkeypatch: pytest.MonkeyPatch, target: str, call: str, *, intercepted: bool
) -> None:
    """A patch of the package affects only code that calls that name; a patch of httpx's `send` affects all code."""
    with replicate.Client("r8_test", transport=httpx.MockTransport(answer)) as client:
        monkeypatch.setattr(replicate, "default_client", client)
        with mock.patch(target, side_effect=ArithmeticError) as double:
            if intercepted:
                with pytest.raises(ArithmeticError):
                    CALLS[call](client)
            else:
                assert CALLS[call](client)
        assert double.called is intercepted
