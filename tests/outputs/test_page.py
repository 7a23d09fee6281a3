"""The type of each kind of output, and its table in the documentation.

`WRITE_OUTPUTS=1 python -m pytest tests/outputs` writes the table.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from outputs.kinds import KINDS, NAME, VERSION, WAYS, Kind, Seen, client_of, seen, shown, version_of
from support.colours import RUN, got

if TYPE_CHECKING:
    from replicate.local import Server

PAGE = Path(__file__).parents[2] / "docs" / "outputs.md"
MARK = "## What comes\n"
Table = dict[tuple[Kind, str], Seen]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def named(server: Server, kind: Kind, way: str) -> str:
    """Return the reference of a kind's model for a way to run it."""
    return version_of(server, kind) if way == VERSION else f"me/{kind.name}"


@pytest.fixture(scope="module")
def table(server: Server) -> Table:
    """Return the outputs of every kind in every way."""
    cases = [(kind, way) for kind in KINDS for way in WAYS]
    return {
        (kind, way): RUN["blocking"](seen(server, "blocking", way, named(server, kind, way))) for kind, way in cases
    }


@each_kind
@pytest.mark.parametrize("way", WAYS)
async def test_every_colour_gives_the_same(server: Server, table: Table, colour: str, way: str, kind: Kind) -> None:
    """Blocking and asynchronous clients return the same output, with iterators of their own colour."""
    assert await seen(server, colour, way, named(server, kind, way)) == table[kind, way]


@each_kind
@pytest.mark.parametrize("way", [NAME, VERSION])
def test_the_result_of_run_does_not_depend_on_the_cache(table: Table, way: str, kind: Kind) -> None:
    """The first call and all later ones return the same type, whatever was looked up before."""
    result = table[kind, way]
    assert result.first == result.again == result.known
    if not result.known.startswith("OutputIterator"):
        assert result.hidden == result.known


@each_kind
def test_an_iterator_with_a_hidden_schema_is_a_list(table: Table, kind: Kind) -> None:
    """A version with a hidden schema returns a list with the same items, as the model does by name."""
    by_version, by_name = table[kind, VERSION], table[kind, NAME]
    assert by_version.hidden == by_name.hidden == by_name.known
    assert by_version.known.replace("OutputIterator([", "OutputList([") == by_name.known


@each_kind
async def test_a_community_model_returns_the_same_as_an_official_one(
    server: Server, table: Table, colour: str, kind: Kind
) -> None:
    """A community model returns the same as an official one, although its version is looked up first."""
    client = client_of(server, colour)
    for _ in range(2):
        assert await shown(await got(client.run(f"you/{kind.name}"))) == table[kind, NAME].first
    await got(client.close())


@each_kind
@pytest.mark.parametrize("way", [way for way in WAYS if way.startswith("`use")])
def test_use_knows_the_schema_at_its_first_call(table: Table, way: str, kind: Kind) -> None:
    """`use` looks a model up before its first call, so that all calls return the same."""
    result = table[kind, way]
    assert result.first == result.again == result.known


def test_the_page_is_current(table: Table) -> None:
    """The table in docs/outputs.md matches the outputs of the calls."""
    if not PAGE.parent.is_dir():
        pytest.skip("the documents stay behind when the installed wheel is tested")
    prose, _, _ = PAGE.read_text("utf-8").partition(MARK)
    text = f"{prose}{MARK}\n| the model makes | {' | '.join(WAYS)} |\n|{'---|' * (len(WAYS) + 1)}\n"
    text += "".join(row(kind, [table[kind, way] for way in WAYS]) for kind in KINDS)
    if os.environ.get("WRITE_OUTPUTS"):
        PAGE.write_text(text, "utf-8")
    assert PAGE.read_text("utf-8") == text, "write it anew with WRITE_OUTPUTS=1"


def row(kind: Kind, results: list[Seen]) -> str:
    """Return a row of the table."""
    return f"| {kind.title} | {' | '.join(map(cell, results))} |\n"


def cell(result: Seen) -> str:
    """Return a cell: one type if the schema makes no difference, else a type for each case."""
    if len({*result}) == 1:
        return f"`{result.known}`"
    other = "hidden" if result.first == result.known else "not known"
    assert result.hidden == result.first or other == "hidden"
    return f"`{result.known}`; {other}: `{result.hidden}`"
