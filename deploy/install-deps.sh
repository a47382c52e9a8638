#!/usr/bin/env bash
# Installs what weft needs to build, test and bench on Debian 12. May be run any number of times:
# what is there already is not asked for again. Runs as root, or through sudo.
#
# usage: install-deps.sh [--build | --deploy | --peers]
#   --build: only what building the programs takes, for the container image
#   --deploy: also what tests/deploy/run.sh needs
#   --peers: also what bench/run.sh --only peers needs
set -euo pipefail

cd "$(dirname "$0")"

packages=(
  # Compiler and tools.
  g++ cmake ninja-build ccache pkg-config dpkg-dev ca-certificates
  # gRPC and protobuf: only all of these together give CMake its targets.
  libgrpc-dev libgrpc++-dev protobuf-compiler protobuf-compiler-grpc libprotobuf-dev
  # Libraries of the daemon and the client.
  libabsl-dev libboost1.74-dev libboost-context1.74-dev libcivetweb-dev libcli11-dev libisal-dev
  libspdlog-dev libssl-dev libsystemd-dev libtomlplusplus-dev liburing-dev prometheus-cpp-dev
)
# Other compilers, tests and benches.
test_packages=(
  clang clang-format clang-tidy git
  libbenchmark-dev libboost-fiber1.74-dev libconcurrentqueue-dev libgmock-dev libgtest-dev
  libhwloc-dev librapidcheck-dev libtbb-dev
  curl jq prometheus python3 python3-grpcio python3-protobuf
)
# Booting systemd, building and running images, checking packages.
deploy_packages=(
  mmdebstrap systemd systemd-container
  buildah podman runc
  lintian man-db
)
# What others would take instead of weft, and their clients.
peer_packages=(
  nats-server libnats-dev redis-server libhiredis-dev gearman-job-server libgearman-dev
)
case "$*" in
  --build) ;;
  "") packages+=("${test_packages[@]}") ;;
  --deploy) packages+=("${test_packages[@]}" "${deploy_packages[@]}") ;;
  --peers) packages+=("${test_packages[@]}" "${peer_packages[@]}") ;;
  *)
    echo "install-deps: '$*' is not understood; expected nothing, --build, --deploy" \
      "or --peers" >&2
    exit 64
    ;;
esac
# Node.js from elsewhere brings its own npm, which Debian's package would conflict with.
command -v npm >/dev/null || packages+=(nodejs npm)
# Nor does another Rust compiler need Debian's; only the packages' tests use one.
[[ $* != --deploy ]] || command -v rustc >/dev/null || packages+=(rustc)

say() { echo "install-deps: $*"; }

missing_packages() {
  local installed
  installed=$(dpkg-query -W -f='${binary:Package} ${db:Status-Status}\n' "${packages[@]}" \
    2>/dev/null | sed -n 's/^\([^ :]*\)\(:[^ ]*\)\? installed$/\1/p' || true)
  comm -23 <(printf '%s\n' "${packages[@]}" | sort -u) <(sort -u <<<"$installed")
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  if ((${#missing[@]} == 0)); then
    say "all ${#packages[@]} Debian packages are installed"
    return
  fi
  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
      say "needs root to install: ${missing[*]}; run it as root or install sudo" >&2
      exit 77
    fi
    as_root=(sudo)
  fi
  say "installing ${#missing[@]} of ${#packages[@]} Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# What a folder's lock file names, below its node_modules.
install_npm_packages() {
  local folder=$1 wanted stamp=../$1/node_modules/.weft-stamp
  wanted=$(cat "../$folder/package.json" "../$folder/package-lock.json" | sha256sum)
  if [[ -f $stamp && $(<"$stamp") == "$wanted" ]]; then
    say "npm packages of $folder are installed"
    return
  fi
  say "installing the npm packages of $folder"
  (cd "../$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  echo "$wanted" >"$stamp"
}

install_packages
# buf lints proto/ and calls the server; google-proto-files has the google/rpc protos.
install_npm_packages deploy/tools
# What the Node.js client builds on, and the TypeScript compiler that checks its declarations.
[[ ${1-} == --build ]] || install_npm_packages client/node
