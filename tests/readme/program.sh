#!/usr/bin/env bash
# Prints a program of README.md as a reader copies it. program.sh NUMBER: of the code blocks in C
# and C++ below the heading "Embed it", counted from 1. Refuses one that is 40 lines or more.
set -euo pipefail

readme=$(dirname "$0")/../../README.md
program=$(awk -v wanted="$1" '/^## /{on = /^## Embed it/}
  on && /^```(c|cpp)$/{n++; inside = 1; next}
  /^```$/{inside = 0} on && inside && n == wanted' "$readme")
lines=$(wc -l <<<"$program")
if [[ -z $program ]]; then
  echo "README.md has no program $1 below \"Embed it\"" >&2
  exit 1
fi
if ((lines >= 40)); then
  echo "program $1 of README.md has $lines lines, expected fewer than 40" >&2
  exit 1
fi
printf '%s\n' "$program"
