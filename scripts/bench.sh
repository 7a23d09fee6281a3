#!/usr/bin/env bash
# Compare this client with raw httpx and the published clients, and write docs/benchmarks.md:
#
#   ./scripts/bench.sh [--rounds N] [--without-files]
#   ./scripts/bench.sh --requests     only count requests, which takes seconds
#   ./scripts/bench.sh --warm         only measure warm calls, compared with raw httpx
#   ./scripts/bench.sh --crossings    only count what a warm call passes through, which takes seconds
#
# Takes some minutes. The published clients are installed in their own environments, and are only run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

./scripts/setup.sh

install() { # FOLDER REQUIREMENT
  [[ -x .bench/$1/bin/python ]] || .venv/bin/python -m venv ".bench/$1"
  ".bench/$1/bin/python" -m pip install -qq --disable-pip-version-check "$2"
}

rm -rf .bench/ours # otherwise an old wheel of the same version would stay
install ours '.[aiohttp]'
install v1 replicate==1.0.7
install v2 replicate==2.0.0b4

exec .venv/bin/python benchmarks "$@"
