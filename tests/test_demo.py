"""The demonstration: `examples/demo.py`, as `scripts/demo.sh` starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

from replicate.local import server
from replicate.local.demo import MODELS

DEMO = Path(__file__).parents[1] / "examples" / "demo.py"


def demo(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("REPLICATE_")}
    return subprocess.run(
        [sys.executable, "-W", "error", DEMO, *arguments],
        env={**inherited, "PYTHONIOENCODING": "utf-8", "REPLICATE_CACHE_DIR": "", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_tour(tmp_path: Path) -> None:
    """Without a token, all steps of the tour show their results, and the image is saved where the tour says."""
    shown = demo("--output", tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    for result in ("Hello, Ada!", "Bonjour, Grace!", "| boat|", "Hola, Ada!", "The boat had no motor"):
        assert result in shown.stdout
    saved = tmp_path / "poster.png"
    assert str(saved) in shown.stdout
    with Image.open(saved) as picture, Image.open(DEMO.with_name("lake.jpg")) as original:
        assert picture.size == original.size
        assert len(picture.convert("RGB").getcolors()) == 5


def test_live_needs_a_token(tmp_path: Path) -> None:
    """`--live` without a token refuses, and says where to get one."""
    refused = demo("--live", "demo/hello", "--output", tmp_path)
    assert refused.returncode == 1
    assert "set REPLICATE_API_TOKEN" in refused.stderr


def test_live_runs_one_model(tmp_path: Path) -> None:
    """`--live` runs the model with the given text, number and file inputs, and saves its output files."""
    with server(MODELS) as srv:
        settings = {"REPLICATE_BASE_URL": srv.base_url, "REPLICATE_API_TOKEN": srv.token}
        text = demo("--live", "demo/hello", "--output", tmp_path, "name=Ada", **settings)
        picture = demo(
            "--live",
            "demo/poster",
            "--output",
            tmp_path,
            f"image=@{DEMO.with_name('lake.jpg')}",
            "colors=3",
            **settings,
        )
    assert (text.returncode, text.stdout, text.stderr) == (0, "Hello, Ada!\n", "")
    assert picture.returncode == 0
    assert "saved as" in picture.stdout
    [saved] = tmp_path.glob("*.png")
    with Image.open(saved) as opened:
        assert len(opened.convert("RGB").getcolors()) == 3
