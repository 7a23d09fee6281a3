#!/usr/bin/env bash
# Run the tests that users write (tests/mocked) with a published client, in its own environment:
#
#   ./scripts/mocked.sh 1.0.7 [PYTEST OPTIONS]
#   ./scripts/mocked.sh 2.0.0b4 [PYTEST OPTIONS]
#   ./scripts/mocked.sh 1.0.7 --record             record cassettes/mocked/ of that client again
#
# Only the tests of its generation run. 1.0.7 does not run on Python 3.14: PYTHON=/path/to/python3.13 chooses another.
# A failure shows one line and no traceback: the published code is only run here, and never read.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=${1:?mocked.sh: which published client: 1.0.7 or 2.0.0b4?}
shift
python=${PYTHON:-python3}
home=$PWD/.mocked/$version

# The tools have the versions of our own tests.
tools=$("$python" - <<'EOF'
import tomllib

with open("pyproject.toml", "rb") as project:
    extra = tomllib.load(project)["project"]["optional-dependencies"]["test"]
print(*[tool for tool in extra if tool.startswith(("pytest==", "pytest-httpx==", "respx==", "vcrpy=="))])
EOF
)
[[ -x $home/bin/python ]] || "$python" -m venv "$home"
# shellcheck disable=SC2086 - each tool is a word
"$home/bin/python" -m pip install -qq --disable-pip-version-check "replicate==$version" $tools

unset PYTHONPATH
export PYTHONDONTWRITEBYTECODE=1
cd tests/mocked
run() {
  "$home/bin/pytest" -c /dev/null --rootdir . --confcutdir . --import-mode importlib --strict-markers \
    -p no:cacheprovider --tb line "$@"
}

if [[ ${1:-} == --record ]]; then
  shift
  PYTHONPATH=$PWD run -p recording test_vcr.py "$@"
fi
run "$@"
