#!/usr/bin/env bash
# Set up .venv for work on this project; does almost nothing if it is up to date.
#
#   ./scripts/setup.sh          everything: tests, linters, build tools (extra "dev")
#   ./scripts/setup.sh demo     only the requirements of the demo
#
# Needs Python 3.11 or newer. PYTHON=/path/to/python3.12 chooses one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

purpose=${1:-dev}
case $purpose in
  dev) needs=(--editable ".[dev]") ;;
  demo) needs=(--editable ".[local]" pillow) ;;
  *) echo "setup.sh: unknown purpose \"$purpose\": choose dev or demo" >&2; exit 2 ;;
esac

python=${PYTHON:-.venv/bin/python}
"$python" -c "" 2>/dev/null || python=${PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
  echo "setup.sh: there is no $python here: install Python 3.11 or newer, or set PYTHON to the path of one" >&2
  exit 1
fi

# The inputs of .venv: the interpreter, this folder, and pyproject.toml.
fingerprint=$("$python" - <<'EOF'
import hashlib, os, sys
if sys.version_info < (3, 11):
    sys.exit("setup.sh: %s is Python %s, and 3.11 or newer is needed: set PYTHON to the path of one"
             % (sys.executable, sys.version.split()[0]))
try:
    import ensurepip, venv
except ImportError:
    sys.exit("setup.sh: %s cannot make virtual environments: install its venv package "
             "(on Debian and Ubuntu: apt-get install python3-venv)" % sys.executable)
with open("pyproject.toml", "rb") as project:
    print(hashlib.sha256("\n".join((sys.version, os.getcwd())).encode() + project.read()).hexdigest())
EOF
)

for ready in "$purpose" dev; do # an environment for dev serves every purpose
  [[ $(cat ".venv/ready-$ready" 2>/dev/null) != "$fingerprint" ]] || exit 0
done

echo "Setting up .venv with $("$python" -V) for \"$purpose\" …" >&2
rm -f .venv/ready-*
build() { "$1" -c "import sys; print(sys.version)" 2>/dev/null; }
if [[ $(build .venv/bin/python) != "$(build "$python")" ]]; then
  "$python" -m venv --clear .venv
fi
.venv/bin/python -m pip install -qq --disable-pip-version-check "${needs[@]}"
echo "$fingerprint" >".venv/ready-$purpose"
