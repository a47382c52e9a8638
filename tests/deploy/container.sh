#!/usr/bin/env bash
# Proves that the container image is what deploy/container/README.md says: builds it with buildah on
# a base made from Debian's archive, because no registry is asked, and runs it with podman and runc
# under the default seccomp profile and under ours. Needs root and `install-deps.sh --deploy`.
source "$(dirname "$0")/checks.sh"
needs buildah podman runc mmdebstrap jq curl

readonly image=localhost/weftd:test
readonly seccomp=$root/deploy/container/seccomp.json
readonly size_bytes_max=$((150 * 1000 * 1000))
cd "$root" || exit 1

cat >"$work/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$cache/containers"
runroot = "/run/weft-deploy/containers"
END
export CONTAINERS_STORAGE_CONF=$work/storage.conf

containers=()
clean_up() {
  ((${#containers[@]} == 0)) || podman rm -f -t 0 "${containers[@]}" >/dev/null 2>&1
  rm -rf "$work"
}
trap clean_up EXIT

make_base() {
  # Debian's own slim image leaves out the same.
  base_tar bookworm-slim.tar --include=usr-is-merged \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/lintian/*' ||
    return 1
  local name=docker.io/library/debian:bookworm-slim tar=$cache/bookworm-slim.tar
  local stamp
  stamp=$(stat -c %Y "$tar")
  # Imported once.
  podman image inspect -f '{{.Labels}}' $name 2>/dev/null | grep -q "weft.base:$stamp" ||
    podman import --quiet --change 'CMD ["bash"]' --change "LABEL weft.base=$stamp" "$tar" "$name"
}

build_image() {
  local more=()
  # The compiler's cache of this machine, where there is one, and its certificates.
  local compiled
  compiled=$(ccache -k cache_dir 2>/dev/null) && [[ -d $compiled ]] &&
    more+=(--volume "$compiled:/root/.cache/ccache")
  if [[ -n ${NODE_EXTRA_CA_CERTS-} ]]; then
    more+=(--volume "$NODE_EXTRA_CA_CERTS:/run/certificates.crt:ro")
    more+=(--build-arg NODE_EXTRA_CA_CERTS=/run/certificates.crt)
  fi
  TMPDIR=$cache nice buildah bud --pull-never --isolation chroot --network host \
    --format docker --layers "${more[@]}" --tag $image .
}

# shape FORMAT WANTED: a field of the image.
shape() { equal "$2" "$(podman image inspect -f "$1" $image)"; }

small_enough() {
  local bytes
  bytes=$(podman image inspect -f '{{.Size}}' $image)
  echo "$bytes bytes"
  ((bytes <= size_bytes_max))
}

# start NAME [PODMAN'S ARGUMENTS...] [-- WEFTD'S ARGUMENTS...], as little trusted as can be.
start() {
  local name=$1 before=()
  shift
  while (($# > 0)) && [[ $1 != -- ]]; do before+=("$1"); shift; done
  (($# > 0)) && shift
  containers+=("weft-test-$name")
  podman rm -f -t 0 "weft-test-$name" >/dev/null 2>&1
  podman run -d --name "weft-test-$name" --runtime runc --ulimit nofile=4096:4096 \
    --ulimit nproc=4096:4096 --memory 512m --read-only --tmpfs /tmp \
    --tmpfs /run/weftd:mode=1777 --cap-drop ALL --security-opt no-new-privileges \
    "${before[@]}" $image "$@"
}

healthy() { podman healthcheck run "weft-test-$1"; }
inside() { local name=$1; shift; podman exec "weft-test-$name" "$@"; }
log_of() { podman logs "weft-test-$1" 2>&1; }
exit_code() { podman wait "weft-test-$1"; }

hashes_right() {
  local wanted
  wanted=$(printf 'hello' | sha256sum | cut -d' ' -f1)
  inside "$1" weft run sha256 hello --raw >"$work/digest" || return 1
  equal "$wanted" "$(<"$work/digest")"
}

# The same answer whatever does the I/O.
hashes_a_file() {
  inside "$1" weft run file.hash blob --raw >"$work/digest" || return 1
  equal "$(sha256sum <"$work/files/blob" | cut -d' ' -f1)" "$(<"$work/digest")"
}

logs() { log_of "$1" | grep -E " (io|io_fallback) "; log_of "$1" | grep -qE "$2"; }

same_version() {
  local version
  version=$(inside "$1" weft version | cut -d' ' -f2)
  shape '{{index .Labels "org.opencontainers.image.version"}}' "$version"
}

socket_answers() { inside "$1" weft health --target unix:/run/weftd/weft/weftd.sock; }

refuses_to_write() { ! inside "$1" touch /usr/bin/x; }

no_privileges() {
  local status
  status=$(inside "$1" cat /proc/1/status)
  echo "$status" | grep -E '^(Uid|Cap|NoNewPrivs|Seccomp:)'
  grep -q '^Uid:.7411.7411' <<<"$status" && grep -q '^CapPrm:.0*$' <<<"$status" &&
    grep -q '^NoNewPrivs:.1' <<<"$status" && grep -q '^Seccomp:.2' <<<"$status"
}

has_one_in_flight() { inside "$1" weft stats --json | grep -Eq '"in_flight": "?1'; }

# A task of two seconds is running when the signal comes; it must end well, and the exit be 0.
drains() {
  inside "$1" weft run sleep 2s >"$work/slept" 2>&1 &
  local running=$!
  until_true 10 has_one_in_flight "$1" || { echo "the task does not run"; return 1; }
  podman kill --signal TERM "weft-test-$1" >/dev/null
  local code
  code=$(exit_code "$1")
  wait "$running" || { cat "$work/slept"; return 1; }
  log_of "$1" | tail -n 3
  equal 0 "$code"
}

# ends_with CODE NAME WORDS: the container does not stay; its log says why.
ends_with() {
  local code
  code=$(exit_code "$2")
  log_of "$2"
  equal "$1" "$code" && log_of "$2" | grep -qE "$3"
}

free_port() {
  /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# The checks that hold under either profile.
lives() {
  local name=$1 told=$2
  check "$told: the health check becomes good" until_true 30 healthy "$name"
  check "$told: no root, no capabilities, no new privileges" no_privileges "$name"
  check "$told: the root file system cannot be written" refuses_to_write "$name"
  check "$told: it listens on its unix socket" socket_answers "$name"
  check "$told: weft run sha256 has the right digest" hashes_right "$name"
  check "$told: weft run file.hash has the right digest" hashes_a_file "$name"
}

need "the base is made from Debian's archive" make_base
check "seccomp.json is the distribution's profile and one rule" \
  diff <(deploy/container/seccomp.sh) "$seccomp"
need "the image builds" build_image
check "the image is at most 150 MB" small_enough
echo "      $(<"$work/out")"
check "it runs as weft" shape '{{.Config.User}}' weft
check "it stops by SIGTERM" shape '{{.Config.StopSignal}}' SIGTERM
check "it is checked by weft health" shape '{{.HealthCheck.Test}}' '[CMD weft health]'
check "it names its ports" shape '{{range $p, $_ := .Config.ExposedPorts}}{{$p}} {{end}}' \
  '7411/tcp 7412/tcp '
check "it has the labels of OCI" shape '{{index .Labels "org.opencontainers.image.title"}}' weftd

cpu=$(taskset -cp $$ | sed 's/.*[:,-] *//')
other=$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')

mkdir -p "$work/files"
chmod 0755 "$work" "$work/files"
head -c 3000000 /dev/urandom >"$work/files/blob"
with_files=(-v "$work/files:/srv/files:ro" -e WEFT_HANDLERS_FILE_ROOT=/srv/files)
# A kernel may forbid it whatever the profile says.
backend=io_uring
[[ $(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 0) == 0 ]] || backend=threads

check "it starts under our profile" \
  start ours --security-opt seccomp="$seccomp" "${with_files[@]}"
lives ours "our profile"
check "our profile: files go through $backend" logs ours " io backend=$backend"
check "the image's label has the programs' version" same_version ours
check "our profile: SIGTERM drains and the exit code is 0" drains ours
check "it starts under the default profile, on one CPU" \
  start plain --cpuset-cpus="$cpu" "${with_files[@]}"
lives plain "the default profile"
check "the default profile: files go through threads, and a warning tells why" \
  logs plain 'warn io_fallback backend=threads reason='
check "the default profile: SIGTERM drains and the exit code is 0" drains plain

port=$(free_port)
check "it starts with its listeners opened" start open --security-opt seccomp="$seccomp" \
  -p "127.0.0.1:$port:7412" -e WEFT_SECURITY_INSECURE=true -e WEFT_WEB_LISTEN=0.0.0.0:7412 \
  -e WEFT_RPC_LISTEN=0.0.0.0:7411
check "opened: the health check becomes good" until_true 30 healthy open
check "opened: metrics are read from outside" until_true 10 \
  sh -c "curl -fsS http://127.0.0.1:$port/metrics | grep -q '^weft_'"
check "opened: it is ready from outside" curl -fsS "http://127.0.0.1:$port/readyz"

start wide -e WEFT_WEB_LISTEN=0.0.0.0:7412 >/dev/null 2>&1
check "an address beyond loopback is refused without security.insecure: 78" \
  ends_with 78 wide 'security.insecure'
echo 'rpc.listne = ["127.0.0.1:7411"]' >"$work/wrong.toml"
chmod 0644 "$work/wrong.toml"
start wrong -v "$work/wrong.toml:/etc/weft/weftd.toml:ro" >/dev/null 2>&1
check "a wrong configuration is refused with its line: 78" ends_with 78 wrong 'rpc.listne'
if [[ $cpu != "$other" ]]; then
  start cpus --cpuset-cpus="$cpu" -- --set "executor.cores=[$other]" >/dev/null 2>&1
  check "a CPU outside the container's set is refused: 69" ends_with 69 cpus "CPU $other|$other"
fi
finish
