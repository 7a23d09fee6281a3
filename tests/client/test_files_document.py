"""The examples of docs/files.md work as the document says."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import replicate
from replicate.local import Model
from replicate.local import server as local_server

DOCUMENT = Path(__file__).parents[2] / "docs" / "files.md"

pytestmark = pytest.mark.skipif(
    not DOCUMENT.exists(), reason="documents stay behind when the installed wheel is tested"
)


def painted(width: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (width, 4), "red").save(content, "PNG")
    return content.getvalue()


def upscale(image: Path) -> bytes:
    """Make it larger."""
    with Image.open(image) as picture:
        return painted(picture.width * 2)


def frames() -> Iterator[bytes]:
    """Paint two pictures."""
    yield painted(1)
    yield painted(2)


def caption(image: Path) -> str:
    """Say how wide it is."""
    with Image.open(image) as picture:
        return f"{picture.width} wide"


MODELS = {
    "owner/upscale": Model(upscale, official=True),
    "owner/frames": Model(frames, official=True),
    "owner/caption": Model(caption, official=True),
}


def test_the_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All examples run in order. The files are where the document says, with the right contents."""
    monkeypatch.chdir(tmp_path)
    Path("boat.png").write_bytes(painted(8))
    Path("frames").mkdir()
    names: dict[str, Any] = {"__name__": "document"}
    with local_server(MODELS) as server:
        client = replicate.Client(server.token, base_url=server.base_url)
        monkeypatch.setitem(vars(replicate), "default_client", client)
        address = client.run("owner/upscale", {"image": painted(4)}).url
        for block in re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL):
            code = block.replace("https://example.com/boat.png", address)
            exec(compile(code, DOCUMENT.name, "exec"), names)
        client.close()
    widths = {path.name: int(caption(path).split()[0]) for path in tmp_path.glob("*.png")}
    assert widths == {"boat.png": 8, "large.png": 16, "copy.png": 16, "another.png": 16}
    assert [path.name for path in names["paths"]] == ["output.png", "output-2.png"]
    [saved] = Path("outputs").iterdir()
    assert Path(names["image"]) == saved.absolute()
    assert saved.name.endswith("-output.png")
