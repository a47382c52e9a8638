#!/usr/bin/env bash
# says.sh WORDS PROGRAM: fails unless the program prints just that and exits 0.
set -euo pipefail

said=$("$2")
if [[ $said != "$1" ]]; then
  printf '%s said "%s", expected "%s"\n' "$2" "$said" "$1" >&2
  exit 1
fi
