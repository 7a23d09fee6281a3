#!/usr/bin/env bash
# Set up, and run all static checks: style, types, workflows. Pyright needs Node.
#
#   ./scripts/lint.sh           check
#   ./scripts/lint.sh --fix     first fix what can be fixed automatically
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

./scripts/setup.sh
bin=.venv/bin
failed=0

check() {
  echo "- $*"
  "$bin/$@" || failed=1
}

if [[ ${1:-} == --fix ]]; then
  check ruff check --quiet --fix .
  check ruff format --quiet .
fi
check ruff check --quiet --output-format concise .
check ruff format --check --quiet --output-format concise .
check mypy
check pyright --project . --pythonpath "$bin/python"
echo "- pyright --verifytypes replicate"  # all public names have declared types; it uses the python on PATH
found=$(PATH="$PWD/$bin:$PATH" pyright --project . --verifytypes replicate --ignoreexternal) || { echo "$found"; failed=1; }
check zizmor --offline --strict-collection --quiet .github

exit "$failed"
