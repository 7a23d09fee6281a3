"""Tests as users write them with respx: every request must be mocked, and every mock must be called."""

from __future__ import annotations

import asyncio
import io
import json
import tempfile
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import respx
from payloads import API, PICTURES, SSE, VERSION, WORDS, deployment, file, model, page, prediction, problem, training
from payloads import version as version_payload

import replicate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUN = "/models/acme/writer/predictions"


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=API, assert_all_called=True, assert_all_mocked=True) as router:
        yield router


# Both generations


@pytest.mark.generation("1.x", "2.0")
def test_run_by_name(api: respx.MockRouter) -> None:
    """A run by name is one POST with the token, `Prefer: wait` and the input, and returns the output."""
    route = api.post(RUN).respond(201, json=prediction(output="Hello, world"))
    assert replicate.run("acme/writer", input={"prompt": "Hello"}) == "Hello, world"
    assert route.call_count == 1
    request = route.calls.last.request
    assert json.loads(request.content) == {"input": {"prompt": "Hello"}}
    assert request.headers["Authorization"] == "Bearer r8_test"
    assert request.headers["Prefer"] == "wait"


@pytest.mark.generation("1.x", "2.0")
def test_run_waits_for_the_end(api: respx.MockRouter, naps: list[float]) -> None:
    """A prediction that is not finished after the create is polled until it is."""
    api.post(RUN).respond(201, json=prediction("starting"))
    states = api.get("/predictions/p1").mock(
        side_effect=[
            httpx.Response(200, json=prediction("processing")),
            httpx.Response(200, json=prediction("processing")),
            httpx.Response(200, json=prediction(output="done")),
        ]
    )
    assert replicate.run("acme/writer", input={"prompt": "Hello"}) == "done"
    assert states.call_count == 3
    assert naps


@pytest.mark.generation("1.x", "2.0")
def test_run_gives_files(api: respx.MockRouter) -> None:
    """A URL in the output is a file with a `url`, whose content is fetched when it is read."""
    url = "https://replicate.delivery/xezq/out-0.png"
    api.post(RUN).respond(201, json=prediction(output=[url]))
    api.get(url).respond(200, content=b"\x89PNG...")
    output = replicate.run("acme/writer", input={"prompt": "Hello"})
    assert len(output) == 1
    assert output[0].url == url
    assert str(output[0]) == url
    assert output[0].read() == b"\x89PNG..."


@pytest.mark.generation("1.x", "2.0")
def test_run_gives_urls(api: respx.MockRouter) -> None:
    """With `use_file_output=False` the output is as the API sent it."""
    url = "https://replicate.delivery/xezq/out-0.png"
    api.post(RUN).respond(201, json=prediction(output=[url]))
    output = replicate.run("acme/writer", input={"prompt": "Hello"}, use_file_output=False)
    assert output == [url]
    assert isinstance(output, list)
    assert json.dumps(output) == json.dumps([url])


@pytest.mark.generation("1.x", "2.0")
def test_run_gives_words_by_name(api: respx.MockRouter) -> None:
    """A language model that is run by name returns a list that can be joined."""
    api.post(RUN).respond(201, json=prediction(output=["Hello", ",", " world"]))
    output = replicate.run("acme/writer", input={"prompt": "Hello"})
    assert isinstance(output, list)
    assert output == ["Hello", ",", " world"]
    assert "".join(output) == "Hello, world"


@pytest.mark.generation("1.x", "2.0")
def test_run_fails(api: respx.MockRouter) -> None:
    """A failed prediction raises ModelError with the model's message and the prediction."""
    from replicate.exceptions import ModelError

    api.post(RUN).respond(201, json=prediction("failed", error="CUDA out of memory"))
    with pytest.raises(ModelError) as raised:
        replicate.run("acme/writer", input={"prompt": "Hello"})
    assert str(raised.value) == "CUDA out of memory"
    assert raised.value.prediction.id == "p1"
    assert raised.value.prediction.status == "failed"


@pytest.mark.differs('a file of up to 256 kB goes inside the request: pass file_encoding_strategy="url"')
@pytest.mark.generation("1.x", "2.0")
def test_run_uploads_files(api: respx.MockRouter) -> None:
    """An open file in the input is uploaded, and the prediction gets its URL."""
    upload = api.post("/files").respond(201, json=file())
    create = api.post(RUN).respond(201, json=prediction(output="a cat"))
    assert replicate.run("acme/writer", input={"image": io.BytesIO(b"cat!!")}) == "a cat"
    assert b"cat!!" in upload.calls.last.request.content
    assert upload.calls.last.request.headers["Content-Type"].startswith("multipart/form-data")
    assert json.loads(create.calls.last.request.content) == {"input": {"image": f"{API}/files/f1"}}


# 1.x


@pytest.mark.generation("1.x")
def test_v1_run_by_version_is_an_iterator(api: respx.MockRouter) -> None:
    """A model that makes its output in pieces, run by version, returns an iterator."""
    api.get(f"/models/acme/writer/versions/{VERSION}").respond(200, json=version_payload(WORDS))
    api.post("/predictions").respond(201, json=prediction(output=["Hello", " world"]))
    output = replicate.Client(api_token="r8_mine").run(f"acme/writer:{VERSION}", input={"prompt": "Hello"})
    assert next(output) == "Hello"
    assert list(output) == [" world"]


@pytest.mark.generation("1.x")
@pytest.mark.differs("a version is looked up only if the output is a list or has not arrived yet, as in 2.0")
def test_v1_run_by_version_looks_the_version_up(api: respx.MockRouter) -> None:
    """Version 1 looks up every version that it runs, even after a text output."""
    looked_up = api.get(f"/models/acme/writer/versions/{VERSION}").respond(200, json=version_payload())
    api.post("/predictions").respond(201, json=prediction(output="Hello, world"))
    client = replicate.Client(api_token="r8_mine")
    assert client.run(f"acme/writer:{VERSION}", input={"prompt": "Hello"}) == "Hello, world"
    assert looked_up.called


@pytest.mark.generation("1.x")
def test_v1_webhooks_of_a_run(api: respx.MockRouter) -> None:
    """The options of a run are sent beside the input."""
    route = api.post(RUN).respond(201, json=prediction(output="Hello"))
    replicate.run("acme/writer", {"prompt": "Hello"}, webhook="https://example.com/hook", wait=5)
    request = route.calls.last.request
    assert json.loads(request.content) == {"input": {"prompt": "Hello"}, "webhook": "https://example.com/hook"}
    assert request.headers["Prefer"] == "wait=5"


@pytest.mark.generation("1.x")
def test_v1_create_and_reload(api: respx.MockRouter, naps: list[float]) -> None:
    """A prediction is reloaded in place, in a user's loop."""
    create = api.post(RUN).respond(201, json=prediction("starting"))
    api.get("/predictions/p1").mock(
        side_effect=[
            httpx.Response(200, json=prediction("processing", logs="50%")),
            httpx.Response(200, json=prediction(output="done", logs="100%")),
        ]
    )
    started = replicate.predictions.create(model="acme/writer", input={"prompt": "Hello"})
    assert "Prefer" not in create.calls.last.request.headers
    assert started.status == "starting"
    while started.status not in {"succeeded", "failed", "canceled"}:
        time.sleep(1)
        started.reload()
    assert (started.output, started.logs) == ("done", "100%")
    assert started.metrics["predict_time"] == 1.333
    assert started.urls["get"] == f"{API}/predictions/p1"
    assert started.created_at[:10] == "2026-01-02"
    assert naps == [1, 1]


@pytest.mark.generation("1.x")
def test_v1_wait(api: respx.MockRouter, naps: list[float]) -> None:
    """`wait()` polls in place until the prediction has finished, and sends nothing for a finished one."""
    api.post("/predictions").respond(201, json=prediction("starting"))
    route = api.get("/predictions/p1").mock(
        side_effect=[
            httpx.Response(200, json=prediction("processing")),
            httpx.Response(200, json=prediction("failed", error="boom")),
        ]
    )
    started = replicate.predictions.create(VERSION, {"prompt": "Hello"})
    started.wait()
    started.wait()
    assert (started.status, started.error, route.call_count) == ("failed", "boom", 2)


@pytest.mark.generation("1.x")
def test_v1_cancel(api: respx.MockRouter) -> None:
    """A prediction is canceled in place, or by its id."""
    api.get("/predictions/p1").respond(200, json=prediction("processing"))
    route = api.post("/predictions/p1/cancel").respond(200, json=prediction("canceled"))
    running = replicate.predictions.get("p1")
    running.cancel()
    assert running.status == "canceled"
    assert replicate.predictions.cancel("p1").status == "canceled"
    assert [call.request.content for call in route.calls] == [b"", b""]


@pytest.mark.generation("1.x")
def test_v1_stream(api: respx.MockRouter) -> None:
    """A stream is one POST with `stream: true` and one GET of all events."""
    create = api.post(RUN).respond(201, json=prediction("starting"))
    events = api.get("https://stream.replicate.com/v1/files/p1").respond(
        200, content=SSE, headers={"Content-Type": "text/event-stream"}
    )
    received = list(replicate.stream("acme/writer", input={"prompt": "Hello"}))
    assert [event.event.value for event in received] == ["output", "output", "done"]
    assert "".join(str(event) for event in received) == "Hello world"
    assert received[0].data == "Hello"
    assert json.loads(create.calls.last.request.content) == {"input": {"prompt": "Hello"}, "stream": True}
    assert events.calls.last.request.headers["Accept"] == "text/event-stream"


@pytest.mark.generation("1.x")
@pytest.mark.anyio
async def test_v1_async_run_and_stream(api: respx.MockRouter) -> None:
    """`async_run` and `async_stream` send the same requests as the blocking functions."""
    create = api.post(RUN)
    create.side_effect = [
        httpx.Response(201, json=prediction(output="Hello")),
        httpx.Response(201, json=prediction("starting", id="p2")),
    ]
    api.get("https://stream.replicate.com/v1/files/p2").respond(
        200, content=SSE, headers={"Content-Type": "text/event-stream"}
    )
    client = replicate.Client(api_token="r8_mine")
    assert await client.async_run("acme/writer", input={"prompt": "Hello"}) == "Hello"
    events = await client.async_stream("acme/writer", input={"prompt": "Hello"})
    assert "".join([str(event) async for event in events]) == "Hello world"
    assert {call.request.headers["Authorization"] for call in create.calls} == {"Bearer r8_mine"}


@pytest.mark.generation("1.x")
@pytest.mark.anyio
async def test_v1_async_predictions(api: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Predictions are created, waited for and listed with the `async_` names, several at once."""
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)

    api.post("/predictions").respond(201, json=prediction("starting"))
    api.get("/predictions/p1").respond(200, json=prediction(output="done"))
    api.get("/predictions").respond(200, json=page(prediction(output="done")))
    client = replicate.Client(api_token="r8_mine")
    started = await asyncio.gather(
        *(client.predictions.async_create(version=VERSION, input={"prompt": str(n)}) for n in range(3))
    )
    monkeypatch.setattr(asyncio, "sleep", nap)
    for each in started:
        await each.async_wait()
    assert [each.output for each in started] == ["done", "done", "done"]
    assert len((await client.predictions.async_list()).results) == 1


@pytest.mark.generation("1.x")
def test_v1_deployments(api: respx.MockRouter) -> None:
    """A deployment is looked up, run, created, changed and deleted."""
    api.get("/deployments/acme/live").respond(200, json=deployment())
    run = api.post("/deployments/acme/live/predictions").respond(201, json=prediction("starting"))
    create = api.post("/deployments").respond(201, json=deployment())
    update = api.patch("/deployments/acme/live").respond(200, json=deployment(min_instances=1))
    api.delete("/deployments/acme/live").respond(204)
    live = replicate.deployments.get("acme/live")
    assert live.current_release is not None
    assert live.predictions.create({"prompt": "Hello"}, webhook="https://example.com/hook").id == "p1"
    assert json.loads(run.calls.last.request.content) == {
        "input": {"prompt": "Hello"},
        "webhook": "https://example.com/hook",
    }
    replicate.predictions.create(deployment="acme/live", input={"prompt": "Hello"})
    assert json.loads(run.calls.last.request.content) == {"input": {"prompt": "Hello"}}
    settings = {"hardware": "gpu-t4", "min_instances": 0, "max_instances": 1}
    made = replicate.deployments.create(name="live", model="acme/writer", version=VERSION, **settings)
    assert made.owner == "acme"
    assert json.loads(create.calls.last.request.content) == {
        "name": "live",
        "model": "acme/writer",
        "version": VERSION,
        **settings,
    }
    changed = replicate.deployments.update("acme", "live", min_instances=1)
    assert changed.current_release.configuration.min_instances == 1
    assert json.loads(update.calls.last.request.content) == {"min_instances": 1}
    assert replicate.deployments.delete("acme", "live") is True


@pytest.mark.generation("1.x")
def test_v1_trainings(api: respx.MockRouter, naps: list[float]) -> None:
    """A training is started, reloaded until it is done, and canceled."""
    create = api.post(f"/models/acme/writer/versions/{VERSION}/trainings").respond(201, json=training())
    api.get("/trainings/t1").mock(
        side_effect=[
            httpx.Response(200, json=training("processing")),
            httpx.Response(
                200, json=training("succeeded", output={"version": f"acme/mine:{VERSION}", "weights": "https://x.y/w"})
            ),
        ]
    )
    api.post("/trainings/t1/cancel").respond(200, json=training("canceled"))
    job = replicate.trainings.create(
        model="acme/writer",
        version=VERSION,
        input={"input_images": "https://example.com/images.zip"},
        destination="acme/mine",
    )
    while job.status not in {"succeeded", "failed", "canceled"}:
        time.sleep(10)
        job.reload()
    assert job.output["version"] == f"acme/mine:{VERSION}"
    assert json.loads(create.calls.last.request.content) == {
        "input": {"input_images": "https://example.com/images.zip"},
        "destination": "acme/mine",
    }
    assert replicate.trainings.cancel("t1").status == "canceled"


@pytest.mark.differs("the file's name and type are also sent as separate parts")
@pytest.mark.generation("1.x")
def test_v1_files(api: respx.MockRouter, tmp_path: Path) -> None:
    """A file is uploaded with its name, type and metadata, listed, looked up and deleted."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"hello")
    upload = api.post("/files").respond(201, json=file())
    api.get("/files").respond(200, json=page(file()))
    api.get("/files/f1").respond(200, json=file())
    api.delete("/files/f1").respond(204)
    created = replicate.files.create(path, metadata={"customer": "7"})
    body = upload.calls.last.request.content
    assert b'name="content"; filename="notes.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n' in body
    assert b'name="metadata"\r\n\r\n{"customer": "7"}\r\n' in body
    assert created.urls["get"] == f"{API}/files/f1"
    assert created.checksums["sha256"].startswith("2cf24d")
    assert [each.id for each in replicate.files.list()] == ["f1"]
    assert replicate.files.get("f1").size == 5
    assert replicate.files.delete("f1") is True


@pytest.mark.generation("1.x")
def test_v1_models(api: respx.MockRouter) -> None:
    """Models and their versions are looked up, listed, searched for, created and deleted."""
    api.get("/models/acme/writer").respond(200, json=model())
    api.get("/models").respond(200, json=page(model()))
    search = api.request("QUERY", "/models").respond(200, json=page(model()))
    create = api.post("/models").respond(201, json=model(visibility="private"))
    api.get("/models/acme/writer/versions").respond(200, json=page(version_payload()))
    api.get(f"/models/acme/writer/versions/{VERSION}").respond(200, json=version_payload())
    api.delete("/models/acme/writer").respond(204)
    writer = replicate.models.get("acme/writer")
    assert (writer.owner, writer.name, writer.run_count) == ("acme", "writer", 42)
    assert writer.latest_version.id == VERSION
    assert "prompt" in writer.latest_version.openapi_schema["components"]["schemas"]["Input"]["properties"]
    assert [each.id for each in writer.versions.list()] == [VERSION]
    assert writer.versions.get(VERSION).cog_version == "0.16.8"
    assert [each.name for each in replicate.models.list().results] == ["writer"]
    assert replicate.models.search("writing")[0].name == "writer"
    assert search.calls.last.request.content == b"writing"
    made = replicate.models.create(owner="acme", name="writer", hardware="cpu", visibility="private")
    assert made.visibility == "private"
    assert json.loads(create.calls.last.request.content) == {
        "owner": "acme",
        "name": "writer",
        "hardware": "cpu",
        "visibility": "private",
    }
    assert replicate.models.delete("acme/writer") is True


@pytest.mark.generation("1.x")
def test_v1_small_namespaces(api: respx.MockRouter) -> None:
    """The account, hardware, collections and the webhook secret are looked up."""
    account = {"type": "organization", "username": "acme", "name": "Acme", "github_url": "https://github.com/acme"}
    shelf = {"slug": "text", "name": "Text", "description": "Writes"}
    api.get("/account").respond(200, json=account)
    api.get("/hardware").respond(200, json=[{"sku": "cpu", "name": "CPU"}])
    api.get("/collections").respond(200, json=page(shelf))
    api.get("/collections/text").respond(200, json={**shelf, "models": [model()]})
    api.get("/webhooks/default/secret").respond(200, json={"key": "whsec_c2VjcmV0"})
    assert replicate.Client(api_token="r8_mine").accounts.current().username == "acme"
    assert [(each.sku, each.name) for each in replicate.hardware.list()] == [("cpu", "CPU")]
    assert [each.slug for each in replicate.collections.list()] == ["text"]
    assert [each.name for each in replicate.collections.get("text")] == ["writer"]
    assert replicate.webhooks.default.secret().key == "whsec_c2VjcmV0"


@pytest.mark.generation("1.x")
def test_v1_pages(api: respx.MockRouter) -> None:
    """`paginate` yields pages until there is no next one. A page can also be fetched by its cursor."""
    api.get("/predictions", params={"cursor": "two"}).respond(200, json=page(prediction(id="p2")))
    api.get("/predictions", params__eq={}).respond(
        200, json=page(prediction(id="p1"), after=f"{API}/predictions?cursor=two")
    )
    pages = list(replicate.paginate(replicate.predictions.list))
    assert [[each.id for each in one] for one in pages] == [["p1"], ["p2"]]
    first = replicate.predictions.list()
    assert (len(first), first[0].id, first.next) == (1, "p1", f"{API}/predictions?cursor=two")
    assert [each.id for each in replicate.predictions.list(first.next)] == ["p2"]


@pytest.mark.generation("1.x")
@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (401, "You did not pass a valid authentication token"),
        (402, "You have insufficient credit to run this model."),
        (403, "You do not have permission to perform this action."),
        (404, "The requested resource could not be found."),
        (422, "- input.prompt: prompt is required"),
    ],
)
def test_v1_refusals(api: respx.MockRouter, status: int, detail: str) -> None:
    """An API error raises ReplicateError with its status and detail, in the text, too."""
    from replicate.exceptions import ReplicateError

    api.post(RUN).respond(status, json=problem(status, detail))
    with pytest.raises(ReplicateError) as raised:
        replicate.run("acme/writer", input={"prompt": "Hello"})
    assert (raised.value.status, raised.value.detail) == (status, detail)
    assert str(raised.value) == (
        f"ReplicateError Details:\ntitle: Something went wrong\nstatus: {status}\ndetail: {detail}"
    )


@pytest.mark.generation("1.x")
def test_v1_rate_limit_is_waited_out(api: respx.MockRouter, naps: list[float]) -> None:
    """A GET answered with 429 is retried after the seconds that the API sends."""
    route = api.get("/predictions/p1").mock(
        side_effect=[
            httpx.Response(429, json=problem(429, "Request was throttled."), headers={"Retry-After": "3"}),
            httpx.Response(200, json=prediction()),
        ]
    )
    assert replicate.predictions.get("p1").status == "succeeded"
    assert route.call_count == 2
    assert len(naps) == 1
    assert naps[0] >= 3


@pytest.mark.generation("1.x")
def test_v1_create_is_sent_once(api: respx.MockRouter, naps: list[float]) -> None:
    """A create answered with 500 is not sent again, and the error has the status."""
    from replicate.exceptions import ReplicateException

    route = api.post(RUN).respond(500, json=problem(500, "Internal server error"))
    with pytest.raises(ReplicateException) as raised:
        replicate.run("acme/writer", input={"prompt": "Hello"})
    assert raised.value.status == 500
    assert route.call_count == 1


@pytest.mark.generation("1.x")
@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout])
def test_v1_no_connection(api: respx.MockRouter, naps: list[float], error: type[Exception]) -> None:
    """A failed connection raises an error that is caught as httpx's."""
    api.post(RUN).mock(side_effect=error)
    with pytest.raises(error):
        replicate.run("acme/writer", input={"prompt": "Hello"})


@pytest.mark.generation("1.x")
@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError])
def test_v1_lost_answer(api: respx.MockRouter, naps: list[float], error: type[Exception]) -> None:
    """A GET whose response is lost raises an error that is caught as httpx's."""
    api.get("/predictions/p1").mock(side_effect=error)
    with pytest.raises(error):
        replicate.predictions.get("p1")


# 2.0


@pytest.fixture
def client() -> Iterator[Any]:
    with replicate.Replicate(bearer_token="r8_mine") as made:
        yield made


@pytest.mark.generation("2.0")
def test_v2_create_and_wait(api: respx.MockRouter, naps: list[float], client: Any) -> None:
    """A prediction is created with options, waited for by its id, and looked up."""
    create = api.post("/predictions").respond(201, json=prediction("starting"))
    api.get("/predictions/p1").mock(
        side_effect=[
            httpx.Response(200, json=prediction("processing")),
            httpx.Response(200, json=prediction(output="done")),
        ]
    )
    started = client.predictions.create(
        version=VERSION,
        input={"prompt": "Hello"},
        webhook="https://example.com/hook",
        webhook_events_filter=["completed"],
        prefer="wait=5",
        cancel_after="1m",
        extra_headers={"X-Trace": "7"},
    )
    assert started.status == "starting"
    done = client.predictions.wait(started.id)
    assert (done.output, done.created_at.year, done.metrics.predict_time) == ("done", 2026, 1.333)
    assert done.urls.get == f"{API}/predictions/p1"
    request = create.calls.last.request
    assert json.loads(request.content) == {
        "version": VERSION,
        "input": {"prompt": "Hello"},
        "webhook": "https://example.com/hook",
        "webhook_events_filter": ["completed"],
    }
    sent = [request.headers[name] for name in ("Prefer", "Cancel-After", "X-Trace", "Authorization")]
    assert sent == ["wait=5", "1m", "7", "Bearer r8_mine"]


@pytest.mark.generation("2.0")
def test_v2_run_by_version(api: respx.MockRouter, naps: list[float], client: Any) -> None:
    """A run by version requests nothing but the prediction. An output in pieces can be joined."""
    create = api.post("/predictions").respond(201, json=prediction("starting"))
    api.get("/predictions/p1").mock(
        side_effect=[
            httpx.Response(200, json=prediction("processing", ["Hello"])),
            httpx.Response(200, json=prediction(output=["Hello", ",", " world"])),
        ]
    )
    output = client.run(f"acme/writer:{VERSION}", input={"prompt": "Hello"})
    assert "".join(output) == "Hello, world"
    assert json.loads(create.calls.last.request.content) == {"version": VERSION, "input": {"prompt": "Hello"}}


@pytest.mark.differs("`use` requests only the model, and lets the API hold its answer: mock no list of versions")
@pytest.mark.generation("2.0")
def test_v2_use_a_community_model(api: respx.MockRouter, naps: list[float]) -> None:
    """`use` looks up the model and its versions once, runs the newest version, and returns text as one `str`."""
    api.get("/models/acme/writer").respond(200, json=model(WORDS))
    versions = api.get("/models/acme/writer/versions").respond(200, json=page(version_payload(WORDS)))
    create = api.post("/predictions").respond(201, json=prediction("starting"))
    api.get("/predictions/p1").mock(
        side_effect=[
            httpx.Response(200, json=prediction("processing", ["Hello"])),
            httpx.Response(200, json=prediction(output=["Hello", ",", " world"])),
            httpx.Response(200, json=prediction(output=["Hello again"])),
        ]
    )
    writer = replicate.use("acme/writer")
    assert writer(prompt="Hello") == "Hello, world"
    assert json.loads(create.calls.last.request.content) == {"version": VERSION, "input": {"prompt": "Hello"}}
    assert "Prefer" not in create.calls.last.request.headers
    assert writer(prompt="Hello") == "Hello again"
    assert (versions.call_count, create.call_count) == (1, 2)


@pytest.mark.differs("`use` requests only the model, and lets the API hold its answer: mock no list of versions")
@pytest.mark.generation("2.0")
def test_v2_use_an_official_model(
    api: respx.MockRouter, naps: list[float], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A model without versions is run by its name, and a picture opens as a file."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # version 2 keeps its downloads there
    url = "https://replicate.delivery/xezq/use/out-0.png"
    api.get("/models/acme/writer").respond(200, json=model(PICTURES))
    versions = api.get("/models/acme/writer/versions").respond(404, json=problem(404, "Not found."))
    create = api.post(RUN).respond(201, json=prediction("starting"))
    api.get("/predictions/p1").respond(200, json=prediction(output=[url]))
    api.get(url).respond(200, content=b"\x89PNG...")
    pictures = replicate.use("acme/writer")(prompt="Hello")
    assert replicate.get_path_url(pictures[0]) == url
    with open(pictures[0], "rb") as content:  # noqa: PTH123 - the documented use
        assert content.read() == b"\x89PNG..."
    assert json.loads(create.calls.last.request.content) == {"input": {"prompt": "Hello"}}
    assert versions.called


@pytest.mark.differs("`use` requests only the model, and lets the API hold its answer: mock no list of versions")
@pytest.mark.generation("2.0")
def test_v2_use_fails(api: respx.MockRouter, naps: list[float]) -> None:
    """A failed prediction of `use` raises ModelError with the model's message."""
    from replicate.exceptions import ModelError

    api.get("/models/acme/writer").respond(200, json=model())
    api.get("/models/acme/writer/versions").respond(200, json=page(version_payload()))
    api.post("/predictions").respond(201, json=prediction("starting"))
    api.get("/predictions/p1").respond(200, json=prediction("failed", error="boom"))
    with pytest.raises(ModelError, match="boom"):
        replicate.use("acme/writer")(prompt="Hello")


@pytest.mark.differs("`use` requests only the model, and lets the API hold its answer: mock no list of versions")
@pytest.mark.generation("2.0")
def test_v2_run_in_the_background_of_use(api: respx.MockRouter, naps: list[float]) -> None:
    """`use(…).create` starts a run whose logs and output are fetched later."""
    api.get("/models/acme/writer").respond(200, json=model())
    api.get("/models/acme/writer/versions").respond(200, json=page(version_payload()))
    api.post("/predictions").respond(201, json=prediction("starting"))
    api.get("/predictions/p1").mock(
        side_effect=[
            httpx.Response(200, json=prediction("processing", logs="working\n")),
            httpx.Response(200, json=prediction(output="done")),
        ]
    )
    run = replicate.use("acme/writer").create(prompt="Hello")
    assert run.logs() == "working\n"
    assert run.output() == "done"


@pytest.mark.generation("2.0")
@pytest.mark.anyio
async def test_v2_async_client(api: respx.MockRouter) -> None:
    """The asynchronous client runs, lists through all pages and reads files."""
    url = "https://replicate.delivery/xezq/async/out-0.png"
    api.post(RUN).respond(201, json=prediction(output=url))
    api.get(url).respond(200, content=b"\x89PNG...")
    api.get("/predictions", params={"cursor": "two"}).respond(200, json=page(prediction(id="p2")))
    api.get("/predictions", params__eq={}).respond(
        200, json=page(prediction(id="p1"), after=f"{API}/predictions?cursor=two")
    )
    async with replicate.AsyncReplicate(bearer_token="r8_mine") as client:
        output = await client.run("acme/writer", input={"prompt": "Hello"})
        assert await output.read() == b"\x89PNG..."
        assert [each.id async for each in client.predictions.list()] == ["p1", "p2"]
        assert (await client.predictions.list()).results[0].id == "p1"


@pytest.mark.generation("2.0")
def test_v2_pages(api: respx.MockRouter, client: Any) -> None:
    """A list continues through all pages, or is read page by page."""
    after = f"{API}/predictions?cursor=two&created_after=2026-01-01"
    api.get("/predictions", params={"cursor": "two"}).respond(200, json=page(prediction(id="p2")))
    api.get("/predictions", params__eq={"created_after": "2026-01-01"}).respond(
        200, json=page(prediction(id="p1"), after=after)
    )
    first = client.predictions.list(created_after="2026-01-01")
    assert [each.id for each in first] == ["p1", "p2"]
    assert first.has_next_page()
    assert [each.id for each in first.results] == ["p1"]
    assert not first.get_next_page().has_next_page()


@pytest.mark.generation("2.0")
def test_v2_namespaces(api: respx.MockRouter, client: Any) -> None:
    """Trainings, deployments, models and files take the names in the path as keywords."""
    train = api.post(f"/models/acme/writer/versions/{VERSION}/trainings").respond(201, json=training())
    api.get("/trainings/t1").respond(200, json=training("succeeded"))
    deploy = api.post("/deployments").respond(201, json=deployment())
    run = api.post("/deployments/acme/live/predictions").respond(201, json=prediction("starting"))
    api.delete("/deployments/acme/live").respond(204)
    api.get("/models/acme/writer").respond(200, json=model())
    update = api.patch("/models/acme/writer").respond(200, json=model(description="Writes better."))
    api.get(f"/models/acme/writer/versions/{VERSION}").respond(200, json=version_payload())
    upload = api.post("/files").respond(201, json=file())
    api.get("/search", params={"query": "writing"}).respond(
        200, json={"query": "writing", "models": [], "collections": [], "pages": []}
    )
    named = {"model_owner": "acme", "model_name": "writer"}
    job = client.trainings.create(**named, version_id=VERSION, destination="acme/mine", input={"steps": 3})
    assert client.trainings.get(training_id=job.id).status == "succeeded"
    assert json.loads(train.calls.last.request.content) == {"destination": "acme/mine", "input": {"steps": 3}}
    settings = {"hardware": "gpu-t4", "min_instances": 0, "max_instances": 1}
    client.deployments.create(name="live", model="acme/writer", version=VERSION, **settings)
    assert json.loads(deploy.calls.last.request.content)["model"] == "acme/writer"
    live = {"deployment_owner": "acme", "deployment_name": "live"}
    assert client.deployments.predictions.create(**live, input={"prompt": "Hello"}).status == "starting"
    assert json.loads(run.calls.last.request.content) == {"input": {"prompt": "Hello"}}
    client.deployments.delete(**live)
    assert client.models.get(**named).latest_version.id == VERSION
    assert client.models.update(**named, description="Writes better.").description == "Writes better."
    assert json.loads(update.calls.last.request.content) == {"description": "Writes better."}
    assert client.models.versions.get(**named, version_id=VERSION).cog_version == "0.16.8"
    created = client.files.create(content=("notes.txt", b"hello", "text/plain"))
    assert created.urls.get == f"{API}/files/f1"
    assert b'name="content"; filename="notes.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n' in (
        upload.calls.last.request.content
    )
    assert client.search(query="writing").models == []


@pytest.mark.generation("2.0")
def test_v2_small_namespaces(api: respx.MockRouter) -> None:
    """The account, hardware, collections and the webhook secret can be read on the module."""
    shelf = {"slug": "text", "name": "Text", "description": "Writes"}
    api.get("/account").respond(200, json={"type": "organization", "username": "acme"})
    api.get("/hardware").respond(200, json=[{"sku": "cpu", "name": "CPU"}])
    api.get("/collections").respond(200, json=page(shelf))
    api.get("/collections/text").respond(200, json={**shelf, "models": [model()]})
    api.get("/webhooks/default/secret").respond(200, json={"key": "whsec_c2VjcmV0"})
    assert replicate.account.get().username == "acme"
    assert [each.sku for each in replicate.hardware.list()] == ["cpu"]
    assert [each.slug for each in replicate.collections.list()] == ["text"]
    assert [each.name for each in replicate.collections.get(collection_slug="text").models] == ["writer"]
    assert replicate.webhooks.default.secret.get().key == "whsec_c2VjcmV0"


@pytest.mark.generation("2.0")
@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "BadRequestError"),
        (401, "AuthenticationError"),
        (402, "APIStatusError"),
        (403, "PermissionDeniedError"),
        (404, "NotFoundError"),
        (422, "UnprocessableEntityError"),
    ],
)
def test_v2_refusals(api: respx.MockRouter, client: Any, status: int, name: str) -> None:
    """An API error raises the class of its status, with the response and its body."""
    api.post(RUN).respond(status, json=problem(status, "No."))
    with pytest.raises(getattr(replicate, name)) as raised:
        client.run("acme/writer", input={"prompt": "Hello"})
    assert isinstance(raised.value, replicate.ReplicateError)
    assert raised.value.status_code == status
    assert raised.value.response.status_code == status
    assert raised.value.body == problem(status, "No.")


@pytest.mark.generation("2.0")
def test_v2_rate_limit_is_waited_out(api: respx.MockRouter, naps: list[float], client: Any) -> None:
    """A create answered with 429 is sent again, unless the client has no retries."""
    limit = httpx.Response(429, json=problem(429, "Request was throttled."), headers={"Retry-After": "3"})
    route = api.post(RUN).mock(side_effect=[limit, httpx.Response(201, json=prediction(output="Hello")), limit])
    assert client.run("acme/writer", input={"prompt": "Hello"}) == "Hello"
    assert naps
    with pytest.raises(replicate.RateLimitError):
        client.with_options(max_retries=0).run("acme/writer", input={"prompt": "Hello"})
    assert route.call_count == 3


@pytest.mark.generation("2.0")
def test_v2_no_connection(api: respx.MockRouter, client: Any) -> None:
    """A failed connection raises APIConnectionError, and a late response raises APITimeoutError."""
    api.get("/predictions/p1").mock(side_effect=[httpx.ConnectError, httpx.ReadTimeout])
    once = client.with_options(max_retries=0)
    with pytest.raises(replicate.APIConnectionError):
        once.predictions.get(prediction_id="p1")
    with pytest.raises(replicate.APITimeoutError):
        once.predictions.get(prediction_id="p1")


@pytest.mark.generation("2.0")
def test_v2_raw_responses(api: respx.MockRouter, client: Any) -> None:
    """A raw response has the headers of the response, and the parsed object."""
    api.post("/predictions").respond(201, json=prediction("starting"), headers={"RateLimit-Remaining": "599"})
    response = client.predictions.with_raw_response.create(version=VERSION, input={"prompt": "Hello"})
    assert response.headers["RateLimit-Remaining"] == "599"
    assert response.status_code == 201
    assert response.parse().id == "p1"
