"""The methods of a Prediction: reload, wait, cancel, copy and pickle."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from typing import Any

import pytest
from support.colours import Clock, connect, got
from support.sample_models import Held, prediction

import replicate
from replicate import Prediction
from replicate.local import Model
from replicate_api import models


async def test_a_prediction_acts_in_place(clients: Any, held: Held) -> None:
    """`reload`, `wait` and `cancel` change the object itself and return it."""
    with held.served({"me/held": Model(held.text, official=True)}) as srv:
        client = clients(srv)
        first, second = [await got(client.predictions.create("me/held", {})) for _ in range(2)]
        assert not first.finished
        assert held.started.wait(10)
        assert await got(first.reload()) is first
        assert first.status == "processing"
        assert await got(second.cancel()) is second
        assert (second.status, second.finished) == ("canceled", True)
        Clock(client, lambda _: held.finish(srv))
        assert await got(first.wait(timeout=60)) is first
        assert (first.status, first.output) == ("succeeded", "done")


async def test_a_finished_prediction_is_not_asked_for_again(client: Any, asked: Any) -> None:
    """Waiting for a finished prediction sends no request."""
    done = await got(client.predictions.create("me/official", {"text": "a"}, wait=True))
    assert await got(done.wait()) is done
    assert len(asked()) == 1


async def test_data_is_as_the_api_sent_it(client: Any) -> None:
    """Fields are attributes and items, times have a timezone, and `to_dict` returns plain data, no private names."""
    made = await got(client.predictions.create("me/official", {"text": "a"}, wait=True))
    assert made["output"] == made.output == "A!"
    assert made.urls.get == made.urls["get"]
    assert made.metrics["predict_time"] >= 0
    assert made.created_at.tzinfo is not None
    plain = json.loads(json.dumps(made.to_dict()))
    assert plain["status"] == "succeeded"
    assert not [name for name in plain if name.startswith("_")]
    assert dict(made)["id"] == made.id
    assert repr(made).startswith("Prediction(id=")


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy])
async def test_a_copy_acts_through_the_same_client(client: Any, asked: Any, duplicate: Any) -> None:
    """Copies are equal and independent, and share the session."""
    made = await got(client.predictions.create("me/official", {"text": "a"}, wait=True))
    other = duplicate(made)
    other.status = "starting"
    assert made.status == "succeeded"
    await got(other.reload())
    assert (other, len(asked())) == (made, 2)


async def test_a_pickle_leaves_the_client_behind(client: Any, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle contains no token. A loaded prediction is equal and uses the default client."""
    made = await got(client.predictions.create("me/official", {"text": "a"}, wait=True))
    stored = pickle.dumps(made)
    assert server.token.encode() not in stored
    loaded = pickle.loads(stored)
    assert loaded == made
    default = connect("blocking", bearer_token=server.token, base_url=server.base_url)
    monkeypatch.setattr(replicate, "default_client", default, raising=False)
    assert loaded.reload() is loaded
    assert loaded._session is default._session
    default.close()


def test_a_prediction_without_a_client_is_plain_data() -> None:
    """A response of the API can be read without a client, for example from a webhook."""
    read = Prediction.from_dict(prediction("succeeded", output="a"))
    assert (read.output, read.finished) == ("a", True)
    assert read == models.Prediction.from_dict(prediction("succeeded", output="a"))


@pytest.mark.parametrize(
    ("status", "finished"),
    [
        ("starting", False),
        ("processing", False),
        ("succeeded", True),
        ("failed", True),
        ("canceled", True),
        ("aborted", True),
        ("queued", False),
        (None, False),
    ],
)
def test_only_four_states_are_final(status: Any, *, finished: bool) -> None:
    """An unknown or missing state does not count as finished."""
    assert Prediction.from_dict(prediction(status)).finished is finished


async def test_a_start_is_logged(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    """One line at level INFO names what was started and its page, and contains no inputs."""
    with caplog.at_level(logging.INFO, "replicate"):
        made = await got(client.predictions.create("me/official", {"text": "a secret text"}))
    [line] = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    assert line == f"prediction {made.id} started: {made.urls.web}"
    assert "secret" not in caplog.text
