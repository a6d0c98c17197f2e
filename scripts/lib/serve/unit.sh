# shellcheck shell=bash
# shellcheck disable=SC2154 # sourced by scripts/serve, whose options these are
# The systemd unit of scripts/serve. Sourced, never run.

# unit_word TEXT: a word of a command line as systemd reads it.
unit_word() {
  local word=${1//\\/\\\\}
  word=${word//\"/\\\"} word=${word//%/%%} word=${word//\$/\$\$}
  printf '"%s"' "$word"
}

# install_unit FILE: writes the unit with the options of this call.
install_unit() {
  local file=$1 command options=() homes=yes option state=''
  for option in "$data" "$ROOT" "$address" "$public_url" "$key_file" "$env_file" "$trust" "$file"; do
    case $option in *[[:cntrl:]]*) fail "a unit takes no control characters" ;; esac
  done
  options=(--no-build --data "$data" --address "$address" --port "$port")
  [ -z "$public_url" ] || options+=(--public-url "$public_url")
  [ -z "$key_file" ] || options+=(--key-file "$key_file")
  [ -z "$env_file" ] || options+=(--env-file "$env_file")
  [ -z "$trust" ] || options+=(--trust "$trust")
  command=$(unit_word "$ROOT/scripts/serve")
  for option in "${options[@]}"; do command+=" $(unit_word "$option")"; done
  # What lies in somebody's home can be read there, and nothing else.
  case $ROOT/ in
    /root/* | /home/*)
      homes=read-only
      say "The source tree lies in somebody's home, where another user may not look: /opt/edgewatch would be a better place."
      ;;
  esac
  # Below /var/lib systemd makes the folder for a user that it makes as well; elsewhere the folder's owner runs it.
  case $data in
    /var/lib/*/*) ;;
    /var/lib/*) state=$(printf 'DynamicUser=yes\nStateDirectory=%s\nStateDirectoryMode=0700' "${data#/var/lib/}") ;;
  esac
  if [ -z "$state" ]; then
    [ -d "$data" ] || fail "$data is not there: make it, owned by the user who shall run this"
    state=$(printf 'User=%s\nReadWritePaths=%s' "$(stat -c %U "$data")" "$(unit_word "$data")")
    case $data/ in /root/* | /home/*) homes=no ;; esac
  fi
  cat >"$file.new" <<UNIT
# Written by scripts/serve --install-unit; write it anew to change it.
[Unit]
Description=Edgewatch
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
ExecStart=$command
# Secrets of people who want them outside the data: NAME=VALUE lines, mode 0600, read by systemd alone.
EnvironmentFile=-/etc/edgewatch/serve.env
$state
UMask=0077
Restart=always
RestartSec=5
TimeoutStopSec=30
KillMode=mixed
OOMPolicy=stop
LimitNOFILE=65536
# The runtime makes machine code while it runs, so MemoryDenyWriteExecute cannot be.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome=$homes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
UNIT
  mv "$file.new" "$file"
  [ -s "$ROOT/build/index.js" ] || say "Nothing is built yet: run scripts/build-worker before you start it."
  say "Wrote $file. Next: systemctl daemon-reload && systemctl enable --now $(basename "$file")"
}
