# shellcheck shell=bash
# shellcheck disable=SC2034 # the scripts that source this use what it sets
# What turns Rust into a Worker: the wasm target, worker-build, wasm-bindgen. Sourced after common.sh and node.sh.
# Everything is looked for first, fetched second, built last; each lies under its version in $TOOLS.

WASM=wasm32-unknown-unknown
# How long the distribution server may take to answer before we turn to the other way.
PATIENCE_S=120
# Optimised little: these tools run for seconds, and build in two minutes instead of five.
QUICK=(CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16)

# What looks the code over for wasm: Debian's compiler brings no clippy of its own version.
WASM_LINT=clippy

# wasm_ready: `cargo build --target wasm32-unknown-unknown` will work in this shell.
wasm_ready() {
  case $TOOLCHAIN in
    ordinary) wasm_ordinary || wasm_advice ;;
    debian) wasm_debian || wasm_advice ;;
    auto) wasm_ordinary || wasm_debian || wasm_advice ;;
    *) fail "EDGEWATCH_TOOLCHAIN is ordinary, debian or auto, not $TOOLCHAIN" ;;
  esac
}

wasm_advice() {
  fail "Rust has no $WASM target here. Either let \`rustup target add $WASM\` reach its server,
  or install a Rust that brings it (Debian: rustc-web cargo-web rust-web-src and an lld), then run this again."
}

wasm_std_in() { compgen -G "$1/libstd-*.rlib" >/dev/null; }

wasm_ordinary() {
  local libdir
  command -v rustc >/dev/null || { say "rustc is missing: install stable Rust from rustup.rs"; return 1; }
  libdir=$(cd "$ROOT" && rustc --target "$WASM" --print target-libdir 2>/dev/null) || return 1
  if wasm_std_in "$libdir"; then return 0; fi
  command -v rustup >/dev/null || return 1
  one_at_a_time rustup
  (cd "$ROOT" && long "Rust's $WASM target" timeout "$PATIENCE_S" rustup target add "$WASM") || true
  let_others
  wasm_std_in "$libdir"
}

# Debian ships the compiler with the sources of std but without a std for wasm32-unknown-unknown. We build that once and lay it beside
# links to Debian's own parts, in a sysroot of ours: nothing below /usr changes, and rustup is not involved.
wasm_debian() {
  local version home linker
  command -v apt-get >/dev/null || return 1
  debian_packages || return 1
  version=$(/usr/bin/rustc --version | cut -d' ' -f2)
  home=$TOOLS/rust-web-$version
  linker=$(compgen -c wasm-ld | LC_ALL=C sort -V | tail -n 1)
  [ -n "$linker" ] || { say "  no wasm-ld: Debian's package lld-22 has one"; return 1; }
  one_at_a_time rust-web
  if [ ! -e "$home/ready" ]; then
    long "Rust's std for $WASM (Debian's rustc $version)" build_std "$home" || { let_others; return 1; }
    touch "$home/ready"
  fi
  let_others
  export PATH=$home/bin:$PATH
  export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker
  WASM_LINT=check
  unset RUSTUP_TOOLCHAIN RUSTC
  hash -r # bash forgets where rustc was
}

debian_packages() {
  local sudo=()
  if [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && [ -d "$(debian_std_sources)" ] && compgen -c wasm-ld >/dev/null; then
    return 0
  fi
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      say "  as root: apt-get install --no-install-recommends rustc-web cargo-web rust-web-src lld-22"
      return 1
    fi
    sudo=(sudo)
  fi
  long "Debian's Rust packages" "${sudo[@]}" bash -c \
    'apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends rustc-web cargo-web rust-web-src lld-22'
}

debian_std_sources() { printf '%s/lib/rustlib/src/rust/library/std' "$(/usr/bin/rustc --print sysroot 2>/dev/null)"; }

build_std() {
  local home=$1 work sysroot libdir part
  work=$(mktemp -d)
  sysroot=$home/sysroot
  libdir=$sysroot/lib/rustlib/$WASM/lib
  rm -rf "$home"
  mkdir -p "$home/bin" "$libdir" "$work/src"
  for part in /usr/lib/rustlib/*; do
    [ "$(basename "$part")" = "$WASM" ] || ln -s "$part" "$sysroot/lib/rustlib/"
  done
  printf '#!/bin/sh\nexec /usr/bin/rustc --sysroot "%s" "$@"\n' "$sysroot" >"$home/bin/rustc"
  chmod +x "$home/bin/rustc"
  ln -s /usr/bin/cargo "$home/bin/cargo"
  printf '[package]\nname = "throwaway"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$work/Cargo.toml"
  printf '#![no_std]\n' >"$work/src/lib.rs"
  # Without embedded bitcode a later `lto = true` fails: "Can't find section .llvmbc".
  (cd "$work" && env -u RUSTUP_TOOLCHAIN -u CARGO_TARGET_DIR RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes \
    /usr/bin/cargo build --release -Z build-std=std,panic_abort,panic_unwind --target "$WASM") || return 1
  cp "$work/target/$WASM/release/deps/"*.rlib "$libdir/" && rm -f "$libdir"/libthrowaway-*.rlib && rm -rf "$work"
  wasm_std_in "$libdir"
}

# tool_from_crates CRATE VERSION BINARY: puts $TOOLS/BINARY-VERSION/bin/BINARY there unless it is, and says where.
tool_from_crates() {
  local crate=$1 version=$2 binary=$3 home
  home=$TOOLS/$binary-$version
  if [ ! -x "$home/bin/$binary" ]; then
    one_at_a_time "$binary"
    if [ ! -x "$home/bin/$binary" ]; then
      # The tool's own lock file first; where a registry does not have all of it, whatever fits.
      long "$binary $version (once)" env "${QUICK[@]}" CARGO_TARGET_DIR="$TOOLS/target-$binary" \
        cargo install --locked --root "$home" "$crate@$version" ||
        long "$binary $version with today's dependencies (once)" env "${QUICK[@]}" CARGO_TARGET_DIR="$TOOLS/target-$binary" \
          cargo install --root "$home" "$crate@$version" ||
        fail "cargo could not install $crate $version; the lines above say why"
      rm -rf "$TOOLS/target-$binary"
    fi
    let_others
  fi
  printf '%s\n' "$home/bin/$binary"
}

# wasm_bindgen: where the wasm-bindgen of exactly the locked version is: cached, the project's own release, or built.
wasm_bindgen() {
  local version home archive
  version=$(locked_version wasm-bindgen)
  home=$TOOLS/wasm-bindgen-$version
  if [ ! -x "$home/bin/wasm-bindgen" ] && [ "$TOOLCHAIN" != debian ] && [ "$(uname -sm)" = "Linux x86_64" ]; then
    archive=wasm-bindgen-$version-x86_64-unknown-linux-musl
    mkdir -p "$home/bin"
    curl -fsSL --connect-timeout 5 --max-time 60 "https://github.com/wasm-bindgen/wasm-bindgen/releases/download/$version/$archive.tar.gz" \
      2>/dev/null | tar -xz -C "$home/bin" --strip-components=1 "$archive/wasm-bindgen" 2>/dev/null ||
      { rm -rf "$home"; say "  wasm-bindgen $version: its release could not be fetched, so it is built"; }
  fi
  tool_from_crates wasm-bindgen-cli "$version" wasm-bindgen
}

# worker_tools: worker-build's path in WORKER_BUILD, and the tools that it would otherwise download in its variables.
worker_tools() {
  WORKER_BUILD=$(tool_from_crates worker-build "$(locked_version worker)" worker-build)
  WASM_BINDGEN_BIN=$(wasm_bindgen)
  WASM_OPT_BIN=$ROOT/node_modules/.bin/wasm-opt
  ESBUILD_BIN=$ROOT/node_modules/.bin/esbuild
  export WASM_BINDGEN_BIN WASM_OPT_BIN ESBUILD_BIN
  local found
  found=$("$WASM_BINDGEN_BIN" --version | cut -d' ' -f2)
  [ "$found" = "$(locked_version wasm-bindgen)" ] ||
    fail "$WASM_BINDGEN_BIN is version $found, Cargo.lock has $(locked_version wasm-bindgen): remove it and run this again"
}
