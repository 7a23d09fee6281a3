#!/usr/bin/env bash
# Run packages by other people that use replicate, with the published client and with this one, against the local
# server, and write docs/downstream.md:
#
#   ./scripts/downstream.sh                 all packages of scripts/downstream/packages.toml
#   ./scripts/downstream.sh NAME ...        only these; print the table, and write nothing
#
# Each package has its own environment in .downstream, which is kept for the next run. PYTHON=/path/to/python chooses
# the Python of the environments: 3.11 to 3.13, because 1.0.7 does not run on 3.14.
# The script fails if something works with the published client, but not with this one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

unset PYTHONPATH
export PYTHONDONTWRITEBYTECODE=1
exec "${PYTHON:-python3}" scripts/downstream/compare.py "$@"
