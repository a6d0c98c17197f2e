# shellcheck shell=bash
# Debian's packages. Sourced, never run.

# Installs packages where that can be done without asking anybody: as root, with apt.
apt_install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  printf '%s\n' "$(basename "$0"): installing $* by apt-get" >&2
  local quiet=(-qq -y --no-install-recommends -o Dpkg::Use-Pty=0)
  DEBIAN_FRONTEND=noninteractive apt-get install "${quiet[@]}" "$@" >/dev/null 2>&1 ||
    { apt-get update -qq >/dev/null 2>&1 && DEBIAN_FRONTEND=noninteractive apt-get install "${quiet[@]}" "$@" >/dev/null 2>&1; }
}
