"""Fixtures of the code generator's tests: a copy of the project, and the generator's environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CODEGEN = HERE.parents[1] / "scripts" / "codegen"
sys.path[:0] = [str(CODEGEN), str(HERE)]
collect_ignore_glob = [] if CODEGEN.is_dir() else ["test_*.py"]  # absent when an installed wheel is tested

from project_tree import PROJECT, Tree  # noqa: E402


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "codegen: runs the generator, which needs Python 3.11 and some seconds")


@pytest.fixture(scope="session")
def environment() -> Path:
    """Return the generator's environment, set up as `scripts/regen.sh` does it."""
    done = subprocess.run([PROJECT / "scripts" / "regen.sh", "--help"], capture_output=True, text=True, check=False)
    if "Python 3.11 or newer" in done.stderr:
        pytest.skip("there is no Python that the generator runs on")
    assert done.returncode == 0, done.stderr
    return PROJECT / ".regen-venv"


@pytest.fixture
def tree(tmp_path: Path, environment: Path) -> Tree:
    """Create a project to regenerate."""
    root = tmp_path / "a project"  # the space tests that the scripts quote their paths
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CODEGEN, root / "scripts" / "codegen", ignore=unwanted)
    shutil.copytree(PROJECT / "generated", root / "generated", ignore=unwanted)
    shutil.copy(PROJECT / "openapi.json", root)
    return Tree(root, environment)
