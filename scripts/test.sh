#!/usr/bin/env bash
# Set up, and run the tests on all processors; options go to pytest.
#
#   ./scripts/test.sh           all tests
#   ./scripts/test.sh --quick   without those that take long
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

./scripts/setup.sh
exec .venv/bin/python -m pytest --numprocesses auto --dist worksteal "$@"
