"""The documentation's table of the tests in tests/mocked, built from their markers.

Users of earlier versions could have written these tests. They run with this client in every test run, where a test
marked `differs` must fail, and with the published clients by `scripts/mocked.sh`.
"""

from __future__ import annotations

import ast
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "mocked"
TOOLS = {
    "test_mock_transport.py": "`httpx.MockTransport`",
    "test_pytest_httpx.py": "pytest-httpx",
    "test_respx.py": "respx",
    "test_vcr.py": "vcrpy",
}
HEAD = """
## Tests with mocks

Tests that mock the HTTP requests of an earlier version pass unchanged, except for those that expect a request that this
client does not send. `tests/mocked` contains such tests as users write them, and `./scripts/mocked.sh` runs them with
the published clients.

| mock | version | test | result |
|---|---|---|---|
"""


def table() -> str:
    """Return the section of the document."""
    return HEAD + "".join(row(tool, test) for file, tool in TOOLS.items() for test in tests(FOLDER / file))


def tests(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the tests of a file."""
    functions = [
        node
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return [each for each in functions if each.name.startswith("test_")]


def row(tool: str, test: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """Return a row of the table."""
    generations, reasons = marked(test, "generation"), marked(test, "differs")
    what = " ".join((ast.get_docstring(test) or "").split()).replace("|", "\\|")
    result = f"**differs**: {reasons[0]}" if reasons else "passes"
    return f"| {tool} | {', '.join(generations)} | {what} | {result} |\n"


def marked(test: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> list[str]:
    """Return the arguments of a test's marker, or none if it does not have the marker."""
    calls = [each for each in test.decorator_list if isinstance(each, ast.Call)]
    found = [each for each in calls if ast.unparse(each.func) == f"pytest.mark.{name}"]
    return [str(ast.literal_eval(argument)) for each in found for argument in each.args]
