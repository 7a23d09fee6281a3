#!/usr/bin/env bash
# Record cassettes/ again, for tests/replay: from the local server, or from the real API.
#
#   ./scripts/record.sh                                     from the local server
#   REPLICATE_API_TOKEN=r8_… ./scripts/record.sh --live     from the real API: runs models, which costs some cents
#
# Recordings are scrubbed (tests/replay/scrubbing.py). Read `git diff cassettes` before you commit anyway.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

REPLICATE_RECORD=local
if [[ ${1:-} == --live ]]; then
  : "${REPLICATE_API_TOKEN:?record.sh: --live needs a token: set REPLICATE_API_TOKEN}"
  REPLICATE_RECORD=live
  shift
fi
export REPLICATE_RECORD

./scripts/setup.sh
.venv/bin/python -m pytest tests/replay/test_replay.py "$@"
unset REPLICATE_RECORD
exec .venv/bin/python -m pytest tests/replay
