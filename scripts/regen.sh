#!/usr/bin/env bash
# Regenerate generated/replicate_api from openapi.json, in its own environment (.regen-venv).
#   scripts/regen.sh                      from openapi.json
#   scripts/regen.sh --spec FILE_OR_URL   replace openapi.json first: JSON or YAML, a file or https
#   scripts/regen.sh --check              change nothing; fail if the generated code is out of date
# REGEN_PYTHON names the Python to use, 3.11 or newer.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
environment=$root/.regen-venv
requirements=$root/scripts/codegen/requirements.txt

suits() { # -I: a types.py in the current folder must not shadow Python's own
  "$1" -I -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
  local candidate candidates=(python3.13 python3.12 python3.11 python3.14 python3)
  if [[ -n ${REGEN_PYTHON:-} ]]; then
    candidates=("$REGEN_PYTHON")
  fi
  for candidate in "${candidates[@]}"; do
    if suits "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  echo "regen: the generator needs Python 3.11 or newer, with venv. Install one, or name it: REGEN_PYTHON=..." >&2
  return 1
}

if ! cmp -s "$requirements" "$environment/installed.txt" || ! suits "$environment/bin/python"; then
  python=$(find_python)
  echo "regen: setting up .regen-venv" >&2
  "$python" -I -m venv --clear "$environment"
  "$environment/bin/python" -I -m pip install --quiet --disable-pip-version-check --no-deps -r "$requirements" >&2
  cp "$requirements" "$environment/installed.txt"
fi

exec "$environment/bin/python" -E -s "$root/scripts/codegen/regenerate.py" "$@"
