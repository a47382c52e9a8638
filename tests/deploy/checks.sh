# What the parts of tests/deploy that are shell scripts share; sourced by each. run.sh starts them.
#
# $root is the repository, $work a folder that run.sh removes, $cache one that
# stays and may be empty.
#
# With pipefail, grep -q behind a pipe fails whoever has more to write; so it never stands there.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${WEFT_DEPLOY_CACHE:-/var/cache/weft-deploy}
work=${WEFT_WORK_DIR:?run.sh sets it}
part=$(basename "$0" .sh)
passed=0
failed=0
mkdir -p "$cache"
cd "$root" || exit 1

# check SENTENCE COMMAND...: what the command wrote is shown when it fails, and is in $work/out.
check() {
  local sentence=$1 began=${EPOCHREALTIME//[!0-9]/} tenths
  shift
  if "$@" >"$work/out" 2>&1; then
    passed=$((passed + 1))
    tenths=$(((${EPOCHREALTIME//[!0-9]/} - began) / 100000))
    echo "$part: ok   $sentence ($((tenths / 10)).$((tenths % 10)) s)"
  else
    failed=$((failed + 1))
    echo "$part: FAIL $sentence"
    tail -n 30 "$work/out" | sed 's/^/      /'
    return 1
  fi
}

# need SENTENCE COMMAND...: without it nothing that follows can work.
need() { check "$@" || finish; }

# until_true SECONDS COMMAND...: again and again until it succeeds.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >"$work/last" 2>&1; do
    ((SECONDS < end)) || { cat "$work/last"; return 1; }
    sleep 0.2
  done
}

# equal WANTED IS
equal() { [[ $1 == "$2" ]] || { echo "wanted: $1"; echo "is:     $2"; return 1; }; }

fails() { ! "$@"; }

# Prints the summary and ends the part.
finish() {
  local verdict=PASS
  ((failed == 0)) || verdict=FAIL
  echo "$part: $verdict: $passed of $((passed + failed)) checks in $SECONDS s"
  [[ $verdict == PASS ]]
  exit
}
