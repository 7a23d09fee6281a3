"""`tests/typing` asserts the type of every operation of the API, in both colours."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
COLOURS = ("Replicate", "AsyncReplicate")


def operations() -> list[str]:
    """Return the operations of the API, by their names on a client."""
    document = json.loads((PROJECT / "openapi.json").read_text("utf-8"))
    items = [operation for path in document["paths"].values() for operation in path.values()]
    return [operation["operationId"] for operation in items if "operationId" in operation]


def asserted(source: str) -> Iterator[tuple[str, str]]:
    """Yield each method whose result is in an `assert_type`, as the client's type and the method."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            clients = {each.arg: ast.unparse(each.annotation) for each in function.args.args if each.annotation}
            for called in ast.walk(function):
                if isinstance(called, ast.Call) and ast.unparse(called.func) == "assert_type":
                    result = called.args[0].value if isinstance(called.args[0], ast.Await) else called.args[0]
                    if isinstance(result, ast.Call):
                        owner, _, method = ast.unparse(result.func).partition(".")
                        yield clients.get(owner, ""), method


seen = {each for path in (PROJECT / "tests" / "typing").glob("*.py") for each in asserted(path.read_text("utf-8"))}


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("operation", operations())
def test_the_type_of_each_operation_is_asserted(operation: str, colour: str) -> None:
    """The result of each operation is asserted for each client: `assert_type(client.predictions.get(…), …)`."""
    assert (colour, operation) in seen


def test_only_asserted_calls_count() -> None:
    """A call without `assert_type`, or on something other than a client, does not count as an assertion."""
    source = """
async def f(client: AsyncReplicate, other: int) -> None:
    client.models.get()
    assert_type(await client.models.list(), int)
    assert_type(other.files.get(), int)
    assert_type(client.account.get().id, int)
"""
    assert set(asserted(source)) == {("AsyncReplicate", "models.list"), ("int", "files.get")}
