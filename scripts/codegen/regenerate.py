"""Regenerate `generated/replicate_api` from `openapi.json`; `scripts/regen.sh` runs this in its environment."""

from __future__ import annotations

import argparse
import difflib
import shutil
import sys
import tempfile
from pathlib import Path

import overlay
import yaml
from document import Problem, load, text
from generator import generate
from reduction import reduce

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
DOCUMENT = ROOT / "openapi.json"
PACKAGE = ROOT / "generated" / "replicate_api"


def main(arguments: list[str]) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/regen.sh", description="Generate the API layer from openapi.json.")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--spec", metavar="FILE_OR_URL", help="replace openapi.json by this document (JSON or YAML) first"
    )
    choice.add_argument(
        "--check", action="store_true", help="change nothing; fail if the generated code is out of date"
    )
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="regenerate-") as directory:
            return regenerate(Path(directory) / "replicate_api", spec=options.spec, check=options.check)
    except Problem as problem:
        print(f"regen: {problem}", file=sys.stderr)
        return 1


def regenerate(fresh: Path, *, spec: str | None, check: bool) -> int:
    """Generate into `fresh`, then compare the result with the tree, or replace the tree with it."""
    document = load(spec or str(DOCUMENT))
    interface = reduce(document)
    overlay.apply(yaml.safe_load((HERE / "overlay.yaml").read_text(encoding="utf-8")), interface)
    generate(interface, fresh)
    if check:
        return report(compare(PACKAGE, fresh))
    replace(PACKAGE, fresh)
    if spec:
        write(DOCUMENT, text(document))
    print(f"regen: {PACKAGE.relative_to(ROOT)} has {len(interface.operations)} operations")
    return 0


# ---- into the tree, all of it or nothing


def replace(target: Path, fresh: Path) -> None:
    """Replace a directory, if there is one, with a new one; restore the old one if that fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as aside:
        shutil.copytree(fresh, Path(aside) / "new")
        old = Path(aside) / "old"
        if target.exists():
            target.rename(old)
        try:
            (Path(aside) / "new").rename(target)
        except BaseException:
            if old.exists():
                old.rename(target)
            raise


def write(target: Path, content: str) -> None:
    """Write a file completely, or not at all."""
    aside = target.with_name(f".{target.name}.new")
    aside.write_text(content, encoding="utf-8")
    aside.replace(target)


# ---- --check


def files(root: Path) -> dict[str, str]:
    """Return the content of all files below a directory, by their relative path."""
    return {
        path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(root.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def compare(present: Path, fresh: Path) -> list[str]:
    """Return the differences between the present and the generated files, as lines."""
    have, want = files(present), files(fresh)
    lines = [f"missing: {name}" for name in want.keys() - have.keys()]
    lines += [f"surplus: {name}" for name in have.keys() - want.keys()]
    lines.sort()
    for name in sorted(have.keys() & want.keys()):
        old, new = have[name].splitlines(), want[name].splitlines()
        lines += difflib.unified_diff(old, new, f"present/{name}", f"generated/{name}", lineterm="")
    return lines


def report(lines: list[str]) -> int:
    """Print the differences, and what to do about them; return the exit status."""
    if not lines:
        print("regen: the generated code is up to date")
        return 0
    print("\n".join(lines))
    print(f"regen: {PACKAGE.relative_to(ROOT)} is out of date. Run scripts/regen.sh and commit.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
