#!/bin/sh
# Registers this machine with an Edgewatch server and installs the Edgewatch agent, which then reports there.
#
#   curl -fsSL https://YOUR-SERVER/install.sh | NEZHA_TOKEN=... sh
#   NEZHA_TOKEN=... NEZHA_DASHBOARD_URL=https://YOUR-SERVER ./nezha_register.sh
#
# It takes the variables of Nezha's published script of the same name; `--help` lists them. It may be run again at any time:
# the machine stays the same host, and the agent is replaced by the version that the server hands out.
#
# The token and the host's secret are never on a command line, where every user of the machine could read them: they go
# through pipes and through files of mode 0600, which are removed at the end.
set -eu

# The server writes its public address over this one word, the only one of its kind in this file, when it hands the script
# out. It must be an https URL of letters, digits and `.`, `-`, `:`, `/` alone: it is not quoted any further.
DEFAULT_DASHBOARD_URL='__EDGEWATCH_PUBLIC_URL__'

AGENT=edgewatch-agent

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
  warn "$*"
  exit 1
}

usage() {
  cat <<'HELP'
Usage: nezha_register.sh [--no-start]
       nezha_register.sh --uninstall [--purge]
       curl -fsSL https://YOUR-SERVER/install.sh | NEZHA_TOKEN=... sh -s -- [options]

Registers this machine with an Edgewatch server and installs the agent. Running it again upgrades the agent.

  --no-start    install, but do not start the service
  --uninstall   stop and remove the agent; its settings and secret stay
  --purge       with --uninstall: remove the settings and the secret too
  --help        this text

Variables:
  NEZHA_TOKEN              a token that may register hosts; without one nothing is done
  NEZHA_DASHBOARD_URL      the server, https://...; a script that came from a server knows its own
  NODE_NAME                the name of this host (default: the host name)
  NEZHA_PROBE_ADDRESS      accepted and not used: the agent reports to NEZHA_DASHBOARD_URL
  NEZHA_PROBE_PORT         the same
  EDGEWATCH_ROOT           a directory to install below instead of /, to try it without touching the machine
  EDGEWATCH_INSECURE_HTTP  1 allows an http:// server on another machine: the token then travels in clear

Root (or sudo) is needed only to read the secret of an earlier run and to install.
HELP
}

# --- Root, paths, temporary files ----------------------------------------------------------------------------------------

set_paths() {
  root=${EDGEWATCH_ROOT:-}
  case $root in
    '' | /*) ;;
    *) root=$PWD/$root ;;
  esac
  root=${root%/}
  etc=$root/etc/edgewatch
  installed=$root/usr/local/bin/$AGENT

  sudo=''
  if [ -z "$root" ] && [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || die "Installing the agent needs root: run this as root, or install sudo."
    sudo=sudo
    warn "Parts of this need root: sudo may ask for your password."
  fi
}

# Runs a command as root where that is needed. Its standard input is never ours: that may be this very script.
as_root() { $sudo "$@" </dev/null; }

make_temp() {
  temp=''
  trap '[ -z "$temp" ] || rm -rf "$temp"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  temp=$(mktemp -d "${TMPDIR:-/tmp}/edgewatch.XXXXXX") || die "Cannot make a temporary directory."
}

need() {
  for tool in "$@"; do
    command -v "$tool" >/dev/null 2>&1 || die "This script needs \`$tool\`, which is not installed."
  done
}

# --- What the caller gave ------------------------------------------------------------------------------------------------

# Takes the token out of the environment, so that no child inherits it.
take_token() {
  token=${NEZHA_TOKEN:-}
  unset NEZHA_TOKEN
  if [ -z "$token" ]; then
    say "NEZHA_TOKEN is not set. Exiting."
    exit 0
  fi
  case $token in
    *[!\ -~]*) die "NEZHA_TOKEN holds characters that no token has. Copy it again, without line breaks." ;;
  esac
}

# Sets `url`, without a slash at its end, `protocols`, those that curl may speak, and `insecure` when http:// was insisted on.
take_url() {
  insecure=no
  case $DEFAULT_DASHBOARD_URL in __*) DEFAULT_DASHBOARD_URL='' ;; esac
  url=${NEZHA_DASHBOARD_URL:-$DEFAULT_DASHBOARD_URL}
  [ -n "$url" ] || die "NEZHA_DASHBOARD_URL is not set. Set it to the address of your server, https://..."
  while [ "$url" != "${url%/}" ]; do url=${url%/}; done
  case $url in
    *[!A-Za-z0-9._~:/%[\]-]*) die "NEZHA_DASHBOARD_URL must be a plain address such as https://monitor.example.com, without user name or query." ;;
    https://?*) protocols='=https' ;;
    http://?*)
      if ! is_loopback "$url"; then
        [ "${EDGEWATCH_INSECURE_HTTP:-}" = 1 ] ||
          die "NEZHA_DASHBOARD_URL is http://: the token and all reports would travel in clear. Use https://, or set EDGEWATCH_INSECURE_HTTP=1 if you must."
        insecure=yes
      fi
      protocols='=http,https'
      ;;
    *) die "NEZHA_DASHBOARD_URL must begin with https://" ;;
  esac
}

# Whether a URL names this machine: `localhost`, `[::1]` or 127.0.0.0/8, with or without a port.
is_loopback() {
  authority=${1#*://}
  authority=${authority%%/*}
  case $authority in
    '[::1]' | '[::1]:'*) return 0 ;;
  esac
  host=${authority%:*}
  case $host in
    localhost) return 0 ;;
    *[!0-9.]*) return 1 ;;
    127.*.*.*) return 0 ;;
  esac
  return 1
}

# Sets `target`, the build of the agent that runs on this machine.
find_target() {
  [ "$(uname -s)" = Linux ] || die "The Edgewatch agent runs on Linux; this machine is $(uname -s)."
  case $(uname -m) in
    x86_64 | amd64) target=x86_64-unknown-linux-musl ;;
    aarch64 | arm64) target=aarch64-unknown-linux-musl ;;
    *) die "There is no ready-made agent for $(uname -m), only for x86_64 and aarch64. Build it here from the sources (cargo build -p $AGENT --profile agent), then run: $AGENT install --help" ;;
  esac
}

# The argument as a JSON string, quotes included, in plain ASCII. Bytes that are not UTF-8 become U+FFFD.
json_string() {
  printf '%s' "$1" | od -An -v -tu1 | awk '
    function hex4(code) { return sprintf("\\u%04x", code) }
    { for (i = 1; i <= NF; i++) byte[count++] = $i + 0 }
    END {
      text = ""
      for (i = 0; i < count; i += width) {
        lead = byte[i]
        more = lead < 128 ? 0 : lead < 194 ? -1 : lead < 224 ? 1 : lead < 240 ? 2 : lead < 245 ? 3 : -1
        code = more == 1 ? lead - 192 : more == 2 ? lead - 224 : more == 3 ? lead - 240 : lead
        for (k = 1; k <= more; k++) {
          if (i + k >= count || byte[i + k] < 128 || byte[i + k] > 191) { more = -1; break }
          code = code * 64 + byte[i + k] - 128
        }
        if (more == 2 && (code < 2048 || (code >= 55296 && code <= 57343))) more = -1
        if (more == 3 && (code < 65536 || code > 1114111)) more = -1
        width = more < 0 ? 1 : more + 1
        if (more < 0) text = text hex4(65533)
        else if (code >= 65536) text = text hex4(55296 + int((code - 65536) / 1024)) hex4(56320 + (code - 65536) % 1024)
        else if (code < 32 || code > 126 || code == 34 || code == 92) text = text hex4(code)
        else text = text sprintf("%c", code)
      }
      printf "\"%s\"", text
    }'
}

# --- HTTP ----------------------------------------------------------------------------------------------------------------

find_client() {
  if command -v curl >/dev/null 2>&1; then
    client=curl
  elif wget --version 2>/dev/null | grep -q 'GNU Wget'; then
    # Only GNU's takes headers from a file; the others would show the token in the list of processes.
    client=wget
  else
    die "This script needs curl (or GNU wget), which is not installed."
  fi
}

# Sends $temp/body to the registration, leaves the answer in $temp/answer and sets `http_code`, 000 when there was none.
post_registration() {
  endpoint="$url/api/v1/server/register?simple=true"
  : >"$temp/answer"
  if [ "$client" = curl ]; then
    escaped=$(printf '%s' "$token" | sed 's/[\\"]/\\&/g')
    http_code=$(printf 'header = "Authorization: %s"\n' "$escaped" |
      curl -K - -sS -g --proto "$protocols" --connect-timeout 20 --max-time 60 -H 'Content-Type: application/json' \
        --data-binary "@$temp/body" -o "$temp/answer" -w '%{http_code}' "$endpoint") || true
  else
    printf 'header = Authorization: %s\n' "$token" >"$temp/wgetrc"
    wget --config="$temp/wgetrc" -q -S --tries=1 --timeout=60 --max-redirect=0 --content-on-error \
      --header='Content-Type: application/json' --post-file="$temp/body" -O "$temp/answer" "$endpoint" \
      </dev/null 2>"$temp/headers" || true
    http_code=$(sed -n 's|^ *HTTP/[0-9.]* \([0-9][0-9][0-9]\).*|\1|p' "$temp/headers" | tail -n 1)
    rm -f "$temp/wgetrc"
  fi
  http_code=${http_code:-000}
}

# download PATH FILE: false, with the client's own words, when the server does not have it.
download() {
  if [ "$client" = curl ]; then
    curl -fsS -g --proto "$protocols" --connect-timeout 20 --max-time 600 --retry 2 -o "$2" "$url$1" </dev/null
  else
    wget -nv --tries=3 --timeout=60 --max-redirect=0 -O "$2" "$url$1" </dev/null 2>"$temp/headers" || {
      cat "$temp/headers" >&2
      return 1
    }
  fi
}

# --- Registration --------------------------------------------------------------------------------------------------------

# A number that is this machine's own and tells nothing about it: a hash of its machine id, the same that the agent sends.
# Nothing when it has none.
machine_number() {
  for id_file in "$root/etc/machine-id" /etc/machine-id /var/lib/dbus/machine-id; do
    [ -r "$id_file" ] || continue
    id=$(tr -d '[:space:]' <"$id_file")
    # systemd writes `uninitialized` before the first boot is through.
    case $id in *[!0-9A-Fa-f]*) return 0 ;; esac
    [ ${#id} -eq 32 ] || return 0
    sum=$(printf 'edgewatch:%s' "$id" | sha256sum)
    printf '%s' "${sum%% *}"
    return 0
  done
}

# The secret that an earlier run left, or nothing. Only with it is this machine the same host as before.
stored_secret() {
  file=$etc/secret
  if [ -r "$file" ]; then
    found=$(cat "$file")
  elif [ -e "$file" ] || { [ -d "$etc" ] && [ ! -x "$etc" ]; }; then
    # shellcheck disable=SC2016 # the inner shell expands it
    found=$(as_root sh -c '[ ! -f "$1" ] || cat "$1"' sh "$file") || die "Cannot read $file, the secret of an earlier run."
  else
    return 0
  fi
  if is_secret "$found"; then
    printf '%s' "$found"
  else
    warn "$file does not hold a secret and is not used."
  fi
}

is_secret() {
  case $1 in *[!0-9A-Za-z]*) return 1 ;; esac
  [ ${#1} -eq 18 ]
}

# Sets `secret`, this host's own.
register() {
  name=$(json_string "${NODE_NAME:-$(hostname 2>/dev/null || uname -n)}")
  number=$(machine_number)
  known=$(stored_secret)
  {
    printf '{"Name":%s' "$name"
    [ -z "$number" ] || printf ',"MachineId":"%s"' "$number"
    [ -z "$known" ] || printf ',"Secret":"%s"' "$known"
    printf '}'
  } >"$temp/body"

  post_registration
  token=''
  if [ "$http_code" != 200 ]; then
    say "Failed to get Nezha Secret. HTTP status code: $http_code"
    exit 1
  fi
  # At most 64 KiB, and nothing that could steer a terminal.
  answer=$(head -c 65536 "$temp/answer" | tr -d '\000-\010\013-\037\177')
  case $answer in
    '{'*)
      say "Failed to get Nezha Secret. Received response: $(printf '%s' "$answer" | mask)"
      exit 1
      ;;
  esac
  secret=${answer#\"}
  secret=${secret%\"}
  is_secret "$secret" || die "Failed to get Nezha Secret. The answer is not one: 18 letters and digits were expected."

  if [ -n "$known" ] && [ "$known" != "$secret" ]; then
    warn "The server did not know this machine's earlier secret: it is now a second host there. Merge or delete the old one in the dashboard."
  fi
}

# Hides whatever looks like a secret.
mask() {
  sed 's/\("[Ss]ecret" *: *"\)[^"]\{1,\}"/\1******************"/g'
}

# Puts the secret where the agent's installer and the agent look for it. It is done before the download, so that a run that
# fails from here on can be repeated as the same host.
keep_secret() {
  printf '%s\n' "$secret" >"$temp/secret"
  [ "$known" != "$secret" ] || return 0
  # shellcheck disable=SC2016 # the inner shell expands it
  as_root sh -c '
    umask 022; mkdir -p "$1" &&
    umask 077 && cat "$2" >"$1/secret.new" && mv -f "$1/secret.new" "$1/secret"
  ' sh "$etc" "$temp/secret" || die "Cannot write $etc/secret."
}

# --- Agent ---------------------------------------------------------------------------------------------------------------

# Leaves the agent in $temp, checked against the checksum that the server publishes for it.
fetch_agent() {
  file=$AGENT-$target
  say "Downloading $url/download/$file"
  download "/download/$file.sha256" "$temp/sum" ||
    die "The server has no agent for this machine ($target). The registration is kept: run this again once the server has it."
  download "/download/$file" "$temp/$AGENT" || die "Failed to download the agent. The registration is kept: run this again."

  wanted=$(head -c 64 "$temp/sum")
  got=$(sha256sum <"$temp/$AGENT")
  got=${got%% *}
  if [ ${#wanted} -ne 64 ] || [ "$wanted" != "$got" ]; then
    die "The downloaded agent is not the one that the server vouches for (SHA-256 $got). Nothing was installed."
  fi

  chmod 700 "$temp/$AGENT"
  status=0
  version=$("$temp/$AGENT" --version </dev/null 2>&1) || status=$?
  case $status in
    0) say "Verified: $version" ;;
    126) die "${TMPDIR:-/tmp} does not allow running programs. Set TMPDIR to a directory that does, and run this again." ;;
    *) die "The downloaded agent does not run on this machine (exit $status): $version" ;;
  esac
}

install_agent() {
  set -- install --url "$url"
  [ $insecure = no ] || set -- "$@" --insecure-http
  [ -z "$root" ] || set -- "$@" --root "$root"
  [ $start = yes ] || set -- "$@" --no-start
  say "Run command : $AGENT $* (secret: ******************)"
  # What was said here is said by the line above; the agent would take some of it for settings to keep.
  unset NODE_NAME NEZHA_DASHBOARD_URL EDGEWATCH_INSECURE_HTTP EDGEWATCH_SECRET EDGEWATCH_TOKEN
  umask 022
  as_root "$temp/$AGENT" "$@" || die "The installation failed. The registration is kept: run this again."
  say "This machine is a host of $url"
}

uninstall() {
  if [ -x "$installed" ] || { [ -n "$sudo" ] && as_root test -x "$installed"; }; then
    set -- uninstall
    [ -z "$root" ] || set -- "$@" --root "$root"
    [ "$purge" = no ] || set -- "$@" --purge
    as_root "$installed" "$@" || die "The agent could not be removed."
  else
    say "The Edgewatch agent is not installed here."
    # What a run that failed half way, or an uninstallation without --purge, has left.
    if [ "$purge" = yes ]; then
      as_root rm -rf "$etc" "$root/var/lib/edgewatch"
      [ -n "$root" ] || ! id edgewatch >/dev/null 2>&1 || as_root userdel edgewatch || warn "The user edgewatch is still there."
    fi
  fi
}

# -------------------------------------------------------------------------------------------------------------------------

main() {
  action=install purge=no start=yes
  for option in "$@"; do
    case $option in
      --help | -h)
        usage
        exit 0
        ;;
      --no-start) start=no ;;
      --uninstall) action=uninstall ;;
      --purge) purge=yes ;;
      *)
        warn "Unknown option: $option"
        usage >&2
        exit 2
        ;;
    esac
  done
  if [ "$purge" = yes ] && [ "$action" != uninstall ]; then
    warn "--purge goes with --uninstall."
    exit 2
  fi

  umask 077
  LC_ALL=C
  export LC_ALL
  if [ "$action" = uninstall ]; then
    set_paths
    uninstall
    exit 0
  fi

  take_token
  take_url
  find_target
  need awk head id mktemp od sed sha256sum tail tr
  find_client
  set_paths
  make_temp
  if [ -n "${NEZHA_PROBE_ADDRESS:-}${NEZHA_PROBE_PORT:-}" ]; then
    say "NEZHA_PROBE_ADDRESS and NEZHA_PROBE_PORT are not used: the agent reports to $url"
  fi

  register
  keep_secret
  fetch_agent
  install_agent
}

# In braces, so that a script that was cut off on its way, even within this line, does nothing at all.
{ main "$@"; exit; }
