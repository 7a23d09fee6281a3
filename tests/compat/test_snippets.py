"""Code for earlier versions runs unchanged, and its table in the documentation is correct.

`WRITE_COMPATIBILITY=1 python -m pytest tests/compat` writes the table.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from compat import mocked
from compat.places import place
from compat.snippets import SNIPPETS, Snippet

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
HEAD = """\
# Code for earlier versions

Code for 0.x, 1.x and the 2.0 beta runs unchanged, except for the differences named here. `tests/compat` runs every line
of this table, in order, against the [local server](local.md), and writes the table: to change it, change the tests.
[migration.md](migration.md) says what to check when you upgrade. [downstream.md](downstream.md) shows what packages by
other people do with this client.

| version | code | result |
|---|---|---|
"""


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[Snippet, Exception | None]:
    """Run all snippets in order, since each may use the names of those before it."""
    with place(tmp_path_factory.mktemp("compat")) as here:
        return {snippet: here.run(snippet) for snippet in SNIPPETS}


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet.code.splitlines()[0])
def test_it_runs_unchanged(snippet: Snippet, outcomes: Mapping[Snippet, Exception | None]) -> None:
    """The code runs and its check holds; a snippet marked `breaks` fails."""
    error = outcomes[snippet]
    if snippet.breaks:
        assert error, "it does run: take its `breaks` away"
    elif error:
        raise error


def test_the_table_is_current(outcomes: Mapping[Snippet, Exception | None]) -> None:
    """docs/compatibility.md matches the outcomes of the snippets."""
    if not PAGE.parent.is_dir():
        pytest.skip("the documents stay behind when the installed wheel is tested")
    text = HEAD + "".join(row(snippet, outcomes[snippet]) for snippet in SNIPPETS) + mocked.table()
    if os.environ.get("WRITE_COMPATIBILITY"):
        PAGE.write_text(text, "utf-8")
    assert PAGE.read_text("utf-8") == text, "write it anew with WRITE_COMPATIBILITY=1"


def row(snippet: Snippet, error: Exception | None) -> str:
    """Return a row of the table."""
    code = "<br>".join(f"`{line}`" for line in snippet.code.replace("|", "\\|").splitlines())
    result = "works" + ("; " + snippet.differs if snippet.differs else "")
    if error and snippet.breaks:
        result = f"**has to be changed**: {snippet.breaks}"
    elif error:
        result = f"**fails**: {type(error).__name__}"
    return f"| {snippet.version} | {code} | {result} |\n"


def test_the_table_has_all_mocked_tests() -> None:
    """Each mocked test names known versions and has a docstring; no file with such tests is left out."""
    assert {path.name for path in mocked.FOLDER.glob("test_*.py")} == {*mocked.TOOLS}
    for path in mocked.FOLDER.glob("test_*.py"):
        for test in mocked.tests(path):
            generations = {*mocked.marked(test, "generation")}
            assert generations, test.name
            assert generations <= {"1.x", "2.0"}, test.name
            assert ast.get_docstring(test), test.name
