#!/usr/bin/env bash
# Proves that the container image is what deploy/container/README.md says: builds it with buildah on
# a base made from Debian's archive, because no registry is asked, and runs it with podman and runc
# under the default seccomp profile, under ours, and under one that refuses as Docker's does. Part
# of run.sh, which makes $WEFT_BUILT once everything is compiled.
source "$(dirname "$0")/checks.sh"

readonly image=localhost/weftd:test
readonly tools_image=localhost/weftd-tools:test
readonly base_image=docker.io/library/debian:bookworm-slim
readonly seccomp=$root/deploy/container/seccomp.json
readonly size_bytes_max=$((150 * 1000 * 1000))
readonly prefix=weft-test

cat >"$work/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$cache/containers"
runroot = "/run/weft-deploy/containers"
END
export CONTAINERS_STORAGE_CONF=$work/storage.conf

# One run at a time works on the stored images. A container's monitor must not inherit the lock: it
# lives on when this script is killed.
exec {lock}>"$cache/containers.lock"
podman() { command podman "$@" {lock}>&-; }
buildah() { command buildah "$@" {lock}>&-; }

# What there is of earlier runs, too; a killed build leaves a container behind.
remove_containers() {
  local left
  mapfile -t left < <(podman ps --all --quiet --filter "name=^$prefix-")
  ((${#left[@]} == 0)) || podman rm --force --time 0 "${left[@]}"
  buildah rm --all
}
clean_up() { remove_containers >/dev/null 2>&1; }

# ---- The image.

make_base() {
  local tar made
  tar=$(tests/deploy/base_tree.sh --slim) || return 1
  made=$(stat -c %Y "$tar")
  [[ $(podman image inspect -f '{{.Labels.made}}' $base_image 2>/dev/null) == "$made" ]] ||
    podman import --quiet --change 'CMD ["bash"]' --change "LABEL made=$made" "$tar" $base_image
}

# build ARGUMENTS...: of the Dockerfile, with the cache of the compiler and the certificates of this
# machine where it has any.
build() {
  local arguments=(--pull-never --isolation chroot --network host --format docker --layers)
  local compiled
  if compiled=$(ccache --get-config cache_dir 2>/dev/null) && [[ -d $compiled ]]; then
    arguments+=(--volume "$compiled:/root/.cache/ccache")
  fi
  if [[ -n ${NODE_EXTRA_CA_CERTS-} ]]; then
    arguments+=(--volume "$NODE_EXTRA_CA_CERTS:/run/certificates.crt:ro")
    arguments+=(--build-arg NODE_EXTRA_CA_CERTS=/run/certificates.crt)
  fi
  TMPDIR=$cache buildah bud "${arguments[@]}" "$@" .
}

# A name of its own keeps the layer with the compilers when the others are thrown away.
install_tools() { build --target tools --tag $tools_image; }

# Not before the packages are compiled: then the compiler's cache has it all.
build_image() {
  until [[ -e $WEFT_BUILT ]]; do sleep 0.2; done
  build --tag $image
}

# shape FORMAT WANTED: a field of the image.
shape() { equal "$2" "$(podman image inspect -f "$1" $image)"; }

small_enough() {
  local bytes
  bytes=$(podman image inspect -f '{{.Size}}' $image)
  echo "$bytes bytes"
  ((bytes <= size_bytes_max))
}

# Only what the programs need: nothing to compile with, no package manager's lists, no source.
holds_no_more_than_it_needs() {
  local found
  found=$(podman run --rm --runtime runc --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 \
    --entrypoint sh $image -c 'ls -d /src /out /usr/bin/g++* /usr/bin/node /var/lib/apt/lists/*.*' \
    2>/dev/null)
  equal "" "$found"
}

labels_are_right() {
  local label=org.opencontainers.image
  shape "{{index .Labels \"$label.title\"}}" weftd &&
    shape "{{index .Labels \"$label.licenses\"}}" Apache-2.0 &&
    shape "{{index .Labels \"$label.version\"}}" "$(inside "$1" weft version | cut -d' ' -f2)"
}

# ---- Containers.

# start NAME [PODMAN'S ARGUMENTS...] [-- WEFTD'S ARGUMENTS...], as little trusted as can be.
start() {
  local name=$prefix-$1 before=()
  shift
  while (($# > 0)) && [[ $1 != -- ]]; do before+=("$1"); shift; done
  (($# > 0)) && shift
  podman run --detach --name "$name" --runtime runc --ulimit nofile=4096:4096 \
    --ulimit nproc=4096:4096 --memory 512m --read-only --tmpfs /tmp \
    --tmpfs /run/weftd:mode=1777 --cap-drop ALL --security-opt no-new-privileges \
    "${before[@]}" $image "$@"
}

inside() { local name=$prefix-$1; shift; podman exec "$name" "$@"; }
healthy() { podman healthcheck run "$prefix-$1"; }
log_of() { podman logs "$prefix-$1" 2>&1; }
exit_code() { timeout 30 podman wait "$prefix-$1" || echo "it does not end"; }

# answers NAME DIGEST COMMAND...: what the command writes has this digest.
answers() {
  local name=$1 wanted=$2
  shift 2
  inside "$name" "$@" >"$work/answer" || return 1
  equal "$wanted" "$(sha256sum <"$work/answer" | cut -d' ' -f1)"
}

# The same whatever does the I/O.
files_are_read_right() {
  local digest
  digest=$(sha256sum <"$work/files/blob" | cut -d' ' -f1)
  equal "$digest" "$(inside "$1" weft run file.hash blob --raw)" &&
    answers "$1" "$digest" weft run file.read blob --raw
}

# uses NAME BACKEND: by its log and by its statistics; a fallback is warned of.
uses() {
  local log warnings
  log=$(log_of "$1")
  inside "$1" weft stats | grep -A 1 '^io '
  grep -E ' (io|io_fallback) ' <<<"$log"
  warnings=$(grep -cE "warn io_fallback backend=threads reason=.*(ENOSYS|EPERM).*profile" \
    <<<"$log")
  grep -q " io backend=$2 " <<<"$log" && inside "$1" weft stats | grep "^io  *$2," &&
    equal "$([[ $2 == threads ]] && echo 1 || echo 0)" "$warnings"
}

no_privileges() {
  local status wanted
  status=$(inside "$1" cat /proc/1/status)
  echo "$status" | grep -E '^(Uid|Gid|Cap|NoNewPrivs|Seccomp:)'
  for wanted in 'Uid:.7411.7411' 'Gid:.7411.7411' 'CapPrm:.0*$' 'CapBnd:.0*$' 'NoNewPrivs:.1' \
    'Seccomp:.2'; do
    grep -q "^$wanted" <<<"$status" || { echo "not $wanted"; return 1; }
  done
}

has_one_in_flight() { inside "$1" weft stats --json | grep -E '"in_flight": "?1'; }

# A task of two seconds is running when the signal comes; it must end well, and the exit be 0.
drains() {
  inside "$1" weft run sleep 2s >"$work/slept" 2>&1 &
  local running=$! code
  until_true 10 has_one_in_flight "$1" || { echo "the task does not run"; return 1; }
  # What the image names as its signal.
  podman stop --time 30 "$prefix-$1"
  code=$(exit_code "$1")
  wait "$running" || { cat "$work/slept"; return 1; }
  log_of "$1" | tail -n 3
  equal 0 "$code" && log_of "$1" | grep 'draining cause=SIGTERM'
}

# ends_with CODE NAME WORDS: the container does not stay; its log says why.
ends_with() {
  local code
  code=$(exit_code "$2")
  log_of "$2"
  equal "$1" "$code" && log_of "$2" | grep -E "$3"
}

free_port() {
  /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# lives NAME TOLD BACKEND: what holds under any profile.
lives() {
  local name=$1 told=$2 backend=$3
  check "$told: the health check becomes good" until_true 30 healthy "$name"
  check "$told: no root, no capabilities, no new privileges" no_privileges "$name"
  check "$told: the root file system cannot be written" fails inside "$name" touch /var/lib/weft/x
  check "$told: it listens on its unix socket" \
    inside "$name" weft health --target unix:/run/weftd/weft/weftd.sock
  check "$told: weft run sha256 has the right digest" equal "$digest_of_hello" \
    "$(inside "$name" weft run sha256 hello --raw 2>&1)"
  check "$told: file.hash and file.read answer what is in the file" files_are_read_right "$name"
  check "$told: files go through $backend" uses "$name" "$backend"
}

# ---- The checks, in order.

flock "$lock"
remove_containers >/dev/null 2>&1
trap clean_up EXIT
trap 'exit 143' TERM INT

need "the base is made from Debian's archive" make_base
need "what the build needs is installed" install_tools
check "seccomp.json is the distribution's profile and one rule" \
  diff <(deploy/container/seccomp.sh) "$seccomp"
need "the image builds" build_image
check "the image is at most 150 MB" small_enough
echo "      $(<"$work/out")"
check "it runs as weft" shape '{{.Config.User}}' weft
check "it is stopped by SIGTERM" shape '{{.Config.StopSignal}}' SIGTERM
check "it is checked by weft health" shape '{{.HealthCheck.Test}}' '[CMD weft health]'
check "it names its ports" shape '{{range $p, $_ := .Config.ExposedPorts}}{{$p}} {{end}}' \
  '7411/tcp 7412/tcp '
check "it holds no compiler and no source" holds_no_more_than_it_needs

digest_of_hello=$(printf hello | sha256sum | cut -d' ' -f1)
cpu=$(taskset -cp $$ | sed 's/.*[:,-] *//')
other=$(taskset -cp $$ | sed 's/.*: *\([0-9]*\).*/\1/')
mkdir -p "$work/files"
head -c 3000000 /dev/urandom >"$work/files/blob"
# The user of the image has to get there.
chmod 0755 "$work" "$work/.."
with_files=(-v "$work/files:/srv/files:ro" -e WEFT_HANDLERS_FILE_ROOT=/srv/files)
# A kernel may forbid it whatever the profile says.
granted=io_uring
[[ $(cat /proc/sys/kernel/io_uring_disabled 2>/dev/null || echo 0) == 0 ]] || granted=threads

check "it starts under our profile" \
  start ours --security-opt seccomp="$seccomp" "${with_files[@]}"
lives ours "our profile" $granted
check "our profile: the labels are right, and the version is that of the programs" \
  labels_are_right ours
check "our profile: the health check fails where nothing answers" \
  fails inside ours env WEFT_TARGET=127.0.0.1:1 weft health
check "our profile: stopping drains and the exit code is 0" drains ours

check "it starts under the default profile, on one CPU" \
  start plain --cpuset-cpus="$cpu" "${with_files[@]}"
lives plain "the default profile" threads
check "the default profile: stopping drains and the exit code is 0" drains plain

# Docker refuses with EPERM where podman says ENOSYS.
jq '.defaultErrnoRet = 1' /usr/share/containers/seccomp.json >"$work/docker.json"
check "it starts under a profile that says EPERM" \
  start docker --security-opt seccomp="$work/docker.json" "${with_files[@]}"
lives docker "a profile that says EPERM" threads

port=$(free_port)
check "it starts with its listeners opened" start open --security-opt seccomp="$seccomp" \
  -p "127.0.0.1:$port:7412" -e WEFT_SECURITY_INSECURE=true -e WEFT_WEB_LISTEN=0.0.0.0:7412 \
  -e WEFT_RPC_LISTEN=0.0.0.0:7411
check "opened: the health check becomes good" until_true 30 healthy open
check "opened: metrics are read from outside" until_true 10 \
  sh -c "curl -fsS http://127.0.0.1:$port/metrics | grep '^weft_'"
check "opened: it is ready from outside" curl -fsS "http://127.0.0.1:$port/readyz"

# As one types it who has read nothing.
check "it starts without any option" podman run --detach --name $prefix-bare --runtime runc \
  --ulimit nofile=4096:4096 --ulimit nproc=4096:4096 $image
check "no option: the health check becomes good" until_true 30 healthy bare

# Those that do not stay are started together and awaited one by one.
echo 'rpc.listne = ["127.0.0.1:7411"]' >"$work/wrong.toml"
chmod 0644 "$work/wrong.toml"
{
  start wide -e WEFT_WEB_LISTEN=0.0.0.0:7412
  start wrong -v "$work/wrong.toml:/etc/weft/weftd.toml:ro"
  start ring -e WEFT_IO_BACKEND=io_uring
  [[ $cpu == "$other" ]] ||
    start cpus --cpuset-cpus="$cpu" -- --set "executor.cores=[$other]"
} >/dev/null 2>&1
check "an address beyond loopback is refused without security.insecure: 78" \
  ends_with 78 wide 'security.insecure'
check "a wrong configuration is refused with its line: 78" \
  ends_with 78 wrong '/etc/weft/weftd.toml:1:.*rpc.listne'
check "io_uring that is demanded and forbidden is refused: 69" \
  ends_with 69 ring 'io.backend: "io_uring" is not granted'
if [[ $cpu != "$other" ]]; then
  check "a CPU outside the container's set is refused: 69" ends_with 69 cpus "CPU $other|$other"
fi

# All layers but those of the images that have a name.
podman image prune --force >/dev/null 2>&1
finish
