#!/usr/bin/env bash
# Set up, and run the tests on all processors; other options go to pytest.
#
#   ./scripts/test.sh           all tests
#   ./scripts/test.sh --quick   without those that take long (SLOW in tests/conftest.py)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ${1:-} == --quick ]]; then
  set -- -m "not slow" "${@:2}"
fi
./scripts/setup.sh
exec .venv/bin/python -m pytest --numprocesses auto --dist worksteal "$@"
