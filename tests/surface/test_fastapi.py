"""FastAPI responds with the public data of the API's objects, with and without a declared response type."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Annotated, Any

import anyio.from_thread
import httpx
import pytest
from fastapi import Body, Depends, FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.testclient import TestClient

import replicate
from replicate import FileOutput, OutputList, Page, Prediction
from replicate._outputs.file_string import FileString

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "r8_kept_to_oneself"
URL = "https://replicate.delivery/out.png"
SENT = {
    "id": "p1",
    "status": "succeeded",
    "created_at": "2026-11-01T10:00:00Z",
    "urls": {"get": "https://api.replicate.com/v1/predictions/p1"},
    "output": [URL],
}
LIST = {"next": "https://api.replicate.com/v1/predictions?cursor=x", "previous": None, "results": [SENT]}


def answer(request: httpx.Request) -> httpx.Response:
    assert "cursor" not in request.url.params, "an encoder walked on to the next page"
    assert request.url.host == "api.replicate.com", "an encoder downloaded a file"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    return httpx.Response(200, json=LIST if str(request.url).endswith("v1/predictions") else SENT)


CLIENT = replicate.Client(api_token=TOKEN, transport=httpx.MockTransport(answer))
app = FastAPI()
http = TestClient(app)


def prediction() -> Any:
    return CLIENT.predictions.get("p1")


def files() -> Any:
    return [FileOutput(URL, CLIENT), FileOutput(URL, CLIENT)]


def output() -> Any:
    return OutputList([FileOutput(URL, CLIENT), "text"])


def page() -> Any:
    return CLIENT.predictions.list()


@app.get("/typed/prediction")
def typed_prediction() -> Prediction:
    found: Prediction = prediction()
    return found


@app.get("/typed/files")
def typed_files() -> list[FileOutput]:
    return files()  # type: ignore[no-any-return]


@app.get("/typed/output")
def typed_output() -> OutputList:
    return output()  # type: ignore[no-any-return]


@app.get("/typed/page")
def typed_page() -> Page[Any, Prediction]:
    return page()  # type: ignore[no-any-return]


@app.get("/model/prediction", response_model=Prediction)
def modelled_prediction() -> Any:
    return prediction()


for name, make in (("prediction", prediction), ("files", files), ("output", output), ("page", page)):
    app.get(f"/untyped/{name}")(make)
    app.get(f"/bare/{name}", response_model=None)(make)


@app.post("/given")
def given(wanted: Annotated[Prediction, Body()], file: Annotated[FileOutput, Body()]) -> dict[str, Any]:
    return {"id": wanted.id, "url": file.url, "kinds": [type(wanted).__name__, type(file).__name__]}


@app.post("/found")
def found(each: Annotated[Prediction, Depends(CLIENT.predictions.get)]) -> str:
    return each.id


def paint(prompt: str) -> str:
    return str(CLIENT.run("owner/model", input={"prompt": prompt})[0])


@app.post("/painted")
def painted(picture: Annotated[str, Depends(paint)]) -> str:
    return picture


def read(path: str) -> Any:
    response = http.get(path)
    assert response.status_code == 200, response.text
    assert TOKEN not in response.text
    return response.json()


@pytest.mark.parametrize("path", ["/typed/prediction", "/model/prediction", "/untyped/prediction", "/bare/prediction"])
def test_a_prediction(path: str) -> None:
    """A prediction is returned as its fields."""
    data = read(path)
    at = data.pop("created_at")
    assert at in (SENT["created_at"], "2026-11-01T10:00:00+00:00")
    assert {name: data[name] for name in SENT if name in data} == {k: v for k, v in SENT.items() if k != "created_at"}
    assert {*data} >= {"logs", "metrics", "version"}
    assert not [name for name in data if name.startswith("_")]


@pytest.mark.parametrize(("path", "file"), [("typed", URL), ("untyped", URL), ("bare", {"url": URL})])
def test_files(path: str, file: Any) -> None:
    """A file is returned as its URL; without any response model, as an object with the URL only."""
    assert read(f"/{path}/files") == [file, file]
    assert read(f"/{path}/output") == [file, "text"]


@pytest.mark.parametrize("path", ["typed", "untyped", "bare"])
def test_a_page(path: str) -> None:
    """A page is returned as its results and the URL of the next page, which is not fetched."""
    data = read(f"/{path}/page")
    assert {*data} == {"next", "previous", "results"}
    assert data["next"] == LIST["next"]
    assert [each["id"] for each in data["results"]] == ["p1"]


def test_a_body() -> None:
    """A request body can hold objects."""
    response = http.post("/given", json={"wanted": SENT, "file": URL})
    assert response.json() == {"id": "p1", "url": URL, "kinds": ["Prediction", "FileOutput"]}
    assert http.post("/given", json={"wanted": 3, "file": "text"}).status_code == 422


def test_a_method_as_a_dependency() -> None:
    """A client's method can be a dependency; its parameters come from the query, or from the body if objects."""
    for response in (http.post("/found", json={"prediction": "p1"}), http.post("/found?prediction_id=p1&timeout=3")):
        assert (response.status_code, response.json()) == (200, "p1")
    assert http.post("/found?prediction_id=p1&timeout=soon").status_code == 422


def test_a_function_of_ones_own_takes_no_options(tmp_path: Path) -> None:
    """Additional parameters of a request do not reach the options of `run`, as docs/security.md recommends."""
    options: Any = {"save_to": str(tmp_path / "theirs"), "extra_headers": '{"Authorization": "Bearer r8_theirs"}'}
    response = http.post("/painted", params={"prompt": "a boat", **options}, json=options)
    assert (response.status_code, response.json()) == (200, URL)
    assert not (tmp_path / "theirs").exists()
    said = read("/openapi.json")["paths"]["/painted"]["post"]
    assert [each["name"] for each in said["parameters"]] == ["prompt"]
    assert "requestBody" not in said


def test_the_document_of_the_application() -> None:
    """OpenAPI describes the types that the endpoints return."""
    paths = read("/openapi.json")["paths"]
    content = paths["/typed/prediction"]["get"]["responses"]["200"]["content"]
    assert content["application/json"]["schema"]["properties"]["id"] == {"type": "string"}


def test_encoders_that_inspect_objects() -> None:
    """`dict(…)` of an object, which encoders try first, has public data only."""
    file = FileOutput(URL, CLIENT)
    assert dict(file) == {"url": URL} == jsonable_encoder(file)
    assert {*dict(page())} == {"next", "previous", "results"}
    assert jsonable_encoder(FileString(URL)) == URL
    assert not hasattr(FileString(URL), "keys")
    for made in (prediction(), page(), output(), files(), prediction().urls):
        assert TOKEN not in json.dumps(jsonable_encoder(made))
    with pytest.raises(KeyError):
        file["_bound"]
    with pytest.raises(KeyError):
        page()["_bound"]


@pytest.mark.parametrize("make", [prediction, page, files])
def test_an_encoder_that_reads_private_attributes(make: Any) -> None:
    """An encoder that uses `vars` fails at the session, and does not reveal private attributes."""
    with pytest.raises(TypeError):
        json.dumps(make(), default=vars)


def test_endpoints_that_take_all_threads() -> None:
    """Forty plain `def` endpoints, which take all threads of FastAPI, can wait for an asynchronous client at once."""
    client = replicate.AsyncReplicate(bearer_token=TOKEN)
    file, busy = FileOutput("data:text/plain,hello", client), threading.Barrier(40)
    crowded = FastAPI()

    async def content() -> bytes:
        with anyio.fail_after(20):
            found: bytes = await file.read()
        return found

    @crowded.get("/")
    def waiting() -> str:
        busy.wait(20)
        return anyio.from_thread.run(content).decode()

    async def main() -> None:
        async def visit() -> None:
            assert (await visitor.get("/")).json() == "hello"

        transport = httpx.ASGITransport(crowded)
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://test") as visitor,
            anyio.create_task_group() as group,
        ):
            for _ in range(40):
                group.start_soon(visit)

    anyio.run(main)
