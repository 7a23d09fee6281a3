"""The client replays recorded responses of the API, without a server or a network."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image
from support.colours import collect, got, leaves_streams

from replicate import FileOutput, NotFoundError, OutputList, UnprocessableEntityError

pytestmark = leaves_streams


async def version_of(player: Any, model: str) -> str:
    return str((await got(player.client.models.get(model))).latest_version.id)


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), "teal").save(file, "PNG")
    return file.getvalue()


async def test_create_and_get(player: Any) -> None:
    """A prediction of a version is created, waited for, and found by its id."""
    model, _ = player.models.picture
    version = await version_of(player, model)
    _, field = player.models.picture
    made = await got(player.client.predictions.create(version, {field: picture()}))
    assert made.status in ("starting", "processing")
    await got(made.wait(timeout=300))
    found = await got(player.client.predictions.get(made.id))
    assert (found.status, found.version, found.model) == ("succeeded", version, model)
    assert found.created_at <= found.started_at <= found.completed_at
    assert found.metrics["predict_time"] >= 0
    assert found.output.startswith("http")


async def test_create_by_name(player: Any) -> None:
    """An official model is run by its name, and the client waits for its output."""
    model, given = player.models.words
    made = await got(player.client.models.predictions.create(model, given, wait=60))
    await got(made.wait(timeout=300))
    assert made.status == "succeeded"
    assert "".join(made.output).strip()
    assert made.input == given


async def test_refusals(player: Any) -> None:
    """A refusal of the API raises the error of its status, with the API's message."""
    with pytest.raises(NotFoundError, match="could not be found"):
        await got(player.client.predictions.get("nothing"))
    with pytest.raises(UnprocessableEntityError, match="version does not exist") as raised:
        await got(player.client.predictions.create("0" * 64, {}))
    assert raised.value.title == "Invalid version or not permitted"


async def test_list(player: Any) -> None:
    """The newest predictions come first."""
    model, given = player.models.words
    made = [await got(player.client.models.predictions.create(model, given, wait=60)) for _ in range(2)]
    page = await got(player.client.predictions.list())
    assert [prediction.id for prediction in page[:2]] == [prediction.id for prediction in made[::-1]]
    assert page[0].model == model


async def test_run(player: Any) -> None:
    """A model that returns text gives the text."""
    model, given = player.models.text
    text = await got(player.client.run(model, given))
    assert "Ada" in text


async def test_run_with_files(player: Any) -> None:
    """A picture is the input, and the output is a file that can be read."""
    model, field = player.models.picture
    result = await got(player.client.run(model, {field: picture()}))
    assert isinstance(result, FileOutput)
    assert (await got(result.read())).startswith((b"\x89PNG", b"\xff\xd8\xff", b"RIFF"))


async def test_run_by_version(player: Any) -> None:
    """A version runs as its model does."""
    model, field = player.models.picture
    version = await version_of(player, model)
    result = await got(player.client.run(f"{model}:{version}", {field: picture()}))
    assert isinstance(result, FileOutput)


async def test_run_in_items(player: Any) -> None:
    """A model run by its name returns its text in pieces, as a list that prints as the text."""
    model, given = player.models.words
    output = await got(player.client.run(model, given))
    assert isinstance(output, OutputList)
    assert len(output) > 1
    assert str(output) == "".join(output)


async def test_use_in_items(player: Any) -> None:
    """With streaming, the pieces of a text come one by one."""
    model, given = player.models.words
    output = await got(player.client.use(model, streaming=True)(**given))
    items = await collect(output)
    assert len(items) > 1
    assert output.prediction.status == "succeeded"
    assert "".join(items) == "".join(output.prediction.output)


async def test_stream(player: Any) -> None:
    """Events come up to the last one, which is empty."""
    model, given = player.models.words
    events = await collect(player.client.stream(model, input=given))
    assert "".join(events).strip()
    assert [event.event for event in events].count("done") == 1
    assert (events[-1].event, str(events[-1])) == ("done", "")
    assert all(event.id for event in events)


async def test_files(player: Any) -> None:
    """A file is uploaded, found and deleted."""
    file = await got(player.client.files.create(picture(), filename="teal.png", metadata={"made": "by a test"}))
    assert (file.name, file.content_type, file.size) == ("teal.png", "image/png", len(picture()))
    assert file.metadata == {"made": "by a test"}
    found = await got(player.client.get(f"/files/{file.id}"))
    assert found.json()["checksums"]["sha256"] == file.checksums["sha256"]
    assert (await got(player.client.delete(f"/files/{file.id}"))).status_code == 204
    with pytest.raises(NotFoundError):
        await got(player.client.get(f"/files/{file.id}"))
