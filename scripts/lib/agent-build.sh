# shellcheck shell=bash
# Builds the agent as it is shipped and lays it where the Worker hands it out. Sourced; the command is scripts/build-agent.
#
# What a target needs beside cargo is its std (rustup has it) and a C compiler (for ring). Both are looked for on this machine
# first and fetched when they are missing; a fetched compiler is kept outside the tree and found again.

# shellcheck source=scripts/lib/apt.sh
. "$(dirname "${BASH_SOURCE[0]}")/apt.sh"

# Source: the version that built and ran the agent for both targets; 80 MB to fetch, 341 MB on disk.
AGENT_ZIG_VERSION=0.13.0

agent_say() { printf '%s\n' "build-agent: $*" >&2; }

# Where tools stay that were fetched once.
agent_tools_dir() { printf '%s' "${EDGEWATCH_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/edgewatch/tools}"; }

agent_has_std() {
  local libdir
  libdir=$(rustc --print target-libdir --target "$1" 2>/dev/null) && compgen -G "$libdir/libstd-*.rlib" >/dev/null
}

# Whether the target's std is at hand, after one try to get it.
agent_ensure_std() {
  agent_has_std "$1" && return
  command -v rustup >/dev/null || return
  agent_say "fetching the standard library for $1"
  timeout 180 rustup target add "$1" >/dev/null 2>&1
  agent_has_std "$1"
}

# zig as a C compiler for an architecture: a wrapper's path, or false. With `fetch` it comes from PyPI, which needs no root.
agent_zig_cc() {
  local arch=$1 fetch=${2:-} home zig wrapper
  home=$(agent_tools_dir)/ziglang-$AGENT_ZIG_VERSION
  zig=$(command -v zig) || zig=$home/ziglang/zig
  if [ ! -x "$zig" ]; then
    [ "$fetch" = fetch ] && python3 -m pip --version >/dev/null 2>&1 || return 1
    agent_say "fetching zig $AGENT_ZIG_VERSION from PyPI as the C compiler for $arch (80 MB)"
    rm -rf "$home.new"
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install -q --disable-pip-version-check --no-deps --no-compile --only-binary :all: \
      --target "$home.new" "ziglang==$AGENT_ZIG_VERSION" >&2 || return 1
    rm -rf "$home" && mv "$home.new" "$home" || return 1
  fi
  mkdir -p "$home" || return 1
  wrapper=$home/cc-$arch
  # The cc crate adds --target in a spelling that zig does not know.
  cat >"$wrapper.new" <<WRAPPER
#!/bin/sh
for argument in "\$@"; do
  shift
  case \$argument in --target=*) ;; *) set -- "\$@" "\$argument" ;; esac
done
exec '$zig' cc -target $arch-linux-musl "\$@"
WRAPPER
  printf "#!/bin/sh\nexec '%s' ar \"\$@\"\n" "$zig" >"$home/ar.new"
  chmod +x "$wrapper.new" "$home/ar.new"
  mv "$wrapper.new" "$wrapper" && mv "$home/ar.new" "$home/ar" || return 1
  printf '%s' "$wrapper"
}

# Sets agent_cc, agent_ar (may stay empty) and agent_cflags for an architecture; false when no compiler can be had.
# Cheapest first: what is installed, then Debian's cross compiler (40 MB, root), then zig (80 MB, anybody).
agent_find_cc() {
  local arch=$1 candidate debian
  agent_ar='' agent_cflags=''
  # ring takes only a few headers' worth from libc, which glibc's serve too, but for the checked functions that musl lacks.
  local against_glibc=-U_FORTIFY_SOURCE
  local installed=("$arch-linux-musl-gcc" "$arch-linux-gnu-gcc")
  [ "$arch" != "$(uname -m)" ] || installed=(musl-gcc "$arch-linux-musl-gcc" cc gcc clang)
  for candidate in "${installed[@]}"; do
    if agent_cc=$(command -v "$candidate"); then
      case $candidate in *musl*) ;; *) agent_cflags=$against_glibc ;; esac
      return
    fi
  done
  if agent_cc=$(agent_zig_cc "$arch"); then
    agent_ar=$(dirname "$agent_cc")/ar
    return
  fi
  case $arch in
    aarch64) debian='gcc-aarch64-linux-gnu libc6-dev-arm64-cross' ;;
    x86_64) debian='gcc-x86-64-linux-gnu libc6-dev-amd64-cross' ;;
  esac
  # shellcheck disable=SC2086 # two packages
  if apt_install $debian && agent_cc=$(command -v "$arch-linux-gnu-gcc"); then
    agent_cflags=$against_glibc
    return
  fi
  agent_cc=$(agent_zig_cc "$arch" fetch) || return 1
  agent_ar=$(dirname "$agent_cc")/ar
}

# What is built: the plain agent for every host, and one with the heavy parts that few need.
AGENT_KINDS=(edgewatch-agent edgewatch-agent-full)
agent_kind=${AGENT_KINDS[0]}

# The features of a kind. Source: design; what would cost the plain agent more than 300 kB is in the other one.
agent_features() {
  case $1 in
    edgewatch-agent) printf '%s' itcockpit ;;
    edgewatch-agent-full) printf '%s' itcockpit,proxmox ;;
  esac
}

# agent_cargo TARGET [rustc flag...]: one build of $agent_kind, with no path of this machine left in the binary.
agent_cargo() {
  local target=$1 flags joined flag
  shift
  flags=("$@" "--remap-path-prefix=$agent_root=/edgewatch" "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
    "--remap-path-prefix=$(rustc --print sysroot)=/rust")
  joined=${CARGO_ENCODED_RUSTFLAGS:-$(printf '%s' "${RUSTFLAGS:-}" | tr -s ' ' '\037')}
  for flag in "${flags[@]}"; do joined=${joined:+$joined$'\037'}$flag; done
  # What the agent says it was built from; without git it does not know.
  EDGEWATCH_REVISION=${EDGEWATCH_REVISION:-$(git -C "$agent_root" rev-parse --short=7 HEAD 2>/dev/null || echo unknown)} \
    CARGO_ENCODED_RUSTFLAGS=$joined cargo build --manifest-path "$agent_root/Cargo.toml" -p edgewatch-agent --profile agent --target "$target" \
    --no-default-features --features "$(agent_features "$agent_kind")"
}

# Whether a build of the agent runs: by itself, or under qemu. A program that only cannot be tried passes, and that is said.
agent_try() {
  local arch=$1 binary=$2 runner='' version status=0
  if [ "$arch" != "$(uname -m)" ]; then
    runner=$(command -v "qemu-$arch" || command -v "qemu-$arch-static") ||
      { apt_install qemu-user && runner=$(command -v "qemu-$arch"); } || {
      agent_say "not tried: there is no qemu-$arch here (Debian: qemu-user)"
      return 0
    }
  fi
  version=$(${runner:+"$runner"} "$binary" --version) || status=$?
  if [ -z "$version" ] || [ "$status" != 0 ]; then
    agent_say "the agent for $arch does not tell its version (exit $status)"
    return 1
  fi
  # Without a configuration `check` may well report a fault; it must not crash.
  timeout 60 ${runner:+"$runner"} "$binary" check </dev/null >/dev/null 2>&1 || status=$?
  if [ "$status" -ge 124 ]; then
    agent_say "the agent for $arch breaks off in \`check\` (exit $status)"
    return 1
  fi
  agent_say "tried${runner:+ under ${runner##*/}}: $version; check exits with $status"
}

# Takes away what an earlier run published for an architecture that can no longer be built: it would be of another version.
agent_withdraw() {
  rm -f "$1/worker/public/download/edgewatch-agent"{,-full}"-$2-unknown-linux-musl"{,.sha256}
}

# agent_publish ARCH BINARY: tries a new build of $agent_kind and lays it out with its checksum; nothing happens to one that is there already.
agent_publish() {
  local arch=$1 binary=$2 name=$agent_kind-$1-unknown-linux-musl out=$agent_root/worker/public/download
  # The compiler refuses it already; what is handed out to every host is looked at again.
  if grep -aq EDGEWATCH_TEST_CLOCK_FILE "$binary"; then
    agent_say "$binary was built with the test clock: it is not for shipping"
    return 1
  fi
  if [ -f "$out/$name.sha256" ] && cmp -s "$binary" "$out/$name" && (cd "$out" && sha256sum --quiet -c "$name.sha256") >/dev/null 2>&1; then
    agent_say "$name is unchanged"
    return
  fi
  agent_try "$arch" "$binary" || return
  mkdir -p "$out" || return
  rm -f "$out/$name.sha256"
  cp "$binary" "$out/$name.new" && mv "$out/$name.new" "$out/$name" || return
  (cd "$out" && sha256sum "$name" >"$name.new" && mv "$name.new" "$name.sha256") || return
  agent_say "$name: $(stat -c %s "$out/$name") bytes"
}

# agent_build ROOT ARCH: builds and publishes one target. Exit 3: this machine lacks what the target needs.
agent_build() {
  agent_root=$1
  local arch=$2 target=$2-unknown-linux-musl native=no under upper built=${CARGO_TARGET_DIR:-$1/target}
  [ "$arch" != "$(uname -m)" ] || native=yes
  if agent_ensure_std "$target"; then
    agent_find_cc "$arch" || {
      agent_say "there is no C compiler for $target, and none could be fetched"
      return 3
    }
    under=${target//-/_}
    upper=${under^^}
    # What the caller set goes first.
    local cc=CC_$under ar=AR_$under cflags=CFLAGS_$under linker=CARGO_TARGET_${upper}_LINKER
    local settings=("$cc=${!cc:-$agent_cc}")
    [ -z "${!ar:-$agent_ar}" ] || settings+=("$ar=${!ar:-$agent_ar}")
    [ -z "${!cflags:-$agent_cflags}" ] || settings+=("$cflags=${!cflags:-$agent_cflags}")
    # rustc brings a linker and musl's own start files: only the C code needs more than that.
    [ $native = yes ] || settings+=("$linker=${!linker:-$(agent_linker)}")
    for agent_kind in "${AGENT_KINDS[@]}"; do
      agent_say "building $agent_kind for $target"
      (export "${settings[@]}" && agent_cargo "$target") || return 1
      agent_publish "$arch" "$built/$target/agent/edgewatch-agent" || return 1
    done
  elif [ $native = yes ]; then
    target=$arch-unknown-linux-gnu
    agent_say "there is no standard library for $arch-unknown-linux-musl: building for $target, linked statically."
    agent_say "That is good for this machine; where glibc is another version it may fail to resolve names."
    for agent_kind in "${AGENT_KINDS[@]}"; do
      agent_cargo "$target" -Ctarget-feature=+crt-static || return 1
      agent_publish "$arch" "$built/$target/agent/edgewatch-agent" || return 1
    done
  else
    agent_say "there is no standard library for $target, and rustup could not fetch it"
    return 3
  fi
}

# The linker for another architecture: rustc's own where it came with one.
agent_linker() {
  if compgen -G "$(rustc --print sysroot)/lib/rustlib/*/bin/rust-lld" >/dev/null; then
    printf rust-lld
  else
    printf '%s' "$agent_cc"
  fi
}

# The registration script as an asset; the Worker writes its public address into it when it hands it out.
agent_publish_script() {
  local from=$1/scripts/nezha_register.sh to=$1/worker/public/install.sh
  mkdir -p "${to%/*}"
  cmp -s "$from" "$to" || { cp "$from" "$to.new" && chmod 644 "$to.new" && mv "$to.new" "$to"; }
}
