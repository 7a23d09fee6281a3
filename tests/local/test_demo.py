"""The demonstration models, and the program that serves them."""

import base64
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from replicate.local.demo import MODELS  # noqa: F401 - what `api` serves

TEXT = (
    "Llamas are animals of the Andes. Nobody asked. Llamas carry loads for the people of the Andes, and the people "
    "weave the wool of llamas. It rained on Tuesday."
)


def official(api: Any, name: str, given: dict[str, Any]) -> dict[str, Any]:
    answer = api.post(f"models/demo/{name}/predictions", json={"input": given}, headers={"prefer": "wait"})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_hello_greets(api: Any) -> None:
    """The text model returns a greeting in the requested language."""
    prediction = official(api, "hello", {"name": "Ada", "language": "français"})
    assert (prediction["output"], prediction["logs"]) == ("Bonjour, Ada!", "greeting Ada in français\n")
    assert official(api, "hello", {})["output"] == "Hello, world!"


def test_summary_streams_the_important_sentences(api: Any) -> None:
    """The streaming model keeps the sentences with the most frequent words, in order, and yields word by word."""
    created = api.post("models/demo/summary/predictions", json={"input": {"prompt": TEXT}}).json()
    words = [data for event, data, _ in api.events(created) if event == "output"]
    assert len(words) > 10
    assert "".join(words) == (
        "Llamas are animals of the Andes. Llamas carry loads for the people of the Andes, and the people weave the "
        "wool of llamas."
    )
    assert official(api, "summary", {"prompt": "One.", "sentences": 20})["output"] == ["One."]


def test_poster_turns_an_image_into_an_image(api: Any) -> None:
    """The image model returns a PNG of the same size with at most the requested number of colors."""
    image = pytest.importorskip("PIL.Image")
    source = io.BytesIO()
    image.linear_gradient("L").resize((40, 30)).convert("RGB").save(source, "JPEG")
    url = "data:image/jpeg;base64," + base64.b64encode(source.getvalue()).decode()
    prediction = api.run("demo/poster", {"image": url, "colors": 3})
    assert prediction["logs"] == "JPEG of 40 x 30 pixels, 3 colors\n"
    with image.open(io.BytesIO(httpx.get(prediction["output"]).content)) as result:
        assert (result.format, result.size) == ("PNG", (40, 30))
        assert 1 < len(result.convert("RGB").getcolors()) <= 3


def test_poster_says_that_it_needs_pillow(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Pillow, the image model fails and says what to install."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "pip install pillow" in api.run("demo/poster", {"image": "data:,x"})["error"]


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C reaches another process differently elsewhere")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_program_serves_until_it_is_interrupted(number: signal.Signals, tmp_path: Path) -> None:
    """`python -m replicate.local` prints one line with URL and token, serves, and ends quietly."""
    command = [sys.executable, "-W", "error", "-m", "replicate.local", "--token", "r8_x", "--store", tmp_path / "a.db"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        line = program.stdout.readline()
        url = line.split()[4]
        assert line == f"Replicate local server on {url}  (REPLICATE_API_TOKEN=r8_x)\n"
        answer = httpx.get(f"{url}/models", headers={"authorization": "Bearer r8_x"})
        program.send_signal(number)
        rest = program.communicate(timeout=10)
    assert {model["name"] for model in answer.json()["results"]} == {"hello", "summary", "poster"}
    assert (program.returncode, rest) == (0, ("", ""))


def test_the_program_reports_that_a_port_is_in_use(api: Any) -> None:
    """A port that is in use ends the program with one line that says so."""
    command = [sys.executable, "-m", "replicate.local", "--port", str(api.srv.port)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert (result.returncode, result.stdout) == (1, "")
    assert f"port {api.srv.port} cannot be used" in result.stderr
