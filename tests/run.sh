#!/usr/bin/env bash
# Installs what is needed, builds the dev preset and runs every test. Arguments go to ctest, for
# example: tests/run.sh -R Inbox. Ends with ctest's summary and its exit code.
set -euo pipefail

cd "$(dirname "$0")/.."

deploy/install-deps.sh
cmake --preset dev --log-level=WARNING
cmake --build --preset dev --parallel "$(nproc)"

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT

# The summary is held back so that the reasons of skipped tests come before it.
status=0
ctest --preset dev --parallel "$(nproc)" --output-junit "$log/results.xml" "$@" |
  tee "$log/ctest.txt" | sed -u '/% tests passed/,$d' || status=$?
/usr/bin/python3 tests/skipped.py "$log/results.xml"
sed -n '/% tests passed/,$p' "$log/ctest.txt"
exit "$status"
