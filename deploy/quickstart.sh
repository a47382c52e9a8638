#!/usr/bin/env bash
# From a fresh clone to real results: installs what is needed, builds, starts weftd without a
# configuration, hashes real files of this machine through it and checks each digest against
# sha256sum.
#
#   deploy/quickstart.sh [FOLDER] [--keep]
#
# FOLDER: where the files come from (default /usr/share/doc). --keep leaves weftd running.
# Exit code: 0 when every digest agrees.
set -euo pipefail

readonly file_count_wanted=1000
readonly file_count_max=5000
readonly payload_bytes_max=$((4 * 1024 * 1024))

folder=/usr/share/doc
keep=false
for argument in "$@"; do
  case "$argument" in
    --keep) keep=true ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "quickstart: unknown option $argument, expected --keep" >&2; exit 64 ;;
    *) folder=$argument ;;
  esac
done
if [[ ! -d $folder || ! -r $folder ]]; then
  echo "quickstart: $folder is not a folder that can be read" >&2
  exit 64
fi
folder=$(realpath "$folder")
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

work=$(mktemp -d)
daemon_pid=
clean_up() {
  if [[ -n $daemon_pid ]]; then
    kill -TERM "$daemon_pid" 2>/dev/null || true
    wait "$daemon_pid" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap clean_up EXIT

build() {
  say "Installing what is needed"
  deploy/install-deps.sh
  say "Building (preset release)"
  if [[ ! -f build/release/build.ninja ]]; then
    cmake --preset release >"$work/cmake.log" || { cat "$work/cmake.log"; exit 1; }
  fi
  cmake --build --preset release --target weftd weft
}

# Succeeds when nobody listens on the port of 127.0.0.1.
is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# The default addresses where they are free; where not, any free ports and no unix socket, so that a
# weftd that runs already is left alone.
start_daemon() {
  say "Starting weftd"
  local arguments=()
  web=
  if ! is_free 7411 || ! is_free 7412; then
    echo "127.0.0.1:7411 or :7412 is taken, so free ports are used"
    arguments=(--set rpc.listen=127.0.0.1:0 --set web.listen=127.0.0.1:0
      --set rpc.unix_socket=)
  fi
  log=$work/weftd.log
  if $keep; then log=$(mktemp /tmp/weftd.XXXXXX.log); fi
  build/release/bin/weftd "${arguments[@]}" </dev/null >/dev/null 2>"$log" &
  daemon_pid=$!
  for _ in $(seq 200); do
    if ! kill -0 "$daemon_pid" 2>/dev/null; then
      daemon_pid=
      echo "quickstart: weftd did not start:" >&2
      cat "$log" >&2
      exit 1
    fi
    web=$(sed -n 's/.* listening web=\(http:[^ ]*\)$/\1/p' "$log")
    if [[ -n $web ]] && curl -fsS -o /dev/null "$web/readyz" 2>/dev/null; then break; fi
    sleep 0.05
  done
  if ! curl -fsS "$web/readyz" >/dev/null; then
    echo "quickstart: weftd is not ready after 10 s; its log:" >&2
    cat "$log" >&2
    exit 1
  fi
  target=$(sed -n 's/.* listening rpc=\([0-9.]*:[0-9]*\)$/\1/p' "$log" | head -n 1)
  grep ' ready in ' "$log"
}

# Names with line breaks cannot stand in a list.
list_files() {
  find "$folder" -type f -readable -size "-$((payload_bytes_max / 1024))k" -size +0c \
    ! -name $'*\n*' 2>/dev/null | sort >"$work/all" || true
  head -n "$file_count_max" "$work/all" >"$work/files"
  file_count=$(wc -l <"$work/files")
  if ((file_count == 0)); then
    echo "quickstart: $folder holds no readable file" >&2
    exit 1
  fi
  if ((file_count < file_count_wanted)); then
    echo "$folder holds only $file_count readable files up to 4 MiB; all are used"
  fi
}

hash_files() {
  say "Sending $file_count files below $folder to sha256 over gRPC ($target)"
  build/release/bin/weft run sha256 --target "$target" --files-from "$work/files" \
    >"$work/digests" 2>"$work/table" || { cat "$work/table" >&2; exit 1; }
  cat "$work/table"
  tr '\n' '\0' <"$work/files" | xargs -0 sha256sum -- >"$work/expected"
  if ! diff "$work/expected" "$work/digests" >"$work/diff"; then
    echo "quickstart: digests differ from sha256sum's:" >&2
    head -n 20 "$work/diff" >&2
    exit 1
  fi
  echo "all $file_count digests agree with sha256sum"
}

tell_next() {
  say "Addresses"
  sed -n 's/.* listening \([a-z]*\)=\(.*\)$/\1  \2/p' "$log"
  if $keep; then
    say "weftd goes on as process $daemon_pid, its log is $log"
    echo "try:   build/release/bin/weft run sha256 --target $target --file LICENSE --json"
    echo "       curl -s $web/metrics"
    echo "stop:  kill -TERM $daemon_pid"
    daemon_pid=
    return
  fi
  say "Stopping weftd"
  local pid=$daemon_pid
  daemon_pid=
  kill -TERM "$pid"
  wait "$pid"
  tail -n 1 "$log"
  say "Next"
  echo "deploy/quickstart.sh --keep     leaves weftd running; then:"
  echo "build/release/bin/weft run sha256 --file LICENSE --json"
}

build
start_daemon
list_files
hash_files
tell_next
