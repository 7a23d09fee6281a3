#!/usr/bin/env bash
# Set up, and show the client at work against a local server, or against the real API:
#
#   ./scripts/demo.sh
#   REPLICATE_API_TOKEN=r8_… ./scripts/demo.sh --live owner/model [NAME=VALUE …]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

"$root/scripts/setup.sh" demo
exec "$root/.venv/bin/python" "$root/examples/demo.py" "$@"
