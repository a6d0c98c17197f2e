#!/bin/bash
# Lets a monitor look at this Proxmox Backup Server: makes a user that may read, and a token for it, and registers both. Run it as root
# on the server. PULSE_REG_TOKEN in the environment is a registration token, PULSE_SETUP_TOKEN a setup code, where the server asks
# for one.
set -u

PULSE_URL=@PULSE_URL@
# The server's address; empty for this machine's name.
NODE_HOST=@HOST@
TOKEN_NAME=@TOKEN_NAME@

MONITOR_USER=pulse-monitor@pbs
TOKEN_ID="$MONITOR_USER!$TOKEN_NAME"

say() { printf '%s\n' "$*"; }
fail() {
  printf 'Error: %s\n' "$*" >&2
  exit 1
}

# A text as JSON has it.
json_text() {
  local text=$1
  text=$(printf '%s' "$text" | tr -d '\000-\037')
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  printf '"%s"' "$text"
}

# Tokens of earlier runs: whoever sits at a terminal may remove them, else they stay.
offer_removal() {
  local old name answer
  old=$(proxmox-backup-manager user list-tokens "$MONITOR_USER" 2>/dev/null | grep -oE 'pulse-[A-Za-z0-9-]+-[0-9]+' | sort -u)
  [ -n "$old" ] || return 0
  say "Tokens of earlier runs:"
  while IFS= read -r name; do say "  $name"; done <<<"$old"
  if ! { : </dev/tty; } 2>/dev/null; then
    say "They are kept: there is no terminal to ask at."
    return 0
  fi
  printf 'Remove them? [y/N] ' >/dev/tty
  IFS= read -r answer </dev/tty || answer=n
  case $answer in
    [yY]*)
      while IFS= read -r name; do
        proxmox-backup-manager user delete-token "$MONITOR_USER" "$name" </dev/null && say "Removed $name"
      done <<<"$old"
      ;;
    *) say "They are kept." ;;
  esac
}

value_of() { printf '%s\n' "$1" | sed -n 's/.*"value"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' | head -n 1; }

make_token() { proxmox-backup-manager user generate-token "$MONITOR_USER" "$TOKEN_NAME" 2>&1; }

grant() {
  proxmox-backup-manager acl update / Audit --auth-id "$MONITOR_USER" || fail "the right to read could not be granted"
  proxmox-backup-manager acl update / Audit --auth-id "$TOKEN_ID" || fail "the right to read could not be granted to the token"
}

register() {
  local host body answer
  local -a header=()
  host=${NODE_HOST:-https://$(hostname -f):8007}
  body="{\"type\":\"pbs\",\"host\":$(json_text "$host"),\"serverName\":$(json_text "$(hostname -f)"),\"tokenId\":$(json_text "$TOKEN_ID"),\"tokenValue\":$(json_text "$1")}"
  if [ -n "${PULSE_REG_TOKEN:-}" ]; then header+=(-H "X-Registration-Token: $PULSE_REG_TOKEN"); fi
  if [ -n "${PULSE_SETUP_TOKEN:-}" ]; then header+=(-H "X-Setup-Token: $PULSE_SETUP_TOKEN"); fi
  # The body goes by standard input: arguments can be read by everybody on this machine.
  answer=$(printf '%s' "$body" | curl -sS --max-time 30 -X POST "$PULSE_URL/api/auto-register" -H 'Content-Type: application/json' ${header[@]+"${header[@]}"} --data-binary @- 2>&1)
  case $answer in
    *success*) say "Registered at $PULSE_URL."; return 0 ;;
    *) say "Not registered: $answer"; return 1 ;;
  esac
}

main() {
  local made value
  [ "$(id -u)" -eq 0 ] || fail "run this as root"
  command -v proxmox-backup-manager >/dev/null || fail "proxmox-backup-manager is missing: run this on a Proxmox Backup Server"
  offer_removal
  proxmox-backup-manager user create "$MONITOR_USER" --comment "Monitoring: may read" 2>/dev/null || say "The user $MONITOR_USER exists."
  if ! made=$(make_token); then
    # This very script ran before: nobody can be told the value of its token any more, so it gets another.
    proxmox-backup-manager user delete-token "$MONITOR_USER" "$TOKEN_NAME" >/dev/null 2>&1 || fail "no token could be made: $made"
    made=$(make_token) || fail "no token could be made: $made"
  fi
  value=$(value_of "$made")
  [ -n "$value" ] || fail "the token's value is not in what was printed: $made"
  grant
  if register "$value"; then
    say "Token: $TOKEN_ID"
  else
    say "Add the server by hand at $PULSE_URL:"
    say "  Address:     ${NODE_HOST:-https://$(hostname -f):8007}"
    say "  Token:       $TOKEN_ID"
    say "  Token value: $value"
  fi
  say "An Edgewatch agent that can reach this server polls it: $PULSE_URL/install.sh installs one."
}

main "$@"
