# shellcheck shell=bash
# OpenSSL's headers for the black-box tests: a client that others wrote links it. Nothing that is shipped does. Sourced, never run.

# shellcheck source=scripts/lib/apt.sh
. "$ROOT/scripts/lib/apt.sh"

# Finds the headers, after one try to get them, or says what to install. Elsewhere than on Linux the build looks for itself.
openssl_ready() {
  [ "$(uname -s)" = Linux ] && [ -z "${OPENSSL_DIR:-}" ] || return 0
  pkg-config --exists openssl 2>/dev/null && return
  apt_install libssl-dev pkg-config && pkg-config --exists openssl 2>/dev/null && return
  fail "the tests need OpenSSL's headers and pkg-config: install libssl-dev and pkg-config (Debian), or openssl-devel (Fedora)"
}
