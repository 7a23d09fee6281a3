"""Tests as users write them with pytest-httpx: each response is used once, all must be used, and no others.

With `match_content`, the body must match byte for byte, with its keys in the order of the published client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from payloads import API, SSE, VERSION, WORDS, deployment, file, model, page, prediction, problem, training, version

import replicate

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_httpx import HTTPXMock

RUN = f"{API}/models/acme/writer/predictions"
HOOK = "https://example.com/hook"


# Both generations


@pytest.mark.generation("1.x", "2.0")
def test_run_by_name(httpx_mock: HTTPXMock) -> None:
    """A run by name is one POST of exactly these bytes."""
    httpx_mock.add_response(
        method="POST",
        url=RUN,
        match_headers={"Authorization": "Bearer r8_test", "Prefer": "wait", "Content-Type": "application/json"},
        match_content='{"input":{"prompt":"Café ☕","steps":4,"scale":1.0,"tags":["a","b"],"seed":null}}'.encode(),
        status_code=201,
        json=prediction(output="Hello, world"),
    )
    inputs = {"prompt": "Café ☕", "steps": 4, "scale": 1.0, "tags": ["a", "b"], "seed": None}
    assert replicate.run("acme/writer", input=inputs) == "Hello, world"


@pytest.mark.generation("1.x", "2.0")
def test_run_by_name_that_takes_its_time(httpx_mock: HTTPXMock, naps: list[float]) -> None:
    """Each state of a prediction is fetched once."""
    httpx_mock.add_response(method="POST", url=RUN, status_code=201, json=prediction("starting"))
    httpx_mock.add_response(method="GET", url=f"{API}/predictions/p1", json=prediction("processing"))
    httpx_mock.add_response(method="GET", url=f"{API}/predictions/p1", json=prediction(output=["a", "b"]))
    assert replicate.run("acme/writer", input={"prompt": "Hello"}) == ["a", "b"]
    assert [request.method for request in httpx_mock.get_requests()] == ["POST", "GET", "GET"]


@pytest.mark.generation("1.x", "2.0")
def test_run_gives_a_file(httpx_mock: HTTPXMock, tmp_path: Path) -> None:
    """A file is written in chunks."""
    url = "https://replicate.delivery/xezq/httpx/out.webp"
    httpx_mock.add_response(method="POST", url=RUN, status_code=201, json=prediction(output=url))
    httpx_mock.add_response(method="GET", url=url, content=b"RIFF....WEBP")
    output = replicate.run("acme/writer", input={"prompt": "Hello"})
    target = tmp_path / "out.webp"
    with target.open("wb") as content:
        for piece in output:
            content.write(piece)
    assert target.read_bytes() == b"RIFF....WEBP"


@pytest.mark.generation("1.x", "2.0")
def test_run_with_a_data_uri(httpx_mock: HTTPXMock, tmp_path: Path) -> None:
    """With `file_encoding_strategy="base64"` a file is sent in the input, and nothing is uploaded."""
    path = tmp_path / "notes.txt"
    path.write_bytes(b"hello")
    httpx_mock.add_response(
        method="POST",
        url=RUN,
        match_content=b'{"input":{"file":"data:text/plain;base64,aGVsbG8="}}',
        status_code=201,
        json=prediction(output="data:text/plain;base64,aGVsbG8="),
    )
    with path.open("rb") as content:
        output = replicate.run("acme/writer", input={"file": content}, file_encoding_strategy="base64")
    assert output.read() == b"hello"


@pytest.mark.generation("1.x", "2.0")
def test_run_by_version_with_an_optional_lookup(httpx_mock: HTTPXMock) -> None:
    """A run by version of a list passes with an optional GET of the version."""
    httpx_mock.add_response(
        method="GET", url=f"{API}/models/acme/writer/versions/{VERSION}", json=version(WORDS), is_optional=True
    )
    httpx_mock.add_response(
        method="POST", url=f"{API}/predictions", status_code=201, json=prediction(output=["Hello", " world"])
    )
    output = replicate.run(f"acme/writer:{VERSION}", input={"prompt": "Hello"})
    assert "".join(output) == "Hello world"


@pytest.mark.httpx_mock(assert_all_requests_were_expected=False)
@pytest.mark.generation("2.0")
def test_run_by_version_with_unexpected_requests(httpx_mock: HTTPXMock, naps: list[float]) -> None:
    """If unexpected requests are allowed, a run by version of a list needs only its POST."""
    httpx_mock.add_response(
        method="POST", url=f"{API}/predictions", status_code=201, json=prediction(output=["Hello", " world"])
    )
    output = replicate.run(f"acme/writer:{VERSION}", input={"prompt": "Hello"})
    assert "".join(output) == "Hello world"


# 1.x


@pytest.mark.generation("1.x")
def test_v1_create_by_version(httpx_mock: HTTPXMock) -> None:
    """The version comes after the input, and the options after both, in version 1's order rather than the call's."""
    httpx_mock.add_response(
        method="POST",
        url=f"{API}/predictions",
        match_headers={"Prefer": "wait=7"},
        match_content=(
            f'{{"input":{{"prompt":"Hello"}},"version":"{VERSION}","webhook":"{HOOK}",'
            '"webhook_events_filter":["start","completed"],"stream":true}'
        ).encode(),
        status_code=201,
        json=prediction("starting"),
    )
    started = replicate.predictions.create(
        stream=True,
        wait=7,
        webhook_events_filter=["start", "completed"],
        webhook=HOOK,
        version=VERSION,
        input={"prompt": "Hello"},
    )
    assert started.status == "starting"


@pytest.mark.generation("1.x")
def test_v1_create_by_model_and_deployment(httpx_mock: HTTPXMock) -> None:
    """A model or a deployment is in the path only."""
    body = f'{{"input":{{"prompt":"Hello"}},"webhook":"{HOOK}","webhook_events_filter":["completed"]}}'.encode()
    options: dict[str, Any] = {"webhook": HOOK, "webhook_events_filter": ["completed"]}
    for place in ("models/acme/writer", "deployments/acme/live"):
        httpx_mock.add_response(
            method="POST",
            url=f"{API}/{place}/predictions",
            match_content=body,
            status_code=201,
            json=prediction("starting"),
        )
    for named in ({"model": "acme/writer"}, {"deployment": "acme/live"}):
        assert replicate.predictions.create(**named, input={"prompt": "Hello"}, **options).id == "p1"


@pytest.mark.generation("1.x")
def test_v1_stream(httpx_mock: HTTPXMock) -> None:
    """A stream of words is one create, with `stream` after the input, and one GET of the events."""
    httpx_mock.add_response(
        method="POST",
        url=RUN,
        match_content=b'{"input":{"prompt":"Hello"},"stream":true}',
        status_code=201,
        json=prediction("starting"),
    )
    httpx_mock.add_response(
        method="GET",
        url="https://stream.replicate.com/v1/files/p1",
        match_headers={"Accept": "text/event-stream", "Cache-Control": "no-store"},
        headers={"Content-Type": "text/event-stream"},
        content=SSE,
    )
    text = "".join(str(event) for event in replicate.stream("acme/writer", input={"prompt": "Hello"}))
    assert text == "Hello world"


@pytest.mark.generation("1.x")
@pytest.mark.anyio
async def test_v1_async_run(httpx_mock: HTTPXMock) -> None:
    """`replicate.async_run` sends the same bytes."""
    httpx_mock.add_response(
        method="POST",
        url=RUN,
        match_headers={"Prefer": "wait"},
        match_content=b'{"input":{"prompt":"Hello"}}',
        status_code=201,
        json=prediction(output="Hello, world"),
    )
    client = replicate.Client(api_token="r8_mine")
    assert await client.async_run("acme/writer", input={"prompt": "Hello"}) == "Hello, world"


@pytest.mark.generation("1.x")
def test_v1_training(httpx_mock: HTTPXMock) -> None:
    """The body of a training is its input, destination and webhook, in this order."""
    httpx_mock.add_response(
        method="POST",
        url=f"{API}/models/acme/writer/versions/{VERSION}/trainings",
        match_content=f'{{"input":{{"steps":3}},"destination":"acme/mine","webhook":"{HOOK}"}}'.encode(),
        status_code=201,
        json=training(),
    )
    httpx_mock.add_response(method="GET", url=f"{API}/trainings/t1", json=training("succeeded"))
    job = replicate.trainings.create(
        version=f"acme/writer:{VERSION}", input={"steps": 3}, destination="acme/mine", webhook=HOOK
    )
    job.reload()
    assert job.status == "succeeded"


@pytest.mark.generation("1.x")
def test_v1_deployments_and_models(httpx_mock: HTTPXMock) -> None:
    """A deployment's body has the order of the call, and a model's that of version 1."""
    httpx_mock.add_response(
        method="POST",
        url=f"{API}/deployments",
        match_content=(
            f'{{"name":"live","model":"acme/writer","version":"{VERSION}",'
            '"hardware":"gpu-t4","min_instances":0,"max_instances":1}'
        ).encode(),
        status_code=201,
        json=deployment(),
    )
    httpx_mock.add_response(
        method="POST",
        url=f"{API}/models",
        match_content=b'{"owner":"acme","name":"writer","visibility":"private","hardware":"cpu","description":"Writes."}',
        status_code=201,
        json=model(),
    )
    replicate.deployments.create(
        name="live",
        model="acme/writer",
        version=VERSION,
        hardware="gpu-t4",
        min_instances=0,
        max_instances=1,
    )
    replicate.models.create("acme", "writer", hardware="cpu", visibility="private", description="Writes.")


@pytest.mark.differs("the file's name and type are also sent as separate parts")
@pytest.mark.generation("1.x")
def test_v1_file(httpx_mock: HTTPXMock, tmp_path: Path) -> None:
    """An uploaded file is one multipart body: the metadata, then the content with its name and type."""
    path = tmp_path / "notes.bin"
    path.write_bytes(b"hello")
    httpx_mock.add_response(method="POST", url=f"{API}/files", status_code=201, json=file())
    with path.open("rb") as content:
        replicate.files.create(content, filename="a.txt", content_type="text/plain", metadata={"customer": 7})
    sent = httpx_mock.get_request()
    assert sent is not None
    boundary = sent.headers["Content-Type"].partition("boundary=")[2]
    assert sent.content.decode().replace(boundary, "X") == (
        '--X\r\nContent-Disposition: form-data; name="metadata"\r\n\r\n{"customer": 7}\r\n'
        '--X\r\nContent-Disposition: form-data; name="content"; filename="a.txt"\r\n'
        "Content-Type: text/plain\r\n\r\nhello\r\n--X--\r\n"
    )


@pytest.mark.generation("1.x")
def test_v1_not_found(httpx_mock: HTTPXMock) -> None:
    """A missing model is requested once."""
    from replicate.exceptions import ReplicateError

    httpx_mock.add_response(url=f"{API}/models/acme/none", status_code=404, json=problem(404, "Not found."))
    with pytest.raises(ReplicateError, match=r"status: 404\ndetail: Not found\."):
        replicate.models.get("acme/none")


@pytest.mark.generation("1.x")
@pytest.mark.differs(
    "after a 500 the client looks for the prediction that the create may have started: mock `GET /predictions` too"
)
def test_v1_create_that_breaks(httpx_mock: HTTPXMock, naps: list[float]) -> None:
    """A create answered with 500 raises its error, as in version 1, and the user decides what it has started."""
    from replicate.exceptions import ReplicateException

    httpx_mock.add_response(method="POST", url=RUN, status_code=500, json=problem(500, "Internal server error"))
    with pytest.raises(ReplicateException):
        replicate.run("acme/writer", input={"prompt": "Hello"})
    assert len(httpx_mock.get_requests()) == 1


@pytest.mark.generation("1.x")
@pytest.mark.differs("a failed GET is retried, as in 2.0: add `is_reusable=True`")
def test_v1_get_that_breaks(httpx_mock: HTTPXMock, naps: list[float]) -> None:
    """A GET answered with 500 is not retried, as in version 1."""
    from replicate.exceptions import ReplicateError

    httpx_mock.add_response(url=f"{API}/predictions/p1", status_code=500, json=problem(500, "Internal server error"))
    with pytest.raises(ReplicateError):
        replicate.predictions.get("p1")
    assert len(httpx_mock.get_requests()) == 1


# 2.0


@pytest.fixture
def client() -> Any:
    with replicate.Replicate(bearer_token="r8_mine") as made:
        yield made


@pytest.mark.generation("2.0")
def test_v2_run_by_version(httpx_mock: HTTPXMock, client: Any) -> None:
    """A run by version whose text comes at once is one POST, with the version after the input."""
    httpx_mock.add_response(
        method="POST",
        url=f"{API}/predictions",
        match_headers={"Authorization": "Bearer r8_mine", "Prefer": "wait"},
        match_content=f'{{"input":{{"prompt":"Hello"}},"version":"{VERSION}"}}'.encode(),
        status_code=201,
        json=prediction(output="Hello, world"),
    )
    assert client.run(f"acme/writer:{VERSION}", input={"prompt": "Hello"}) == "Hello, world"


@pytest.mark.differs("the client looks up whether the output is an iterator: add that GET with `is_optional=True`")
@pytest.mark.generation("2.0")
def test_v2_run_by_version_in_pieces(httpx_mock: HTTPXMock, naps: list[float], client: Any) -> None:
    """A run by version whose output is a list is one POST."""
    httpx_mock.add_response(
        method="POST", url=f"{API}/predictions", status_code=201, json=prediction(output=["Hello", " world"])
    )
    output = client.run(f"acme/writer:{VERSION}", input={"prompt": "Hello"})
    assert "".join(output) == "Hello world"
    assert len(httpx_mock.get_requests()) == 1


@pytest.mark.differs("the client looks up whether the output is an iterator: add that GET with `is_optional=True`")
@pytest.mark.generation("2.0")
def test_v2_run_by_version_that_takes_its_time(httpx_mock: HTTPXMock, naps: list[float], client: Any) -> None:
    """A run by version that takes longer is one POST and GETs of the prediction."""
    httpx_mock.add_response(method="POST", url=f"{API}/predictions", status_code=201, json=prediction("starting"))
    httpx_mock.add_response(url=f"{API}/predictions/p1", json=prediction(output="Hello"))
    assert client.run(f"acme/writer:{VERSION}", input={"prompt": "Hello"}) == "Hello"
    assert len(httpx_mock.get_requests()) == 2


@pytest.mark.generation("2.0")
def test_v2_create(httpx_mock: HTTPXMock, client: Any) -> None:
    """The bodies of predictions of models and deployments are the input and the webhook."""
    body = f'{{"input":{{"prompt":"Hello"}},"webhook":"{HOOK}","webhook_events_filter":["completed"]}}'.encode()
    for place in ("models/acme/writer", "deployments/acme/live"):
        httpx_mock.add_response(
            method="POST",
            url=f"{API}/{place}/predictions",
            match_content=body,
            status_code=201,
            json=prediction("starting"),
        )
    options: dict[str, Any] = {"input": {"prompt": "Hello"}, "webhook": HOOK, "webhook_events_filter": ["completed"]}
    assert client.models.predictions.create(model_owner="acme", model_name="writer", **options).id == "p1"
    assert client.deployments.predictions.create(deployment_owner="acme", deployment_name="live", **options).id == "p1"


@pytest.mark.differs("the keys of a body are in the order of 1.x")
@pytest.mark.generation("2.0")
def test_v2_training(httpx_mock: HTTPXMock, client: Any, naps: list[float]) -> None:
    """The body of a training is its destination, input and webhook, in this order."""
    httpx_mock.add_response(
        method="POST",
        url=f"{API}/models/acme/writer/versions/{VERSION}/trainings",
        match_content=f'{{"destination":"acme/mine","input":{{"steps":3}},"webhook":"{HOOK}"}}'.encode(),
        status_code=201,
        json=training(),
    )
    job = client.trainings.create(
        model_owner="acme",
        model_name="writer",
        version_id=VERSION,
        destination="acme/mine",
        input={"steps": 3},
        webhook=HOOK,
    )
    assert job.id == "t1"


@pytest.mark.differs("`use` requests only the model, and lets the API hold its answer: mock no list of versions")
@pytest.mark.generation("2.0")
def test_v2_use(httpx_mock: HTTPXMock, naps: list[float]) -> None:
    """`use` sends only a GET of the model, a GET of its versions, the create and GETs of the prediction."""
    httpx_mock.add_response(method="GET", url=f"{API}/models/acme/writer", json=model(WORDS))
    httpx_mock.add_response(method="GET", url=f"{API}/models/acme/writer/versions", json=page(version(WORDS)))
    httpx_mock.add_response(
        method="POST",
        url=f"{API}/predictions",
        match_content=f'{{"input":{{"prompt":"Hello"}},"version":"{VERSION}"}}'.encode(),
        status_code=201,
        json=prediction("starting"),
    )
    httpx_mock.add_response(url=f"{API}/predictions/p1", json=prediction("processing", ["Hello"]))
    httpx_mock.add_response(url=f"{API}/predictions/p1", json=prediction(output=["Hello", " world"]))
    pieces = list(replicate.use("acme/writer", streaming=True)(prompt="Hello"))
    assert pieces == ["Hello", " world"]


@pytest.mark.generation("2.0")
@pytest.mark.anyio
async def test_v2_async_run(httpx_mock: HTTPXMock) -> None:
    """An asynchronous run is one POST, and one GET when its file is read."""
    url = "https://replicate.delivery/xezq/httpx-async/out.webp"
    httpx_mock.add_response(method="POST", url=RUN, status_code=201, json=prediction(output=[url]))
    httpx_mock.add_response(method="GET", url=url, content=b"RIFF....WEBP")
    async with replicate.AsyncReplicate(bearer_token="r8_mine") as client:
        output = await client.run("acme/writer", input={"prompt": "Hello"})
        assert await output[0].read() == b"RIFF....WEBP"


@pytest.mark.generation("2.0")
def test_v2_pages(httpx_mock: HTTPXMock, client: Any) -> None:
    """Each page of a list is fetched once, with the filters of the first."""
    httpx_mock.add_response(
        url=f"{API}/models?sort_by=model_created_at&sort_direction=desc",
        json=page(model(), after=f"{API}/models?sort_by=model_created_at&sort_direction=desc&cursor=two"),
    )
    httpx_mock.add_response(
        url=f"{API}/models?sort_by=model_created_at&sort_direction=desc&cursor=two", json=page(model(name="painter"))
    )
    found = client.models.list(sort_by="model_created_at", sort_direction="desc")
    assert [each.name for each in found] == ["writer", "painter"]


@pytest.mark.generation("2.0")
def test_v2_retries(httpx_mock: HTTPXMock, naps: list[float], client: Any) -> None:
    """A GET is retried after a connection error, a server error and a rate limit."""
    httpx_mock.add_exception(httpx.ConnectError("no route"))
    httpx_mock.add_response(status_code=503)
    httpx_mock.add_response(url=f"{API}/predictions/p1", json=prediction())
    assert client.predictions.get(prediction_id="p1").status == "succeeded"
    assert len(naps) == 2


@pytest.mark.generation("2.0")
def test_v2_errors(httpx_mock: HTTPXMock, client: Any) -> None:
    """Without retries an error is raised after one request."""
    once = client.with_options(max_retries=0)
    httpx_mock.add_response(status_code=429, json=problem(429, "Request was throttled."))
    httpx_mock.add_response(status_code=500, text="oops")
    httpx_mock.add_exception(httpx.ReadTimeout("slow"))
    for error in (replicate.RateLimitError, replicate.InternalServerError, replicate.APITimeoutError):
        with pytest.raises(error):
            once.models.get(model_owner="acme", model_name="writer")
