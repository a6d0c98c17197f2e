# shellcheck shell=bash
# The browser that the dashboard is tested in. Sourced after common.sh.

. "$ROOT/scripts/lib/apt.sh"

# browser_ready: there is a Chromium, or EDGEWATCH_BROWSER names one.
browser_ready() {
  local name
  [ -z "${EDGEWATCH_BROWSER:-}" ] || return 0
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null; then return 0; fi
  done
  apt_install chromium && command -v chromium >/dev/null ||
    fail "the dashboard is tested in a browser, and there is none: install Chromium (Debian: apt-get install chromium), or name one in EDGEWATCH_BROWSER"
}
