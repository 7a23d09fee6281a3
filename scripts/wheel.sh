#!/usr/bin/env bash
# Build the wheel, check its contents, and run the tests against it in a fresh environment, without the source.
# Tests of scripts/ and of the workflows are skipped there, because those folders are missing.
#
#   ./scripts/wheel.sh [PYTEST OPTIONS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

./scripts/setup.sh
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

echo "- build"
.venv/bin/python -m build --no-isolation --outdir "$scratch" . >"$scratch/log" 2>&1 || { cat "$scratch/log" >&2; exit 1; }
wheel=$(echo "$scratch"/*.whl)

echo "- contents of $(basename "$wheel")"
.venv/bin/python - "$wheel" <<'EOF'
import sys
from pathlib import Path
from zipfile import ZipFile

roots = {"replicate": Path(), "replicate_api": Path("generated")}
wanted = {
    path.relative_to(folder).as_posix()
    for name, folder in roots.items()
    for path in (folder / name).rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
found = {name for name in ZipFile(sys.argv[1]).namelist() if ".dist-info/" not in name}
faults = [f"{name} is missing" for name in wanted - found] + [f"{name} does not belong there" for name in found - wanted]
faults += [f"{name}/py.typed is missing" for name in roots if f"{name}/py.typed" not in found]
sys.exit("\n".join(sorted(faults)) or None)
EOF

echo "- install"
.venv/bin/python -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install -qq --disable-pip-version-check "$wheel[test]"

echo "- test"
mkdir "$scratch/project"
cp -R tests cassettes examples openapi.json pyproject.toml "$scratch/project"
cd "$scratch/project"
# The quick tests use every part of the package: they show that the wheel is complete and works.
"$scratch/venv/bin/python" -m pytest --numprocesses auto --dist worksteal --quick "$@"
