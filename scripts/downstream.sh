#!/usr/bin/env bash
# Drive packages of other people that use replicate, with the published client and with this one, against the local
# server, and write docs/downstream.md:
#
#   ./scripts/downstream.sh                 all packages of scripts/downstream/packages.toml
#   ./scripts/downstream.sh NAME ...        only these; prints the table, and writes nothing
#
# Each package has an environment of its own in .downstream, which stays for the next run. PYTHON=/path/to/python
# chooses the Python that they are made of: 3.11 to 3.13, since 1.0.7 does not run on 3.14.
# It fails where something works with the published client, and not with this one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

unset PYTHONPATH
export PYTHONDONTWRITEBYTECODE=1
exec "${PYTHON:-python3}" scripts/downstream/compare.py "$@"
