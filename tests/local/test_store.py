"""Predictions and files in a store on disk, which survive the server."""

# ruff: noqa: T201 - what a model prints is its log

import sqlite3
import threading
from pathlib import Path
from typing import Any

from replicate.local.clock import Clock
from replicate.local.prediction import Prediction
from replicate.local.store import Store


def shout(text: str) -> str:
    print("loud")
    return text.upper()


def picture() -> bytes:
    return b"\x89PNG\r\n\x1a\n"


MODELS = {"me/shout": shout, "me/picture": picture}


def test_predictions_and_files_survive_a_restart(serving: Any, tmp_path: Path) -> None:
    """With a store on disk, the next server has the same predictions, streams, uploads and outputs."""
    store = tmp_path / "replicate.db"
    with serving(MODELS, store=store, token="r8_x") as api:
        finished = api.run("me/shout", {"text": "hi"})
        stream = api.events(finished)
        output = api.run("me/picture")["output"]
        uploaded = api.post("files", files={"content": b"hello"}).json()
        port = api.srv.port
    with serving(MODELS, store=str(store), token="r8_x", port=port) as api:
        assert api.get(finished["urls"]["get"]).json() == finished
        assert api.events(finished) == stream
        assert api.get(uploaded["urls"]["get"]).json() == uploaded
        assert api.get(output).content == picture()
        assert len(api.srv.predictions) == 2
        assert api.version("me/shout") == finished["version"]


def test_without_a_store_nothing_is_left(serving: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """A server in memory removes its temporary files when it stops."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with serving(MODELS) as api:
        api.run("me/picture")
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())


def test_a_prediction_that_ran_when_the_server_stopped_is_canceled(serving: Any, tmp_path: Path) -> None:
    """Leaving the block cancels running predictions, and the store has their state."""
    started, go = threading.Event(), threading.Event()

    def held() -> None:
        started.set()
        go.wait(20)

    with serving({"me/held": held}, store=tmp_path / "a.db") as api:
        created = api.create("me/held").json()
        assert started.wait(10)
    go.set()
    with serving({}, store=tmp_path / "a.db") as api:
        assert api.get(f"predictions/{created['id']}").json()["status"] == "canceled"


def test_a_prediction_that_ran_when_the_server_was_killed_has_failed(serving: Any, tmp_path: Path) -> None:
    """A prediction that is stored as running fails at the next start."""
    clock, store = Clock(), Store(tmp_path / "a.db")
    prediction = Prediction(
        id="a", key="k", model="me/shout", version="1", input={}, origin="", created_at=clock.now(), clock=clock
    )
    prediction.begin()
    store.save(prediction)
    store.close()
    with serving(MODELS, store=tmp_path / "a.db") as api:
        found = api.get("predictions/a").json()
        assert (found["status"], "was killed" in found["error"]) == ("failed", True)
        assert [event[0] for event in api.events(found)] == ["error", "done"]
    database = sqlite3.connect(tmp_path / "a.db")
    assert database.execute("SELECT finished FROM runs").fetchall() == [(1,)]
    database.close()
