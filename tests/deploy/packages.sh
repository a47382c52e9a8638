#!/usr/bin/env bash
# Proves that the Debian packages are what a user needs: builds them with CPack, asks lintian, boots
# a clean Debian 12 in which apt installs them, runs the service there, compiles a client against
# libweft-dev with CMake and with pkg-config, reads the manual, and removes everything again. Needs
# root and `install-deps.sh --deploy`.
source "$(dirname "$0")/checks.sh"
needs cpack lintian mmdebstrap systemd-nspawn nsenter

readonly machine=package-test
packages=$root/build/package/packages
tree=$work/root
nspawn=
leader=
cd "$root" || exit 1

clean_up() {
  [[ -z $leader ]] || kill -s RTMIN+4 "$leader" 2>/dev/null
  if [[ -n $nspawn ]]; then
    until_true 20 sh -c "! kill -0 $nspawn" || kill -KILL "$nspawn" 2>/dev/null
  fi
  until_true 10 sh -c "! mountpoint -q '$tree' || umount -R '$tree'"
  rm -rf "$work"
}
trap clean_up EXIT

build_packages() {
  rm -rf "$packages"
  cmake --preset package --log-level=WARNING && nice cmake --build --preset package &&
    cpack --preset package && ls "$packages"/{weftd,libweft,libweft-dev}_*.deb
}

# The packages' own overrides give the reason of each tag that is not reported.
lintian_is_content() {
  lintian --allow-root --fail-on error,warning --info "$packages"/*.deb
}

# A client's header names nothing that the library keeps to itself.
offers_its_headers() {
  local library symbols name missing=0
  mkdir -p "$work/library"
  dpkg-deb -x "$packages"/libweft_*.deb "$work/library"
  library=$(find "$work/library" -type f -name 'libweft-client.so.*')
  symbols=$(nm -DC --defined-only "$library")
  for name in $(sed -nE 's/^.*WEFT_EXPORT (.*[ &*])?([A-Za-z]+)( \{|\(.*)$/\2/p' \
    client/include/weft/*.h); do
    grep -q "weft::$name\b" <<<"$symbols" || { echo "$name is not exported"; missing=1; }
  done
  # Each function and class with a body elsewhere carries the mark.
  ! grep -nE '^(\[\[nodiscard\]\] )?[A-Za-z:<>0-9_]+[&*]? [A-Z][A-Za-z]+\(.*[^{]$|^class [A-Za-z]+ ' \
    client/include/weft/*.h | grep -vE 'inline|WEFT_EXPORT|constexpr' || missing=1
  if grep -E 'weft::(CallWithRetry|MakeChannel|RetryEnvironment)' <<<"$symbols"; then
    echo "that is the library's own"
    missing=1
  fi
  ((missing == 0))
}

make_tree() {
  base_tar booted.tar --include=usr-is-merged,systemd,systemd-sysv,dbus,iproute2,procps || return 1
  local base=$cache/booted
  if [[ ! $base/.done -nt $cache/booted.tar ]]; then
    rm -rf "$base" && mkdir -p "$base" && tar -C "$base" -xf "$cache/booted.tar" &&
      touch "$base/.done" || return 1
  fi
  mkdir -p "$tree" "$work/upper" "$work/overlay" "$cache/archives/partial"
  mount -t overlay overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/overlay" "$tree" &&
    cp "$packages"/*.deb "$tree/root/" && cp -r client/examples/embed "$tree/root/" &&
    cp /etc/resolv.conf "$tree/etc/resolv.conf" && rm -f "$tree/.done"
}

apt_in() { env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
readonly tools=(g++ cmake make pkg-config man-db bash-completion)

# Everything that will be wanted, because the booted system has no network.
download() {
  mount --bind "$cache/archives" "$tree/var/cache/apt/archives" && mount --bind /dev "$tree/dev" &&
    rm -f "$tree/etc/apt/apt.conf.d/docker-clean" &&
    apt_in chroot "$tree" apt-get update -qq &&
    apt_in chroot "$tree" sh -c "cd /root && apt-get install -y -qq --no-install-recommends \
      --download-only ./weftd_*.deb ./libweft_*.deb ./libweft-dev_*.deb ${tools[*]}"
  local status=$?
  umount "$tree/dev"
  return $status
}

# A network of its own: only its loopback, so the daemon's usual ports are free.
boot() {
  setsid systemd-nspawn -D "$tree" --boot --machine=$machine --register=no --keep-unit \
    --private-network --bind="$cache/archives:/var/cache/apt/archives" --console=pipe \
    </dev/null >"$work/boot.log" 2>&1 &
  nspawn=$!
  until_true 20 sh -c "pgrep -P $nspawn" || { cat "$work/boot.log"; return 1; }
  leader=$(pgrep -P $nspawn | head -n 1)
  until_true 90 sh -c "nsenter -t $leader -a systemctl is-system-running | grep -Eq 'running|degr'"
}

inside() { apt_in nsenter -t "$leader" -a -- "$@"; }
install_inside() {
  inside sh -c "cd /root && apt-get install -y -qq --no-install-recommends $*"
}

takes_tasks() { equal "$digest" "$(inside weft run sha256 hello --raw)"; }

with_cmake() {
  inside sh -c "cd /root/embed && cmake -S . -B build && cmake --build build" &&
    equal "$digest" "$(inside /root/embed/build/embed)"
}

with_pkg_config() {
  inside sh -c "cd /root/embed && g++ -std=c++20 -o by-hand main.cc \
    \$(pkg-config --cflags --libs weft-client)" && equal "$digest" "$(inside /root/embed/by-hand)"
}

manual_renders() {
  local page told
  for page in "$@"; do
    told=$(inside man --warnings -E UTF-8 "$page" 2>&1 >"$work/page") || { echo "$told"; return 1; }
    equal "" "$told" && grep -q '^NAME' "$work/page" || return 1
  done
}

completes() {
  local offered
  offered=$(inside bash -c '. /usr/share/bash-completion/bash_completion
    _completion_loader weft; complete -p weft && _completion_loader weftd; complete -p weftd
    COMP_WORDS=(weft run sha2) COMP_CWORD=2; _weft; echo "${COMPREPLY[*]}"')
  echo "$offered"
  grep -qx sha256 <<<"$offered"
}

stopped() { [[ $(inside systemctl is-active weftd) != active ]] && ! inside pgrep -x weftd; }
kept_only_configuration() {
  inside test -f /etc/weft/weftd.toml && inside sh -c '! test -e /usr/bin/weftd'
}
nothing_left() {
  inside sh -c 'rm -rf /root/* && find / -xdev -iname "*weft*" -not -path "/proc/*"' >"$work/left"
  cat "$work/left"
  [[ ! -s $work/left ]]
}

digest=$(printf hello | sha256sum | cut -d' ' -f1)
need "the packages build" build_packages
check "lintian reports nothing" lintian_is_content
check "libweft offers its headers and hides the rest" offers_its_headers
need "a clean Debian 12 is made" make_tree
need "apt finds all dependencies" download
need "it boots" boot
need "apt installs weftd" install_inside '/root/weftd_*.deb'
check "the service is running" until_true 20 inside systemctl is-active --quiet weftd
check "it is enabled" inside systemctl is-enabled --quiet weftd
check "it takes tasks" until_true 20 takes_tasks
check "it answers its health check" inside weft health
check "systemctl restart works" inside systemctl restart weftd
check "it takes tasks again" until_true 20 takes_tasks
check "apt installs libweft-dev" \
  install_inside '/root/libweft_*.deb' '/root/libweft-dev_*.deb' "${tools[@]}"
check "a client compiles with CMake and runs" with_cmake
check "a client compiles with pkg-config and runs" with_pkg_config
check "the manual renders without warnings" manual_renders weftd weft weftd.toml
check "bash completes commands and the daemon's handlers" completes
check "apt removes weftd" inside apt-get remove -y -qq weftd libweft libweft-dev
check "the service has ended" stopped
check "only the configuration is kept" kept_only_configuration
check "dpkg purges weftd" inside dpkg --purge weftd libweft libweft-dev
check "nothing is left behind" nothing_left
finish
