#!/usr/bin/env bash
# Shows that the tests catch ten and more deliberate defects. See mutants.py.
set -euo pipefail

cd "$(dirname "$0")/../.."
exec /usr/bin/python3 tests/mutants/mutants.py "$@"
