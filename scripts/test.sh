#!/usr/bin/env bash
# Set up, and run all tests on all processors: ./scripts/test.sh [PYTEST OPTIONS]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

./scripts/setup.sh
exec .venv/bin/python -m pytest --numprocesses auto --dist worksteal "$@"
