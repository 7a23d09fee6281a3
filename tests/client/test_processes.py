"""Calls of models in other processes, for every start method of multiprocessing."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.sample_models import MODELS

from replicate.local import server as local_server

WAYS = [
    pytest.param(way, marks=pytest.mark.skipif(way not in multiprocessing.get_all_start_methods(), reason="none here"))
    for way in ("fork", "spawn", "forkserver")
]
PROGRAM = """
import json, multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
import replicate

PICTURE = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC"
)

def found(result):
    mine = replicate.Replicate(bearer_token=os.environ["REPLICATE_API_TOKEN"], max_retries=0)
    shout, words = mine.use("me/official"), replicate.use("me/words")
    run, text = shout.create(text="later"), replicate.run("me/official", input={"text": "here"})
    yield result(os.getpid) != os.getpid()
    yield text, result(replicate.run, "me/official", input={"text": "there"})
    pieces = result(replicate.run, "me/words", input={"text": "a b"})
    yield type(pieces).__name__, str(pieces)
    file = result(replicate.run, "me/negative", input={"image": PICTURE})
    yield type(file).__name__, file.read()[1:4].decode()
    yield result(mine.run, "me/official", input={"text": "a"}), result(shout, text="b"), result(words, text="c d")
    yield result(run.output), result(shout.create, text="begun").output()
    prediction = result(replicate.predictions.get, run.prediction.id)
    yield type(prediction).__name__, prediction.output, prediction.reload().output
    try:
        result(replicate.run, "me/broken", input={"text": "no memory"})
    except replicate.ModelError as error:
        yield str(error), error.prediction.status, error.prediction.reload().status

if __name__ == "__main__":
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(sys.argv[1])) as pool:
        print(json.dumps(list(found(lambda *work, **inputs: pool.submit(*work, **inputs).result(60)))))
"""


ROOT = Path(__file__).parents[2]
EXAMPLES = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in (ROOT / "README.md", ROOT / "docs" / "processes.md")
    if path.exists()
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.DOTALL), 1)
    if "ProcessPoolExecutor" in block
]


@pytest.mark.skipif(not EXAMPLES, reason="the documents stay behind when the installed wheel is tested")
@pytest.mark.parametrize("way", WAYS[1:])
@pytest.mark.parametrize("block", EXAMPLES)
def test_examples_of_the_documents(block: str, way: str, tmp_path: Path) -> None:
    """The documents' examples run as scripts, with processes that import them."""
    script = tmp_path / "script.py"
    code = block.replace("owner/model", "me/official").replace('"prompt"', '"text"')
    script.write_text(f"import multiprocessing\nmultiprocessing.set_start_method({way!r}, force=True)\n{code}", "utf-8")
    with local_server(MODELS) as srv:
        environment = {**os.environ, "REPLICATE_API_TOKEN": srv.token, "REPLICATE_BASE_URL": srv.base_url}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        command = [sys.executable, str(script)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "!" in ended.stdout


@pytest.mark.parametrize("way", WAYS)
def test_calls_in_other_processes(way: str) -> None:
    """Calls sent to another process use the token in its environment, and their results come back complete."""
    with local_server(MODELS) as srv:
        environment = {**os.environ, "REPLICATE_API_TOKEN": srv.token, "REPLICATE_BASE_URL": srv.base_url}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        command = [sys.executable, "-c", PROGRAM, way]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")
        found: list[Any] = json.loads(ended.stdout)
        inputs = [each.input.get("text") for each in srv.predictions]
    assert found == [
        True,
        ["HERE!", "THERE!"],
        ["OutputList", "a b "],
        ["FileOutput", "PNG"],
        ["A!", "B!", "c d "],
        ["LATER!", "BEGUN!"],
        ["Prediction", "LATER!", "LATER!"],
        ["no memory", "failed", "failed"],
    ]
    assert sorted(filter(None, inputs)) == sorted(
        ["later", "here", "there", "a b", "a", "b", "c d", "begun", "no memory"]
    )
