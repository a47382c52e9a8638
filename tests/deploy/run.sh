#!/usr/bin/env bash
# Builds the Debian packages once, then installs, boots and runs for real what users run: the
# systemd unit, the container image, the packages. Needs root and `deploy/install-deps.sh --deploy`.
# One line a check; exit 0 only when every check of every part passed.
#
# usage: tests/deploy/run.sh [unit] [container] [packages]      (none named: every part there is)
set -euo pipefail

cd "$(dirname "$0")/../.."

known_parts=(unit container packages)

say() { echo "deploy: $*"; }
# Prints a part's script; nothing when there is none.
script_of() {
  local script
  for script in "tests/deploy/$1".{sh,py}; do
    [[ ! -f $script ]] || echo "$script"
  done
}

parts=("$@")
if ((${#parts[@]} == 0)); then
  for part in "${known_parts[@]}"; do
    [[ -z $(script_of "$part") ]] || parts+=("$part")
  done
fi
for part in "${parts[@]}"; do
  if [[ " ${known_parts[*]} " != *" $part "* || -z $(script_of "$part") ]]; then
    say "there is no part '$part'; expected some of: ${known_parts[*]}" >&2
    exit 64
  fi
done
if ((EUID != 0)); then
  say "needs root: it boots a system and builds images; run it as root or through sudo" >&2
  exit 77
fi
for tool in mmdebstrap systemd-nspawn nsenter cpack lintian buildah podman runc jq curl; do
  if ! command -v "$tool" >/dev/null; then
    say "$tool is missing; run deploy/install-deps.sh --deploy" >&2
    exit 77
  fi
done

work=$(mktemp -d /var/tmp/weft-deploy.XXXXXX)
# Where there is memory for them, the trees are kept in it: to delete them from a disk can take
# longer than all checks.
readonly tree_kib_max=$((4 << 20))
memory_kib=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
((memory_kib < 2 * tree_kib_max)) ||
  mount -t tmpfs -o "size=${tree_kib_max}k,mode=755" weft-deploy "$work"
# What every part finds in its environment: the packages, the file that is there once they are
# built, and a folder of its own that is removed at the end.
export WEFT_PACKAGES=$PWD/build/package/packages WEFT_BUILT=$work/built
declare -A children=()

# In a process group of its own, so that it can be ended with what it waits for.
start_part() {
  local script runner=(bash)
  script=$(script_of "$1")
  [[ $script == *.py ]] && runner=(/usr/bin/python3)
  mkdir "$work/$1"
  WEFT_WORK_DIR=$work/$1 setsid "${runner[@]}" "$script" &
  children[$1]=$!
}

# The parts end what they started when they are told to; only then their folders go.
finish() {
  local child
  for child in "${children[@]}"; do kill -TERM -- "-$child" 2>/dev/null || true; done
  wait
  ! mountpoint -q "$work" || umount --lazy "$work"
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# In the image's locale, which ccache looks at.
build() {
  unset LC_ALL LC_CTYPE LC_MESSAGES
  export LANG=C.UTF-8
  cmake --preset package --log-level=WARNING &&
    cmake --build --preset package --parallel "$(nproc)" &&
    rm -rf "$WEFT_PACKAGES" && cpack --preset package
}

# The image's base and compilers are fetched while the packages are built. It then compiles on its
# own, as it does for everyone, out of the compiler's cache that was filled here.
[[ " ${parts[*]} " != *" container "* ]] || start_part container
say "building the packages"
(build) >"$work/build.log" 2>&1 || {
  tail -n 40 "$work/build.log"
  say "FAIL: the packages do not build"
  exit 1
}
touch "$WEFT_BUILT"
say "built in $SECONDS s; parts: ${parts[*]}"
for part in "${parts[@]}"; do
  [[ -n ${children[$part]-} ]] || start_part "$part"
done

failed=()
for part in "${parts[@]}"; do
  wait "${children[$part]}" || failed+=("$part")
  unset "children[$part]"
done
if ((${#failed[@]} > 0)); then
  say "FAIL in $SECONDS s: ${failed[*]} (of ${parts[*]})"
  exit 1
fi
say "PASS in $SECONDS s: ${parts[*]}"
