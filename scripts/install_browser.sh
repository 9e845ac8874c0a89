#!/usr/bin/env bash
# Installs Debian's Chromium, which the browser test of the sign-in page drives. Needs root.
set -euo pipefail
if command -v chromium >/dev/null; then
    echo "Chromium is installed: $(command -v chromium)"
    exit 0
fi
apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium
