"""`client.models`, `client.models.versions` and `client.files`."""

from __future__ import annotations

import hashlib
import io
import tempfile
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from support.colours import each, got

from replicate import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "name", [("me/official",), ("me", "official"), ("https://replicate.com/me/official",), (("me", "official"),)]
)
async def test_get_a_model(client: Any, name: Any) -> None:
    """A model is named by "owner/name", by owner and name, or by its web address."""
    found = await got(client.models.get(*name))
    assert (found.id, found.owner, found.name, found.is_official) == ("me/official", "me", "official", True)
    assert found.latest_version.openapi_schema["components"]["schemas"]["Input"]


@pytest.mark.parametrize("name", ["official", "me/official/more", "", "me/official:" + "0" * 64])
async def test_an_invalid_model_name_is_not_sent(client: Any, asked: Any, name: str) -> None:
    """A name in another form is refused before anything is sent."""
    with pytest.raises(ValueError, match="owner/name"):
        await got(client.models.get(name))
    assert not asked()


@pytest.mark.parametrize(("owner", "name"), [("me", ".."), ("..", "official"), ("", "official"), ("me", "")])
async def test_a_name_cannot_change_the_path(client: Any, asked: Any, owner: str, name: str) -> None:
    """Parts of a name that would change the path are refused."""
    with pytest.raises(ValueError, match=r"must name something|Expected a non-empty value for `model_"):
        await got(client.models.get(owner, name))
    assert not asked()


async def test_versions(client: Any) -> None:
    """Versions are listed, and one is fetched by its id."""
    version = (await got(client.models.get("me/community"))).latest_version.id
    listed = await got(client.models.versions.list("me", "community"))
    assert [each.id async for each in each(listed)] == [version]
    found = await got(client.models.versions.get("me", "community", version))
    assert (found.id, found.openapi_schema) == (version, listed[0].openapi_schema)
    with pytest.raises(NotFoundError):
        await got(client.models.versions.get("me", "community", "0" * 64))


async def test_responses_that_are_no_json(client: Any, server: Any) -> None:
    """A readme is text and a file's content is bytes: the client sends an `Accept` header for each."""
    await got(client.models.update("me/official", readme="# Grüße"))
    assert await got(client.models.readme.get("me/official")) == "# Grüße"
    file = await got(client.files.create(b"\x00\xff", filename="a.bin"))
    signed = dict(httpx.URL(server.download_url(file.id, 2**33)).params)
    assert await got((await got(client.files.download(file.id, **signed))).read()) == b"\x00\xff"


async def downloaded(client: Any, file: Any) -> tuple[str, str, bytes]:
    """Return an upload's digest, type and content, as a reader of its URL gets them."""
    stored = await got(client.get(f"/files/{file.id}"))
    content = await got(client.predictions.create("me/digest", {"file": file.urls.get}, wait=True))
    return stored.json()["checksums"]["sha256"], stored.json()["content_type"], content.output


@pytest.mark.parametrize("form", ["path", "str", "handle", "bytes", "memory"])
async def test_upload(client: Any, tmp_path: Path, form: str) -> None:
    """A path, an open file or bytes are uploaded whole, and models can read them by `urls.get`."""
    content = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
    path = tmp_path / "dots.png"
    path.write_bytes(content)
    with path.open("rb") as handle:
        handle.read(10)
        given: Any = {
            "path": path,
            "str": str(path),
            "handle": handle,
            "bytes": content,
            "memory": io.BytesIO(content),
        }[form]
        file = await got(client.files.create(given))
        assert not handle.closed
    digest = hashlib.sha256(content).hexdigest()
    assert (file.size, file.content_type) == (len(content), "image/png")
    assert await downloaded(client, file) == (digest, "image/png", digest)
    assert file.name == ("dots.png" if form in ("path", "str", "handle") else "file.png")


async def test_an_upload_is_described(client: Any) -> None:
    """A name, a type and metadata that are passed are stored with the file."""
    file = await got(
        client.files.create(b"{}", filename="naïve.json", content_type="application/x-own", metadata={"of": {"a": [1]}})
    )
    assert (file.name, file.content_type, file.metadata) == ("naïve.json", "application/x-own", {"of": {"a": [1]}})


async def test_objects_that_are_no_file_are_not_sent(client: Any, asked: Any, tmp_path: Path) -> None:
    """A missing file, a text file and other objects are refused before anything is sent."""
    with pytest.raises(FileNotFoundError, match="there is no file"):
        await got(client.files.create(tmp_path / "nothing"))
    with tempfile.TemporaryFile("w+") as text, pytest.raises(TypeError, match="mode 'rb'"):
        await got(client.files.create(text))
    with pytest.raises(TypeError, match="must be a path"):
        await got(client.files.create(7))
    with pytest.raises(TypeError, match="unexpected keyword argument 'file_name'"):
        await got(client.files.create(b"", file_name="a"))
    assert not asked()
