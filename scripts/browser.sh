#!/usr/bin/env bash
# Install Chromium for the test that renders a notebook, if that is possible: on Debian and Ubuntu, as root.
# Otherwise, or if there is a browser already, do nothing. The test is skipped without a browser.
set -euo pipefail

for name in chromium chromium-browser google-chrome chrome; do
  ! command -v "$name" >/dev/null || exit 0
done
if ! command -v apt-get >/dev/null || [[ $(id -u) != 0 ]]; then
  echo "browser.sh: there is no browser, and none is installed: that takes apt-get and root" >&2
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
timeout 300 sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium" >/dev/null 2>&1 ||
  echo "browser.sh: Chromium could not be installed; the test that needs it skips" >&2
