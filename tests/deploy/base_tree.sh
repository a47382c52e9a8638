#!/usr/bin/env bash
# Prints the path of a tar with a minimal Debian 12 that holds the packages named. Built once a week
# and kept in the cache, by the list of packages; several callers may ask at once. Needs root.
#
# usage: base_tree.sh [--slim] [PACKAGE ...]
#   --slim: without documentation and translations, as Debian's own container image is
set -euo pipefail

cache=${WEFT_DEPLOY_CACHE:-/var/cache/weft-deploy}
# The machine's own sources, so that its mirror and its proxy hold here, too.
sources=(/etc/apt/sources.list.d/debian.sources)
[[ -f ${sources[0]} ]] || sources=(/etc/apt/sources.list)
# With this hook usrmerge is not needed, which brings all of Perl.
options=(--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr)
if [[ ${1-} == --slim ]]; then
  shift
  options+=(--dpkgopt='path-exclude=/usr/share/doc/*')
  options+=(--dpkgopt='path-include=/usr/share/doc/*/copyright')
  for folder in man locale info lintian; do
    options+=(--dpkgopt="path-exclude=/usr/share/$folder/*")
  done
fi

mapfile -t packages < <(printf '%s\n' usr-is-merged "$@" | sort -u)
key=$({ printf '%s\n' "${options[@]}" "${packages[@]}"; cat "${sources[@]}"; } |
  sha256sum | cut -c 1-16)
tree=$cache/$key.tar

mkdir -p "$cache"
exec {lock}>"$cache/$key.lock"
flock "$lock"
if [[ -z $(find "$tree" -mtime -7 2>/dev/null) ]]; then
  echo "base_tree: building $tree of ${#packages[@]} packages" >&2
  # A part that never becomes the whole is not taken for it.
  trap 'rm -f "$tree.part.tar" "$tree.log"' EXIT
  mmdebstrap --quiet --variant=minbase "${options[@]}" \
    --include="$(IFS=,; echo "${packages[*]}")" bookworm "$tree.part.tar" "${sources[@]}" \
    >"$tree.log" 2>&1 || { cat "$tree.log" >&2; exit 1; }
  mv "$tree.part.tar" "$tree"
  # Those of lists that nobody asks for any more.
  find "$cache" -maxdepth 1 -name '*.tar' -mtime +14 -delete
fi
echo "$tree"
