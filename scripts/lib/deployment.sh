# shellcheck shell=bash
# shellcheck disable=SC2034 # the scripts that source this use what it sets
# Speaking to Cloudflare: the configuration of one deployment and its database. Sourced after common.sh and node.sh.

# wrangler.toml with the values of one deployment in it; written anew each time, never tracked.
DEPLOYMENT=$ROOT/wrangler.deploy.toml
DATABASE=edgewatch
# Stands in wrangler.toml, and for local runs.
NO_DATABASE=00000000-0000-0000-0000-000000000001

# apart COMMAND…: runs it where no wrangler.toml lies: wrangler would offer to write into it, or take the local id from it.
apart() { (cd / && "$@"); }

# database_id: the id of the account's database, nothing when there is none.
database_id() {
  if [ -n "${EDGEWATCH_DATABASE_ID:-}" ]; then
    printf '%s\n' "$EDGEWATCH_DATABASE_ID"
    return
  fi
  apart wrangler d1 list --json | node -e '
    const found = JSON.parse(require("fs").readFileSync(0, "utf8")).find(({ name }) => name === process.argv[1]);
    if (found) console.log(found.uuid);' -- "$DATABASE"
}

# configure ID: writes the deployment's configuration.
configure() {
  {
    echo "# Written by scripts from wrangler.toml; change that one."
    sed "s/^database_id = .*/database_id = \"$1\"/" "$ROOT/wrangler.toml"
  } >"$DEPLOYMENT"
  grep -qx "database_id = \"$1\"" "$DEPLOYMENT" || fail "wrangler.toml has no line for database_id"
}

# account_ready: wrangler is signed in, or says how.
account_ready() {
  if [ -n "${CLOUDFLARE_API_TOKEN:-}" ]; then return 0; fi
  wrangler whoami --json >/dev/null 2>&1 || fail "not signed in: run \`npx wrangler login\`, or set CLOUDFLARE_API_TOKEN (and CLOUDFLARE_ACCOUNT_ID)"
}
