"""Tests as users write them with vcrpy: recorded traffic, and no request that was not recorded.

The published clients recorded the cassettes from a small local server (`recording.py`), so their bodies are those that
these clients sent.
"""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest
import vcr
from payloads import VERSION

import replicate

recorder = vcr.VCR(
    cassette_library_dir=str(Path(__file__).parents[2] / "cassettes" / "mocked"),
    record_mode="none",
    match_on=["method", "uri", "body"],
    filter_headers=["authorization"],
)
EXACT = ["method", "uri", "raw_body"]
"""Bodies must match byte for byte."""


# 1.x


@pytest.mark.generation("1.x")
def test_v1_run() -> None:
    """A run by name replays its recording, and sends nothing more."""
    with recorder.use_cassette("v1_run.yaml", match_on=EXACT) as cassette:
        output = replicate.run("acme/writer", input={"prompt": "Hello", "steps": 4, "scale": 1.5})
    assert "".join(output) == "Hello, world"
    assert cassette.all_played


@pytest.mark.generation("1.x")
def test_v1_run_by_version() -> None:
    """A run by version of a model that yields pieces replays the create and the version."""
    with recorder.use_cassette("v1_run_by_version.yaml", match_on=EXACT) as cassette:
        output = replicate.Client(api_token="r8_mine").run(f"acme/writer:{VERSION}", input={"prompt": "Hello"})
        assert "".join(output) == "Hello, world"
    assert cassette.all_played


@pytest.mark.generation("1.x")
def test_v1_predictions(naps: list[float]) -> None:
    """A prediction is created, waited for, fetched and canceled, and predictions are listed page by page."""
    with recorder.use_cassette("v1_predictions.yaml", match_on=EXACT) as cassette:
        started = replicate.predictions.create(
            version=VERSION,
            input={"prompt": "Hello"},
            webhook="https://example.com/hook",
            webhook_events_filter=["completed"],
        )
        assert started.status == "starting"
        started.wait()
        assert started.output == ["Hello", ",", " world"]
        started.reload()
        started.cancel()
        assert started.status == "canceled"
        assert [[each.id for each in one] for one in replicate.paginate(replicate.predictions.list)] == [["a1"], ["a2"]]
    assert cassette.all_played


@pytest.mark.generation("1.x")
def test_v1_create_by_model_and_deployment() -> None:
    """The bodies for models and deployments are those of version 1."""
    with recorder.use_cassette("v1_create_by_name.yaml", match_on=EXACT) as cassette:
        options: dict[str, Any] = {"webhook": "https://example.com/hook", "stream": True}
        replicate.predictions.create(model="acme/writer", input={"prompt": "Hello"}, **options)
        replicate.predictions.create(deployment="acme/live", input={"prompt": "Hello"}, **options)
        replicate.deployments.get("acme/live").predictions.create({"prompt": "Hello"})
    assert cassette.all_played


@pytest.mark.generation("1.x")
def test_v1_stream() -> None:
    """A stream replays the create and the events."""
    with recorder.use_cassette("v1_stream.yaml", match_on=EXACT) as cassette:
        events = list(replicate.stream("acme/writer", input={"prompt": "Hello"}))
    assert "".join(map(str, events)) == "Hello world"
    assert cassette.all_played


@pytest.mark.generation("1.x")
@pytest.mark.anyio
async def test_v1_async_run() -> None:
    """The asynchronous functions replay their requests, several at once."""
    with recorder.use_cassette("v1_async_run.yaml") as cassette:
        client = replicate.Client(api_token="r8_mine")
        outputs = await asyncio.gather(
            *(client.async_run("acme/writer", input={"prompt": prompt}) for prompt in ("Hello", "Hi"))
        )
    assert ["".join(output) for output in outputs] == ["Hello, world"] * 2
    assert cassette.all_played


@pytest.mark.generation("1.x")
def test_v1_reads() -> None:
    """Each read replays one GET."""
    with recorder.use_cassette("v1_reads.yaml") as cassette:
        client = replicate.Client(api_token="r8_mine")
        assert client.accounts.current().username == "acme"
        assert [each.sku for each in client.hardware.list()] == ["cpu"]
        assert [each.slug for each in client.collections.list().results] == ["text"]
        assert [each.id for each in client.models.get("acme/writer").versions.list().results] == [VERSION]
        assert client.models.list()[0].owner == "acme"
        assert [each.id for each in client.files.list()] == ["f1"]
    assert cassette.all_played


@pytest.mark.differs("the keys of an update are in a fixed order, not that of the call")
@pytest.mark.generation("1.x")
def test_v1_writes() -> None:
    """The bodies for trainings, deployments and models are those of version 1."""
    with recorder.use_cassette("v1_writes.yaml", match_on=EXACT) as cassette:
        job = replicate.trainings.create(
            model="acme/writer", version=VERSION, input={"steps": 3}, destination="acme/mine"
        )
        job.reload()
        assert job.status == "succeeded"
        settings: dict[str, Any] = {"hardware": "gpu-t4", "min_instances": 0, "max_instances": 1}
        replicate.deployments.create(name="live", model="acme/writer", version=VERSION, **settings)
        replicate.deployments.update("acme", "live", min_instances=1, version=VERSION)
        assert replicate.deployments.delete("acme", "live") is True
        replicate.models.create("acme", "writer", visibility="private", hardware="cpu")
    assert cassette.all_played


@pytest.mark.differs('a file of up to 256 kB goes inside the request: pass file_encoding_strategy="url"')
@pytest.mark.generation("1.x")
def test_v1_upload() -> None:
    """A file is uploaded before the prediction that gets its URL."""
    with recorder.use_cassette("v1_upload.yaml", match_on=["method", "uri"]) as cassette:
        output = replicate.run("acme/writer", input={"prompt": "Hello", "image": io.BytesIO(b"cat")})
    assert "".join(output) == "Hello, world"
    assert [request.method + " " + request.path for request in cassette.requests] == [
        "POST /v1/files",
        "POST /v1/models/acme/writer/predictions",
    ]
    assert cassette.all_played


@pytest.mark.generation("1.x")
def test_v1_errors() -> None:
    """Recorded errors are raised again."""
    from replicate.exceptions import ReplicateError

    with recorder.use_cassette("v1_errors.yaml") as cassette:
        with pytest.raises(ReplicateError, match="status: 404"):
            replicate.models.get("acme/none")
        with pytest.raises(ReplicateError) as raised:
            replicate.run("acme/writer", input={"text": "Hello"})
    assert (raised.value.status, raised.value.detail) == (422, "- input: prompt is required")
    assert cassette.all_played


# 2.0


@pytest.mark.generation("2.0")
def test_v2_run() -> None:
    """Runs by name and by version replay their creates, and send nothing more."""
    with recorder.use_cassette("v2_run.yaml", match_on=EXACT) as cassette:
        client = replicate.Replicate(bearer_token="r8_mine")
        output = client.run("acme/writer", input={"prompt": "Hello", "steps": 4, "scale": 1.5})
        assert "".join(output) == "Hello, world"
        output = client.run(f"acme/writer:{VERSION}", input={"prompt": "Hello"}, webhook="https://example.com/hook")
        assert "".join(output) == "Hello, world"
        client.close()
    assert cassette.all_played


@pytest.mark.generation("2.0")
def test_v2_predictions(naps: list[float]) -> None:
    """A prediction is created, waited for and canceled, and all pages of predictions are listed."""
    with recorder.use_cassette("v2_predictions.yaml", match_on=EXACT) as cassette:
        started = replicate.predictions.create(
            version=VERSION,
            input={"prompt": "Hello"},
            webhook="https://example.com/hook",
            webhook_events_filter=["completed"],
        )
        assert replicate.predictions.wait(started.id).output == ["Hello", ",", " world"]
        assert replicate.predictions.cancel(prediction_id=started.id).status == "canceled"
        assert [each.id for each in replicate.predictions.list()] == ["a1", "a2"]
    assert cassette.all_played


@pytest.mark.differs("`use` requests only the model, and lets the API hold its answer: mock no list of versions")
@pytest.mark.generation("2.0")
def test_v2_use(naps: list[float]) -> None:
    """`use` replays the lookups of the model and its versions, the create and the polls."""
    with recorder.use_cassette("v2_use.yaml", match_on=EXACT) as cassette:
        writer = replicate.use("acme/writer")
        assert writer(prompt="Hello") == "Hello, world"
        assert writer(prompt="Hello again") == "Hello, world"
    assert cassette.all_played


@pytest.mark.generation("2.0")
@pytest.mark.anyio
async def test_v2_async() -> None:
    """The asynchronous client replays its requests."""
    with recorder.use_cassette("v2_async.yaml") as cassette:
        async with replicate.AsyncReplicate(bearer_token="r8_mine") as client:
            assert "".join(await client.run("acme/writer", input={"prompt": "Hello"})) == "Hello, world"
            assert (await client.models.get(model_owner="acme", model_name="writer")).latest_version.id == VERSION
            assert [each.id async for each in client.predictions.list()] == ["a1", "a2"]
    assert cassette.all_played


@pytest.mark.generation("2.0")
def test_v2_writes() -> None:
    """The bodies for trainings, deployments and models are those of version 2."""
    with recorder.use_cassette("v2_writes.yaml") as cassette:
        named = {"model_owner": "acme", "model_name": "writer"}
        replicate.trainings.create(**named, version_id=VERSION, input={"steps": 3}, destination="acme/mine")
        assert replicate.trainings.get(training_id="t1").status == "succeeded"
        settings: dict[str, Any] = {"hardware": "gpu-t4", "min_instances": 0, "max_instances": 1}
        replicate.deployments.create(name="live", model="acme/writer", version=VERSION, **settings)
        replicate.deployments.update(deployment_owner="acme", deployment_name="live", min_instances=1)
        replicate.deployments.delete(deployment_owner="acme", deployment_name="live")
        replicate.models.create(owner="acme", name="writer", visibility="private", hardware="cpu")
        assert replicate.models.update(**named, description="Better.").description == "Better."
    assert cassette.all_played


@pytest.mark.generation("2.0")
def test_v2_errors() -> None:
    """Recorded errors are raised again."""
    with recorder.use_cassette("v2_errors.yaml") as cassette:
        with pytest.raises(replicate.NotFoundError):
            replicate.models.get(model_owner="acme", model_name="none")
        with pytest.raises(replicate.UnprocessableEntityError) as raised:
            replicate.run("acme/writer", input={"text": "Hello"})
    assert raised.value.status_code == 422
    assert cassette.all_played
