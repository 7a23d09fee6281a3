"""The examples in the documents work."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if path.exists()]
SECURITY = ROOT / "docs" / "security.md"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)

pytestmark = pytest.mark.skipif(not DOCUMENTS, reason="the documents stay behind when the installed wheel is tested")

BLOCKS = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in DOCUMENTS
    for number, block in enumerate(BLOCK.findall(path.read_text("utf-8")), 1)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_examples_are_python(block: str) -> None:
    """Every Python block parses."""
    ast.parse(block)


@pytest.mark.parametrize("block", [each for each in BLOCKS if "with replicate.local.server" in str(each.values[0])])
def test_examples_with_a_server_run(block: str) -> None:
    """Blocks that start a local server are run, with their assertions."""
    exec(compile(block, "document", "exec"), {"__name__": "document"})


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_have_targets(path: Path) -> None:
    """Links between files of the project lead to existing files."""
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text("utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_each_promise_has_its_test() -> None:
    """docs/security.md names existing tests; a test without a file is in the file named before it."""
    found, last = list[str](), ""
    for file, name in re.findall(r"`([a-z_]+/test_[a-z_]+\.py)?(?:::(test_[a-z_]+))?`", SECURITY.read_text("utf-8")):
        last = file or last
        path = ROOT / "tests" / last
        if (file or name) and not (path.exists() and (not name or f"def {name}(" in path.read_text("utf-8"))):
            found.append(f"{last}::{name}")
    assert found == []
    rows = [line for line in SECURITY.read_text("utf-8").splitlines() if re.match(r"\| [A-Z`]", line)]
    assert [row for row in rows if ".py" not in row and "::test_" not in row] == []


@pytest.mark.parametrize("name", ["ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_maps_name_files_that_exist(name: str) -> None:
    """Each Python file that the two maps of the code name is there: by its path, or by its name alone."""
    known = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("[!.]*/**/*.py")]
    named = re.findall(r"`([\w/]+\.py)`", (ROOT / name).read_text("utf-8"))
    assert [each for each in named if not any(f"/{path}".endswith(f"/{each}") for path in known)] == []
