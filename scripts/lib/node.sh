# shellcheck shell=bash
# Node and the npm packages: wrangler, workerd, wasm-opt, esbuild. Sourced after common.sh.

# node_ready: npm's packages are those of package-lock.json, and `node` on PATH is one that wrangler runs on.
node_ready() {
  local stamp=$ROOT/node_modules/.edgewatch-lock wanted version
  wanted=$(digest <"$ROOT/package-lock.json")
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    command -v npm >/dev/null || fail "npm is missing: install Node 20.19 or newer with npm, from your system or nodejs.org"
    one_at_a_time npm
    long "npm packages" npm ci --prefix "$ROOT" --no-audit --no-fund --loglevel=error ||
      fail "npm could not install the packages; the lines above say why"
    printf '%s\n' "$wanted" >"$stamp"
    let_others
  fi
  # The package `node` brings its own; where its install did not work, the system's must do.
  export PATH=$ROOT/node_modules/.bin:$PATH
  version=$(node --version 2>/dev/null || echo v0)
  case $version in
    v2[2-9].* | v[3-9][0-9].*) ;;
    *) fail "Node $version is too old for wrangler: the npm package node did not install here, so please install Node 22.12 or newer" ;;
  esac
  export WRANGLER_SEND_METRICS=false
}
