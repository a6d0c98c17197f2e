#!/bin/bash
# Lets a monitor look at this Proxmox VE: makes a user that may read, and a token for it, and registers both. Run it as root on a node.
# PULSE_REG_TOKEN in the environment is a registration token, PULSE_SETUP_TOKEN a setup code, where the server asks for one.
set -u

PULSE_URL=@PULSE_URL@
# The node's address; empty for this machine's name.
NODE_HOST=@HOST@
TOKEN_NAME=@TOKEN_NAME@
BACKUP_PERMS=@BACKUP_PERMS@

MONITOR_USER=pulse-monitor@pam
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
  old=$(pveum user token list "$MONITOR_USER" 2>/dev/null | grep -oE 'pulse-[A-Za-z0-9-]+-[0-9]+' | sort -u)
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
        pveum user token remove "$MONITOR_USER" "$name" </dev/null && say "Removed $name"
      done <<<"$old"
      ;;
    *) say "They are kept." ;;
  esac
}

# The token's value: of JSON, or of the table that older releases print.
value_of() {
  local value
  value=$(printf '%s\n' "$1" | sed -n 's/.*"value"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' | head -n 1)
  if [ -z "$value" ]; then
    value=$(printf '%s\n' "$1" | awk -F '│' '{ key = $2; gsub(/ /, "", key); if (key == "value") { gsub(/ /, "", $3); print $3; exit } }')
  fi
  printf '%s' "$value"
}

# A token, as JSON where this release writes it.
make_token() {
  pveum user token add "$MONITOR_USER" "$TOKEN_NAME" --privsep 0 --output-format json 2>&1 ||
    pveum user token add "$MONITOR_USER" "$TOKEN_NAME" --privsep 0 2>&1
}

grant() {
  local major guest
  pveum aclmod / -user "$MONITOR_USER" -role PVEAuditor || fail "the right to read could not be granted"
  # What agents within guests say of their disks has a privilege of its own, which is called otherwise since release 9.
  major=$(pveversion 2>/dev/null | sed -n 's|^pve-manager/\([0-9]*\).*|\1|p')
  if [ "${major:-8}" -ge 9 ]; then guest=VM.GuestAgent.Audit; else guest=VM.Monitor; fi
  if pveum role add PulseMonitor -privs "Sys.Audit $guest Datastore.Audit" 2>/dev/null ||
    pveum role modify PulseMonitor -privs "Sys.Audit $guest Datastore.Audit" 2>/dev/null; then
    pveum aclmod / -user "$MONITOR_USER" -role PulseMonitor || say "Guests' disks will not be seen from within."
  else
    say "Guests' disks will not be seen from within: the role PulseMonitor could not be made."
  fi
  if [ "$BACKUP_PERMS" = true ]; then
    pveum aclmod /storage -user "$MONITOR_USER" -role PVEDatastoreAdmin || say "Not all backups will be seen."
  fi
}

register() {
  local host body answer
  local -a header=()
  host=${NODE_HOST:-https://$(hostname -f):8006}
  body="{\"type\":\"pve\",\"host\":$(json_text "$host"),\"serverName\":$(json_text "$(hostname -f)"),\"tokenId\":$(json_text "$TOKEN_ID"),\"tokenValue\":$(json_text "$1")}"
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
  command -v pveum >/dev/null || fail "pveum is missing: run this on a node of Proxmox VE"
  offer_removal
  pveum user add "$MONITOR_USER" --comment "Monitoring: may read" 2>/dev/null || say "The user $MONITOR_USER exists."
  if ! made=$(make_token); then
    # This very script ran before: nobody can be told the value of its token any more, so it gets another.
    pveum user token remove "$MONITOR_USER" "$TOKEN_NAME" >/dev/null 2>&1 || fail "no token could be made: $made"
    made=$(make_token) || fail "no token could be made: $made"
  fi
  value=$(value_of "$made")
  [ -n "$value" ] || fail "the token's value is not in what was printed: $made"
  grant
  if register "$value"; then
    say "Token: $TOKEN_ID"
  else
    say "Add the node by hand at $PULSE_URL:"
    say "  Address:     ${NODE_HOST:-https://$(hostname -f):8006}"
    say "  Token:       $TOKEN_ID"
    say "  Token value: $value"
  fi
  say "An Edgewatch agent that can reach this node polls it: $PULSE_URL/install.sh installs one."
}

main "$@"
