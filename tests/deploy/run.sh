#!/usr/bin/env bash
# Builds what users run, then installs, boots and runs it for real: the systemd unit, the container
# image, the packages. Needs root and the packages of `deploy/install-deps.sh --deploy`. One line a
# check, each part's log kept when it fails; exit 0 only when every check of every part passed.
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
for tool in mmdebstrap systemd-nspawn systemd-analyze nsenter; do
  if ! command -v "$tool" >/dev/null; then
    say "$tool is missing; run deploy/install-deps.sh --deploy" >&2
    exit 77
  fi
done

work=$(mktemp -d /var/tmp/weft-deploy.XXXXXX)
children=()
# The parts end what they started when they are told to; only then their folders go.
finish() {
  local child
  for child in "${children[@]}"; do kill -TERM "$child" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

say "building the release binaries"
cmake --preset release --log-level=WARNING >"$work/build.log" 2>&1 &&
  cmake --build --preset release --parallel "$(nproc)" --target weftd weft >>"$work/build.log" \
    2>&1 || { tail -n 40 "$work/build.log"; say "FAIL: the release build"; exit 1; }
say "built in $SECONDS s; parts: ${parts[*]}"

# What every part finds in its environment: the built binaries, and a folder of its own that is
# removed at the end.
export WEFT_BIN_DIR=$PWD/build/release/bin
for part in "${parts[@]}"; do
  mkdir "$work/$part"
  script=$(script_of "$part")
  runner=(bash)
  [[ $script == *.py ]] && runner=(/usr/bin/python3)
  WEFT_WORK_DIR=$work/$part "${runner[@]}" "$script" &
  children+=($!)
done

failed=()
for i in "${!parts[@]}"; do
  wait "${children[i]}" || failed+=("${parts[i]}")
done
children=()
if ((${#failed[@]} > 0)); then
  say "FAIL in $SECONDS s: ${failed[*]} (of ${parts[*]})"
  exit 1
fi
say "PASS in $SECONDS s: ${parts[*]}"
