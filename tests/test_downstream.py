"""The packages of `scripts/downstream.sh` and its page agree, and nothing works with version 1.0.7 only."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[1]
HERE = PROJECT / "scripts" / "downstream"

if not HERE.is_dir():
    pytest.skip("the scripts are not here: a wheel is tested", allow_module_level=True)

TABLE = tomllib.loads((HERE / "packages.toml").read_text(encoding="utf-8"))
PACKAGES: dict[str, Any] = {package["name"]: package for package in TABLE["package"]}
PAGE = (PROJECT / "docs" / "downstream.md").read_text(encoding="utf-8")


def _compare() -> Any:
    spec = importlib.util.spec_from_file_location("downstream_compare", HERE / "compare.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


compare = _compare()


def rows() -> list[Any]:
    """Return the rows of the page's table."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
    cells = [line.replace("\\|", "\0").strip("|").split("|") for line in lines]
    return [compare.Row(*(cell.strip().replace("\0", "\\|") for cell in row)) for row in cells]


def things(package: str) -> list[str]:
    """Return the names that the driver of a package gives with `@thing`."""
    tree = ast.parse((HERE / "drivers" / f"{package.replace('-', '_')}.py").read_text(encoding="utf-8"))
    calls = [call for node in tree.body for call in getattr(node, "decorator_list", ()) if isinstance(call, ast.Call)]
    return [ast.literal_eval(call.args[0]) for call in calls if ast.unparse(call.func) == "thing"]


def test_packages_and_drivers_are_the_same() -> None:
    """Every package has a driver and vice versa, and every version is a number."""
    drivers = {path.stem for path in (HERE / "drivers").glob("*.py")}
    assert drivers == {name.replace("-", "_") for name in PACKAGES}
    assert all(package["version"][0].isdigit() for package in PACKAGES.values())


@pytest.mark.parametrize("name", PACKAGES)
def test_page_matches_the_driver(name: str) -> None:
    """The table has the steps of the package's driver, in its order, at the pinned version."""
    found = [row for row in rows() if row.package == name]
    assert {row.version for row in found} == {PACKAGES[name]["version"]}
    driven = [row.what for row in found if not row.what.startswith("own tests: ")]
    assert driven == things(name)
    assert any(row.what.startswith("own tests: ") for row in found) is PACKAGES[name].get("tests", False)


def test_page_is_written_by_the_script() -> None:
    """The page is the script's output for the pinned published client; remarks refer to steps of the drivers."""
    assert compare.page(rows(), TABLE["published"]) == PAGE
    driven = {(row.package, row.what) for row in rows()}
    remarks = {(name, what) for name, package in PACKAGES.items() for what in package.get("remarks", {}) if what}
    assert remarks <= driven


@pytest.mark.parametrize("name", PACKAGES)
def test_nothing_is_worse(name: str) -> None:
    """Everything that works with the published client works with this one, and something works in each package."""
    found = [row for row in rows() if row.package == name]
    assert [row.what for row in found if row.worse] == []
    assert [row.what for row in found if row.ours == "works"] != []


@pytest.mark.parametrize(
    ("published", "ours", "worse"),
    [
        ("works", "works", False),
        ("fails: a", "works", False),
        ("fails: a", "fails: b", False),
        ("works", "fails: b", True),
        ("works", "not reached", True),
    ],
)
def test_worse_is_what_works_with_the_published_client_only(*, published: str, ours: str, worse: bool) -> None:
    """A row is worse if it works with the published client and not with this one."""
    assert compare.Row("a", "1", "run", published, ours, "").worse is worse


def test_a_driver_that_ends_early_is_worse() -> None:
    """A driver that crashes with this client only has a row of its own, which is worse."""
    assert compare.Row("a", "1", compare.CRASH, "not reached", "fails: ImportError", "").worse


def test_errors_are_the_same_in_every_run() -> None:
    """Ports, addresses and ids are removed from errors, long errors are cut, and a cell stays one cell."""
    error = "at https://127.0.0.1:41123/v1 <a.B object at 0x7f0011223344> | b"
    assert compare.shown(compare.steady(error)) == r"fails: at https://…/v1 <a.B object at …> \| b"
    assert len(compare.steady("a" * 500)) == 160


def test_unknown_packages_are_refused() -> None:
    """A package that is not in the table is refused before anything is installed."""
    command = [PROJECT / "scripts" / "downstream.sh", "nothing"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable}
    refused = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "there is no nothing in packages.toml" in refused.stderr
