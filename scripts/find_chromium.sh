#!/bin/sh
# Makes sure of a Chromium for the tests of the tab, and prints where it is. Debian's package is driven as it is; the builds that
# Playwright would download are not needed.
set -eu
for name in chromium chromium-browser google-chrome; do
    command -v "$name" && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null
    command -v chromium && exit 0
fi
echo "browser: there is no Chromium; on Debian: sudo apt-get install chromium" >&2
exit 1
