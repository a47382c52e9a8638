# What parts of tests/deploy share; sourced by each. A part takes no arguments, prints a line for
# each check ("ok" or "FAIL", then a sentence), and exits 1 when one failed, 77 when it cannot run.
#
# $root is the repository, $work a folder of this run (WEFT_WORK_DIR where run.sh gives one), $cache
# one that stays: WEFT_DEPLOY_CACHE or /var/cache/weft-deploy.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cache=${WEFT_DEPLOY_CACHE:-/var/cache/weft-deploy}
passed=0
failed=0

if ((EUID != 0)); then
  echo "SKIP  ${0##*/} needs root"
  exit 77
fi
work=${WEFT_WORK_DIR:-$(mktemp -d /var/tmp/weft-deploy.XXXXXX)}
mkdir -p "$cache"

# needs PROGRAM...: skips the part when one is not installed.
needs() {
  local program
  for program in "$@"; do
    command -v "$program" >/dev/null && continue
    echo "SKIP  ${0##*/} needs $program; run deploy/install-deps.sh --deploy"
    exit 77
  done
}

ok() { passed=$((passed + 1)); echo "ok    $1"; }
bad() { failed=$((failed + 1)); echo "FAIL  $1"; }

# check SENTENCE COMMAND...: what the command wrote is shown when it fails, and is in $work/out.
check() {
  local sentence=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    ok "$sentence"
  else
    bad "$sentence"
    tail -n 20 "$work/out" | sed 's/^/      /'
  fi
}

# Without it nothing that follows can work.
need() {
  check "$@"
  ((failed == 0)) || finish
}

# until_true SECONDS COMMAND...: again and again until it succeeds.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}

# equal WHAT IS
equal() { [[ $1 == "$2" ]] || { echo "wanted: $1"; echo "is:     $2"; return 1; }; }

finish() {
  echo "${0##*/}: $passed ok, $failed failed in $SECONDS s"
  ((failed == 0)) && exit 0
  exit 1
}

# base_tar FILE ARGUMENTS...: a tar of Debian 12 in the cache, made anew when it is a week old.
base_tar() {
  local file=$cache/$1
  shift
  [[ -n $(find "$file" -mtime -7 2>/dev/null) ]] && return 0
  local sources=/etc/apt/sources.list.d/debian.sources
  [[ -f $sources ]] || sources=/etc/apt/sources.list
  # Without the hook usrmerge comes, and with it all of Perl.
  mmdebstrap --quiet --variant=minbase --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    "$@" bookworm "$file.new.tar" "$sources" && mv "$file.new.tar" "$file"
}
