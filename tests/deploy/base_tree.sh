#!/usr/bin/env bash
# Prints the path of a tar with a minimal Debian 12 that holds the packages named. Built once and
# kept in the cache, by the list of packages; several callers may ask at once. Needs root.
#
# usage: base_tree.sh PACKAGE ...
set -euo pipefail

cache=${WEFT_DEPLOY_CACHE:-${XDG_CACHE_HOME:-/var/cache}/weft-deploy}
# The machine's own sources, so that its mirror and its proxy hold here, too.
sources=(/etc/apt/sources.list.d/debian.sources)
[[ -f ${sources[0]} ]] || sources=(/etc/apt/sources.list)

mapfile -t packages < <(printf '%s\n' "$@" | sort -u)
key=$({ printf '%s\n' "${packages[@]}"; cat "${sources[@]}"; } | sha256sum | cut -c 1-16)
tree=$cache/$key.tar

mkdir -p "$cache"
exec {lock}>"$cache/$key.lock"
flock "$lock"
if [[ ! -f $tree ]]; then
  echo "base_tree: building $tree of ${#packages[@]} packages" >&2
  # A part that never becomes the whole is not taken for it.
  trap 'rm -f "$tree.part.tar"' EXIT
  mmdebstrap --quiet --variant=minbase --include="$(IFS=,; echo "${packages[*]}")" \
    bookworm "$tree.part.tar" "${sources[@]}" >&2
  mv "$tree.part.tar" "$tree"
fi
echo "$tree"
