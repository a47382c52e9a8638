#!/bin/sh
# Builds the release preset and runs every bench; see bench/README.md.
#   bench/run.sh --json FILE [--only rpc|core|files|footprint|peers|stages] [--rounds N]
#                [--duration SECONDS] [--no-build]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=yes
for argument in "$@"; do
  if [ "$argument" = --no-build ]; then build=no; fi
  if [ "$argument" = --help ] || [ "$argument" = -h ]; then build=no; fi
done
if [ "$build" = yes ]; then
  cd "$root"
  cmake --preset release >/dev/null
  cmake --build --preset release >&2
  cd - >/dev/null
fi
exec python3 "$root/bench/run.py" --bin "$root/build/release/bin" "$@"
