# shellcheck shell=bash
# shellcheck disable=SC2034 # the scripts that source this use what it sets
# What every script needs: where things lie, how they speak, how a long step is run. Sourced, never run.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# Tools that were built or fetched once; outside the tree, so that a fresh checkout finds them.
TOOLS=${EDGEWATCH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/edgewatch/tools}
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
# ordinary: what a user's machine can fetch; debian: Debian's packages and a std built here; auto: the first, then the second.
TOOLCHAIN=${EDGEWATCH_TOOLCHAIN:-auto}

say() { printf '%s\n' "$*" >&2; }
fail() { say "$(basename "$0"): $*"; exit 1; }

# help: prints the comment at the head of the script that is running.
help() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }

# long TITLE COMMAND…: runs it with its output in a log, a line now and then, and the log's end when it fails.
long() {
  local title=$1 log begun=$SECONDS pid status=0 next=15
  shift
  mkdir -p "$TOOLS/log"
  log=$TOOLS/log/$(printf '%s' "$title" | tr -c 'A-Za-z0-9.\n' '-').$$.log
  say "  $title …"
  "$@" >"$log" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.2
    if ((SECONDS - begun >= next)); then
      say "    $((SECONDS - begun)) s: $(tail -n 1 "$log" | tr -d '\r' | cut -c1-100)"
      next=$((SECONDS - begun + 15))
    fi
  done
  wait "$pid" || status=$?
  if ((status == 0)); then
    say "  $title: done in $((SECONDS - begun)) s"
    rm -f "$log"
  else
    # What the compiler said stands far above what the tools around it say at the end.
    if grep -q '^ *error' "$log"; then
      say "  $title: failed after $((SECONDS - begun)) s; the first error of $log:"
      grep -m 1 -A 24 '^ *error' "$log" | sed 's/^/    /' >&2
    fi
    say "  $title: failed after $((SECONDS - begun)) s; the end of $log:"
    tail -n 25 "$log" | sed 's/^/    /' >&2
  fi
  return "$status"
}

# one_at_a_time NAME: waits until no other script holds NAME; released when this script ends.
one_at_a_time() {
  command -v flock >/dev/null || return 0
  mkdir -p "$TOOLS"
  exec {LOCK}>"$TOOLS/.lock-$1"
  flock -n "$LOCK" || { say "  waiting for another script ($1) …"; flock "$LOCK"; }
}
let_others() { [ -z "${LOCK:-}" ] || exec {LOCK}>&-; LOCK=; }

# locked_version CRATE: the version that Cargo.lock holds.
locked_version() {
  awk -v name="\"$1\"" '$1 == "name" { found = $3 == name } found && $1 == "version" { gsub(/"/, "", $3); print $3; exit }' \
    "$ROOT/Cargo.lock"
}

# digest: one word for what comes in.
digest() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1
}

# hash_files PATH…: one word for the contents and names of all files below.
hash_files() {
  (cd "$ROOT" && find "$@" -type f -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 cat -- 2>/dev/null | digest
   find "$@" -type f 2>/dev/null | LC_ALL=C sort | digest) | digest
}
