"""Uploads, input files and output files."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from replicate.local import ManualClock
from replicate.local.problems import NOT_FOUND

PNG = b"\x89PNG\r\n\x1a\nrest of the picture"
DAY = 24 * 3600


def read(file: Path) -> dict[str, str]:
    return {"name": file.name, "text": file.read_text()}


def give(suffix: str, folder: str) -> Path:
    path = Path(folder, f"my picture{suffix}")
    path.write_bytes(PNG)
    return path


def give_many(count: int) -> Iterator[bytes]:
    for number in range(count):
        yield PNG + bytes([number])


def give_all() -> dict[str, Any]:
    film = b"\0\0\0\x18ftypmp42"
    return {"pictures": [PNG, bytearray(b"GIF89a")], "sound": b"RIFF\0\0\0\0WAVE", "film": film, "other": b"?"}


def keep(file: Path) -> str:
    return str(file)


MODELS = {f"me/{each.__name__}": each for each in (read, give, give_many, give_all, keep)}


def upload(api: Any, content: bytes = b"hello", **fields: str) -> dict[str, Any]:
    answer = api.post("files", files={"content": ("hello.txt", content, "text/plain")}, data=fields)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_an_upload_is_described(api: Any) -> None:
    """The response has id, name, type, size, checksums, times and URL of the file."""
    record = upload(api)
    assert (record["name"], record["content_type"], record["size"]) == ("hello.txt", "text/plain", 5)
    assert record["checksums"]["sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert record["etag"] == record["checksums"]["md5"] == hashlib.md5(b"hello").hexdigest()
    assert record["metadata"] == {}
    assert record["urls"] == {"get": f"{api.srv.base_url}/files/{record['id']}"}
    assert api.get(record["urls"]["get"]).json() == record


def test_form_fields_set_name_and_type_of_an_upload(api: Any) -> None:
    """`filename`, `type` and `metadata` override the values of the part."""
    record = upload(api, filename="b.png", type="image/png", metadata='{"customer": 7}')
    assert (record["name"], record["content_type"], record["metadata"]) == ("b.png", "image/png", {"customer": 7})


@pytest.mark.parametrize(
    ("request_", "detail"),
    [
        ({"data": {"content": "text"}}, "Missing content"),
        ({"json": {}}, "Missing content"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, "Missing boundary"),
        ({"files": {"content": b"x"}, "data": {"metadata": "{"}}, "metadata is not valid JSON"),
        ({"files": {"content": b"x"}, "data": {"metadata": "[]"}}, "metadata must be a JSON object"),
    ],
)
def test_an_invalid_form_is_refused(api: Any, request_: dict[str, Any], detail: str) -> None:
    """The response is a problem that says what is wrong with the form."""
    answer = api.post("files", **request_)
    assert answer.status_code == 400
    assert detail in answer.json()["detail"]


def test_a_file_above_the_limit_is_refused(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of more than 100 MiB is a 413."""
    monkeypatch.setattr("replicate.local.routes.files._LARGEST", 4)
    answer = api.post("files", files={"content": b"12345"})
    assert (answer.status_code, answer.json()["title"]) == (413, "Payload too large")


def test_uploads_are_listed_and_deleted(serving: Any) -> None:
    """Uploads are listed newest first, in pages; a deleted one does not exist any more."""
    with serving(MODELS, page_size=2) as api:
        made = [upload(api, bytes([number]))["id"] for number in range(3)]
        first = api.get("files").json()
        second = api.get(first["next"]).json()
        assert [each["id"] for each in first["results"] + second["results"]] == made[::-1]
        assert api.get(second["previous"]).json() == first
        answer = api.delete(f"files/{made[1]}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert api.delete(f"files/{made[1]}").status_code == 404
        assert api.get(f"files/{made[1]}").status_code == 404
        assert [each["id"] for each in api.get("files").json()["results"]] == [made[2], made[0]]


def test_an_upload_is_downloaded_by_signature(serving: Any) -> None:
    """A signed URL returns the content without a token until it expires; a forged one is a 404."""
    clock = ManualClock()
    with serving(MODELS, clock=clock) as api:
        record = upload(api)
        expiry = int(clock.now().timestamp()) + 60
        url = api.srv.download_url(record["id"], expiry)
        answer = httpx.get(url)
        assert answer.content == b"hello"
        assert answer.headers["content-type"].startswith("text/plain")
        accepted = [httpx.get(url, headers={"Accept": kind}).status_code for kind in ("text/*", "application/json")]
        assert accepted == [200, 406]
        assert 'filename="hello.txt"' in answer.headers["content-disposition"]
        plain = url.partition("?")[0]
        forged = [url.replace(str(expiry), str(expiry + 1)), url.replace("owner=local", "owner=you"), plain]
        assert [httpx.get(each).status_code for each in forged] == [404] * 3
        clock.advance(61)
        assert httpx.get(url).status_code == 404


def test_an_upload_exists_for_a_day(serving: Any) -> None:
    """An upload is removed after 24 hours."""
    clock = ManualClock()
    with serving(MODELS, clock=clock) as api:
        record = upload(api)
        clock.advance(DAY - 1)
        assert api.get(record["urls"]["get"]).status_code == 200
        clock.advance(1)
        assert api.get(record["urls"]["get"]).status_code == 404


def test_a_model_reads_a_data_url(api: Any) -> None:
    """A `data:` input becomes a file with a matching suffix."""
    assert api.run("me/read", {"file": "data:text/plain;base64,aGk="})["output"] == {"name": "file.txt", "text": "hi"}
    assert api.run("me/read", {"file": "data:,a%20b"})["output"]["text"] == "a b"


def test_a_model_reads_an_upload(api: Any) -> None:
    """The URL of an upload, with any name of this machine, becomes the file without a request."""
    url = upload(api)["urls"]["get"]
    signed = api.srv.download_url(url.rpartition("/")[2], 2**33)
    names = [url.replace("127.0.0.1", name) for name in ("localhost", "me.localhost")]
    for address in (url, *names, url.replace("/v1", ""), signed):
        before = len(api.srv.requests)
        assert api.run("me/read", {"file": address})["output"] == {"name": "hello.txt", "text": "hello"}
        assert len(api.srv.requests) == before + 2  # the version and the prediction


def test_a_model_reads_the_output_of_a_model(api: Any, tmp_path: Path) -> None:
    """An output file can be the input of the next model."""
    url = api.run("me/give", {"suffix": ".png", "folder": str(tmp_path)})["output"]
    assert api.run("me/read", {"file": url})["error"].startswith("'utf-8' codec can't decode byte 0x89")
    assert api.run("me/keep", {"file": url})["output"].endswith("my picture.png")


def test_a_model_reads_from_another_host(api: Any, serving: Any) -> None:
    """A URL of another host is downloaded; here the host is a second server."""
    with serving(MODELS) as other:
        url = other.run("me/give_all")["output"]["other"]
        assert api.run("me/read", {"file": url})["output"] == {"name": "output.bin", "text": "?"}
        failed = api.run("me/read", {"file": url + "x"})
    assert failed["status"] == "failed"
    assert api.run("me/read", {"file": f"{api.srv.base_url}/nothing/at/all"})["status"] == "failed"
    assert f"the file {url}x could not be downloaded: Client error '404 Not Found'" in failed["error"]


def test_only_urls_of_this_machine_are_the_servers_own(api: Any) -> None:
    """The same path on another host is not a file of the server."""
    path = urlsplit(upload(api)["urls"]["get"]).path
    assert api.srv.cloud.files.behind(f"http://127.0.0.1{path}")
    assert api.srv.cloud.files.behind(f"https://example.com{path}") is None


def test_input_files_are_removed_after_the_prediction(api: Any) -> None:
    """Files written for a prediction are removed when it has ended."""
    path = Path(api.run("me/keep", {"file": "data:,x"})["output"])
    assert not path.parent.exists()


def test_a_broken_data_url_fails(api: Any) -> None:
    """A `data:` URL without a comma fails the prediction."""
    prediction = api.run("me/read", {"file": "data:nothing"})
    assert (prediction["status"], "has a comma" in prediction["error"]) == ("failed", True)


@pytest.mark.parametrize(
    ("suffix", "media_type"), [(".png", "image/png"), (".webp", "image/webp"), ("", "image/png"), (".zzz", "image/png")]
)
def test_an_output_file_has_a_url(api: Any, tmp_path: Path, suffix: str, media_type: str) -> None:
    """A returned path becomes the public URL of a copy, with a type derived from its name or content."""
    url = api.run("me/give", {"suffix": suffix, "folder": str(tmp_path)})["output"]
    assert url.startswith(f"{api.srv.base_url.removesuffix('/v1')}/delivery/")
    assert len(urlsplit(url).path.split("/")[2]) >= 32
    (tmp_path / f"my picture{suffix}").unlink()
    answer = httpx.get(url)
    assert (answer.content, answer.headers["content-type"]) == (PNG, media_type)


def test_a_part_of_an_output_file_can_be_fetched(api: Any) -> None:
    """Range requests work, so that an interrupted download can resume."""
    url = api.run("me/give_many", {"count": 1})["output"][0]
    answer = httpx.get(url, headers={"range": "bytes=1-3"})
    assert (answer.status_code, answer.content) == (206, b"PNG")


def test_a_range_is_sent_only_of_the_same_file(api: Any) -> None:
    """A range is sent only if `If-Range` matches, otherwise the whole file; a range beyond the end is a 416."""
    url = api.run("me/give_many", {"count": 1})["output"][0]
    head = httpx.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(PNG) + 1))
    for validator in (head.headers["etag"], head.headers["last-modified"]):
        assert httpx.get(url, headers={"range": "bytes=1-3", "if-range": validator}).status_code == 206
    for other in ('"another"', f"W/{head.headers['etag']}"):
        answer = httpx.get(url, headers={"range": "bytes=1-3", "if-range": other})
        assert (answer.status_code, answer.content) == (200, PNG + b"\0")
    beyond = httpx.get(url, headers={"range": "bytes=1000-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(PNG) + 1}")


def test_an_output_file_is_removed_after_an_hour(serving: Any) -> None:
    """An output file is removed after an hour of the server's clock."""
    clock = ManualClock()
    with serving(MODELS, clock=clock) as api:
        url = api.run("me/give_many", {"count": 1})["output"][0]
        clock.advance(3599)
        assert httpx.get(url).status_code == 200
        clock.advance(1)
        assert httpx.get(url).status_code == 404
        assert not [path for path in api.srv.cloud.files._deliveries.rglob("*") if path.is_file()]


def test_files_inside_an_output_have_urls(api: Any) -> None:
    """Bytes in lists, dictionaries and generators become files too, named after their content type."""
    output = api.run("me/give_all")["output"]
    names = [url.rpartition("/")[2] for url in (*output["pictures"], output["sound"], output["film"])]
    assert names == ["output.png", "output.gif", "output.wav", "output.mp4"]
    assert output["other"].endswith("/output.bin")
    assert httpx.get(output["sound"]).headers["content-type"] == "audio/wav"
    items = api.run("me/give_many", {"count": 2})["output"]
    assert [httpx.get(url).content[-1] for url in items] == [0, 1]


@pytest.mark.parametrize("path", ["%2e%2e/replicate.db", "../x", "x/..", "x/.", "{folder}/..%2f..%2fuploads"])
def test_a_delivery_url_leads_nowhere_else(api: Any, path: str) -> None:
    """Only output files can be fetched."""
    folder = api.run("me/give_all")["output"]["other"].split("/")[-2]
    url = f"{api.srv.base_url.removesuffix('/v1')}/delivery/{path.format(folder=folder)}"
    assert httpx.get(url).status_code in {401, 404}


ODD = ("%00", "a%00b", "%0d%0a", "%1b", "x" * 300, "x" * 5000, "%ff", "%ed%a0%80", "%2e%2e")


@pytest.mark.parametrize("path", ["{}", "{}/x", "x/{}", "{folder}/{}", "{}/output.bin"])
def test_a_delivery_url_that_no_file_can_have(api: Any, path: str) -> None:
    """A name that no file can have, such as one with a null character or a very long one, is a 404."""
    folder = api.run("me/give_all")["output"]["other"].split("/")[-2]
    for name in ODD:
        url = f"{api.srv.base_url.removesuffix('/v1')}/delivery/{path.format(name, folder=folder)}"
        answer = httpx.get(url)
        assert (answer.status_code, answer.json()["detail"]) == (404, NOT_FOUND), name


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"\\udfff": 1}', '{"a": ' + "[" * 5000 + "]" * 5000 + "}"])
def test_json_that_cannot_be_sent_back_is_refused(api: Any, text: str) -> None:
    """A lone surrogate has no UTF-8, and a value may be nested too deeply: neither makes the server fail."""
    answer = api.post("files", files={"content": b"x"}, data={"metadata": text})
    assert (answer.status_code, "metadata is not valid JSON" in answer.text) == (400, True)
    for path in ("predictions", "models", "deployments"):
        answer = api.post(path, content=text, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.json()["title"]) == (400, "Invalid request body")


@pytest.mark.parametrize("kind", ["a\r\nx-evil: 1", "日本", "a\x1bb", "\x00"])
def test_a_media_type_that_no_header_can_carry(api: Any, kind: str) -> None:
    """The content of such an upload is sent as unknown content."""
    record = upload(api, type=kind)
    answer = httpx.get(api.srv.download_url(record["id"], 2**33))
    assert (record["content_type"], answer.status_code, answer.content) == (kind, 200, b"hello")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "x-evil" not in answer.headers
