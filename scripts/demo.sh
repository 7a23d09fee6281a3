#!/usr/bin/env bash
# Set up, and demonstrate the client with a local server, or with the real API:
#
#   ./scripts/demo.sh
#   REPLICATE_API_TOKEN=r8_… ./scripts/demo.sh --live owner/model [NAME=VALUE …]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

"$root/scripts/setup.sh" demo
exec "$root/.venv/bin/python" "$root/examples/demo.py" "$@"
