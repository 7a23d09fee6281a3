"""A real notebook, run against a local server and viewed in a browser."""

import io
import json
import os
import shutil
import struct
import subprocess
import sys
import wave
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from replicate.local import Model
from replicate.local import server as local_server

if TYPE_CHECKING:
    from replicate.local import Server

pytest.importorskip("nbconvert", reason="needs the extra notebook: nbconvert and ipykernel")
pytest.importorskip("ipykernel", reason="needs the extra notebook: nbconvert and ipykernel")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--window-size=900,2600",
)
ATTACK = "<img src=x onerror='document.title=1'><script>document.title = 'attacked'</script>"


def picture() -> bytes:
    """Paint a picture."""
    content = io.BytesIO()
    Image.linear_gradient("L").resize((120, 60)).convert("RGB").save(content, "PNG")
    return content.getvalue()


def pictures() -> list[bytes]:
    """Paint two images, one of them in a format that notebooks cannot show natively."""
    content = io.BytesIO()
    Image.new("RGB", (80, 40), "teal").save(content, "WEBP")
    return [content.getvalue(), picture()]


def sound() -> bytes:
    """Return a second of silence."""
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack("<h", 0) * 8000)
    return content.getvalue()


def words() -> Iterator[str]:
    """Tell a story."""
    yield from ("Once ", "upon ", "a time.")


def attack() -> dict[str, Any]:
    """Try to run a script in the page."""
    print(ATTACK)  # noqa: T201 - it becomes the log
    svg = f"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'>{ATTACK}</svg>"
    return {ATTACK: ATTACK, "drawing": svg.encode(), "page": f"<html>{ATTACK}</html>".encode()}


def broken() -> str:
    """Fail."""
    raise RuntimeError(ATTACK)


MODELS = {
    "me/picture": Model(picture, official=True),
    "me/pictures": pictures,
    "me/sound": Model(sound, official=True),
    "me/words": Model(words, official=True),
    "me/attack": attack,
    "me/broken": broken,
}
CELLS = {
    "picture": 'replicate.run("me/picture")',
    "prediction": 'done = replicate.predictions.create("me/picture", {}).wait()\ndone',
    "output": "done.output",
    "pictures": 'latest = replicate.models.get("me/pictures").latest_version\n'
    "replicate.predictions.create(latest, {}).wait()",
    "sound": 'replicate.run("me/sound")',
    "words": 'story = replicate.use("me/words", streaming=True)()\nlist(story)\nstory',
    "list-of-words": 'replicate.run("me/words")',
    "list-of-files": 'replicate.run("me/pictures")',
    "attack": 'replicate.predictions.create(replicate.models.get("me/attack").latest_version, {}).wait()',
    "broken": 'replicate.predictions.create(replicate.models.get("me/broken").latest_version, {}).wait()',
    "gone": 'replicate.FileOutput(f"{done.output.rpartition("/")[0]}x/gone.png")'.replace('"/"', "'/'"),
    "list": "replicate.predictions.list()",
    "link": "client = replicate.AsyncReplicate()\noutput = await client.run('me/picture')\noutput",
    "awaited": "await output.read()\noutput",
}
PROBE = """
<script>addEventListener("load", () => setTimeout(() => {
  const shown = [...document.querySelectorAll(".jp-OutputArea-output")];
  const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).reduce((sum, part) => sum + part / 765, 0);
  const ground = light(getComputedStyle(document.body).backgroundColor);
  const text = shown.flatMap(each => [...each.querySelectorAll("pre, small, td, th, b, summary, a")]);
  const report = {
    title: document.title,
    ground,
    images: [...document.images].map(image => [image.src.slice(0, 22), image.naturalWidth]),
    sounds: [...document.querySelectorAll("audio")].map(each => each.error === null),
    contrast: Math.min(...text.map(each => Math.abs(light(getComputedStyle(each).color) - ground))),
    drawings: shown.filter(each => each.querySelector("svg, script, iframe, object")).length,
  };
  document.body.innerHTML = "";
  document.body.appendChild(document.createElement("pre")).textContent = "REPORT" + JSON.stringify(report) + "END";
}, 300));</script>
"""


def notebook() -> dict[str, Any]:
    """Return a notebook with the cells."""
    cells = {"import": "import replicate", **CELLS}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {
                "id": name,
                "cell_type": "code",
                "source": source,
                "metadata": {},
                "execution_count": None,
                "outputs": [],
            }
            for name, source in cells.items()
        ],
    }


def convert(folder: Path, name: str, *options: str, **environment: str) -> None:
    """Run nbconvert, with all its files in a folder."""
    told = {name: str(folder / "home") for name in ("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    command = [sys.executable, "-m", "nbconvert", "--log-level=ERROR", *options, name]
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **told, "JUPYTER_RUNTIME_DIR": str(folder / "run"), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[tuple[Path, Server]]":
    """Run the notebook once, and yield its folder and the server."""
    folder = tmp_path_factory.mktemp("notebook")
    (folder / "told.ipynb").write_text(json.dumps(notebook()))
    with local_server(MODELS) as server:
        surroundings = {"REPLICATE_API_TOKEN": server.token, "REPLICATE_BASE_URL": server.base_url}
        convert(folder, "told.ipynb", "--to=notebook", "--execute", "--output=run.ipynb", **surroundings)
        yield folder, server


@pytest.fixture(scope="module")
def outputs(run: "tuple[Path, Server]") -> dict[str, dict[str, Any]]:
    """Return what each cell shows, by MIME type."""
    cells = json.loads((run[0] / "run.ipynb").read_text())["cells"]
    return {
        cell["id"]: {kind: "".join(data) for kind, data in output["data"].items()}
        for cell in cells
        for output in cell["outputs"]
    }


def test_every_cell_shows_something(outputs: dict[str, dict[str, Any]]) -> None:
    """An image shows natively, everything else as HTML; plain text is always included."""
    assert [*outputs] == [*CELLS]
    native = {name for name, data in outputs.items() if "image/png" in data}
    assert native == {"picture", "output", "awaited"}
    assert {name for name, data in outputs.items() if "text/html" in data} == {*CELLS} - native
    assert all(data["text/plain"] for data in outputs.values())


def test_what_the_cells_show(outputs: dict[str, dict[str, Any]]) -> None:
    """Predictions show status, files and errors; a missing file says so; a file that is not downloaded is a link."""
    assert "succeeded" in outputs["prediction"]["text/html"]
    assert "data:image/png" in outputs["prediction"]["text/html"]
    assert outputs["pictures"]["text/html"].count("<img") == 2
    assert "data:audio/wav" in outputs["sound"]["text/html"]
    assert "Once upon a time." in outputs["words"]["text/html"]
    assert "Once upon a time." in outputs["list-of-words"]["text/html"]
    assert outputs["list-of-files"]["text/html"].count("<img") == 2
    assert "failed" in outputs["broken"]["text/html"]
    assert "It is not there any more" in outputs["gone"]["text/html"]
    assert "<table>" in outputs["list"]["text/html"]
    assert "<a href=" in outputs["link"]["text/html"]


def test_no_token_is_in_a_notebook(run: "tuple[Path, Server]") -> None:
    """The executed notebook does not contain the token."""
    folder, server = run
    assert server.token not in (folder / "run.ipynb").read_text()


class Reported(HTMLParser):
    """Reads the report that the probe has written."""

    text = ""

    def handle_data(self, data: str) -> None:
        if data.startswith("REPORT"):
            self.text = data[len("REPORT") : data.rindex("END")]


def browse(page: Path, *options: str) -> str:
    """Open a page in the browser, and return its final HTML."""
    assert BROWSER
    profile = page.parent / f"profile-{page.stem}"
    command = [BROWSER, *FLAGS, f"--user-data-dir={profile}", "--virtual-time-budget=5000", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.skipif(BROWSER is None, reason="needs a browser: scripts/browser.sh installs Chromium where it can")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_in_a_browser(run: "tuple[Path, Server]", theme: str) -> None:
    """Images and sounds load, hostile content does nothing, and all text is readable in both themes."""
    folder, _ = run
    convert(folder, "run.ipynb", "--to=html", f"--output={theme}.html", f"--HTMLExporter.theme={theme}")
    page = folder / f"{theme}.html"
    html = page.read_text()
    page.write_text(html.replace("</body>", f"{PROBE}</body>"))
    parser = Reported()
    parser.feed(browse(page, "--dump-dom"))
    report = json.loads(parser.text)
    assert report["title"] == "run"
    assert (report["ground"] < 0.5) is (theme == "dark")
    assert len(report["images"]) >= 6
    assert [image for image in report["images"] if not image[1]] == []
    assert report["sounds"] == [True]
    assert report["drawings"] == 0
    assert report["contrast"] > 0.25
