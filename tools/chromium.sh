#!/usr/bin/env bash
# Sees to it that Chromium is there for the tests that look at pages. Where it is missing and cannot be
# installed (no root, no apt-get), it says so and those tests are skipped.
set -euo pipefail

chromium=${PELLUCID_CHROMIUM:-/usr/bin/chromium}
if [ ! -x "$chromium" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends chromium
fi
if [ -x "$chromium" ]; then
    "$chromium" --version
else
    echo "No Chromium at $chromium: the tests that look at pages are skipped."
fi
