#!/usr/bin/env bash
# Proves that the Debian packages are what a user needs: asks lintian, boots a clean Debian 12 in
# which apt installs them, runs the service there, compiles a client against libweft-dev with CMake
# and with pkg-config, reads the manual, completes in three shells, and removes everything again.
# Part of run.sh, which has built the packages in $WEFT_PACKAGES.
source "$(dirname "$0")/checks.sh"

readonly packages=${WEFT_PACKAGES:?run.sh sets it}
readonly machine=weft-packages-$$
readonly tree=$work/root
readonly archives=$cache/archives
# What the checks want beside the packages: to compile a client, to read, to complete.
readonly tools=(g++ cmake make pkg-config man-db bash-completion zsh fish)
nspawn=
leader=

# To systemd the signal means: power off.
clean_up() {
  [[ -n $nspawn ]] || return
  [[ -z $leader ]] || kill -s RTMIN+4 "$leader" 2>/dev/null
  until_true 30 fails kill -0 "$nspawn" >/dev/null || kill -KILL "$leader" "$nspawn" 2>/dev/null
  wait "$nspawn"
  # nspawn leaves this where /run is no file system of its own.
  rmdir "/run/systemd/nspawn/propagate/$machine" 2>/dev/null
}
trap clean_up EXIT
trap 'exit 143' TERM INT

# ---- The packages as files.

# The packages' own overrides give the reason of each tag that is not reported.
lintian_is_content() { lintian --allow-root --fail-on error,warning --info "$packages"/*.deb; }

# has PACKAGE FILE...: and no file with another's right to write.
has() {
  local listed file
  listed=$(dpkg-deb --contents "$packages/$1"_*.deb)
  shift
  for file in "$@"; do
    grep -qE " \./$file( ->.*)?$" <<<"$listed" || { echo "no $file"; return 1; }
  done
  ! grep -E '^[-d].{7}w|^-..[sS]|^-.....[sS]' <<<"$listed"
}

# Each function and class of a client's header that has its body elsewhere carries the mark, each
# marked one is in the library, and what the library keeps to itself is not.
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
  grep -nE '^(\[\[nodiscard\]\] )?[A-Za-z:<>0-9_]+[&*]? [A-Z][A-Za-z]+\(.*[^{]$|^class [A-Za-z]+ ' \
    client/include/weft/*.h | grep -vE 'inline|WEFT_EXPORT|constexpr' && missing=1
  if grep -E 'weft::(CallWithRetry|MakeChannel|RetryEnvironment)' <<<"$symbols"; then
    echo "that is the library's own"
    missing=1
  fi
  ((missing == 0))
}

# ---- The system they are installed in.

make_tree() {
  local base
  base=$(tests/deploy/base_tree.sh systemd systemd-sysv dbus iproute2 procps) || return 1
  mkdir -p "$tree" && tar -C "$tree" -xf "$base" &&
    cp "$packages"/*.deb "$tree/root/" && cp -r client/examples/{embed,executor} "$tree/root/" &&
    cp /etc/resolv.conf "$tree/etc/resolv.conf" &&
    # It need not survive a power cut.
    echo force-unsafe-io >"$tree/etc/dpkg/dpkg.cfg.d/unsafe-io"
}

in_tree() { env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }

# All that will be wanted, because the booted system has no network. The cache may be another run's,
# too; apt looks at each file's checksum.
download() {
  local kept=$tree/var/cache/apt/archives
  mkdir -p "$archives"
  cp "$archives"/*.deb "$kept/" 2>/dev/null
  in_tree chroot "$tree" apt-get update -qq &&
    in_tree chroot "$tree" sh -c "cd /root && apt-get install -y -qq --no-install-recommends \
      --download-only ./*.deb ${tools[*]} && apt-get autoclean -qq" || return 1
  keep_archives "$kept"
}

# What is not wanted any more goes.
keep_archives() {
  (
    flock "$lock"
    find "$archives" -name '*.deb' -mtime +30 -delete
    cp -u "$1"/*.deb "$archives/"
  ) {lock}>"$cache/archives.lock"
}

# A network of its own: only its loopback, so the daemon's usual ports are free.
boot() {
  setsid systemd-nspawn --quiet -D "$tree" --boot --machine="$machine" --register=no --keep-unit \
    --private-network --console=pipe </dev/null >"$work/boot.log" 2>&1 &
  nspawn=$!
  until_true 20 pgrep -P "$nspawn" || { cat "$work/boot.log"; return 1; }
  leader=$(pgrep -P "$nspawn" | head -n 1)
  until_true 120 is_up
}

is_up() { [[ $(inside systemctl is-system-running) == @(running|degraded) ]]; }
inside() { in_tree nsenter -t "$leader" -a -- "$@"; }
install_inside() {
  inside sh -c "cd /root && apt-get install -y -qq --no-install-recommends $*"
}

# ---- What the installed packages do.

is_active() { inside systemctl is-active --quiet weftd; }
# says WORDS PROGRAM: it prints just that, and ends well.
says() {
  local said
  said=$(inside "$2") || { echo "$2 ended with $?"; return 1; }
  equal "$1" "$said"
}

takes_tasks() { equal "$digest" "$(inside weft run sha256 hello --raw)"; }
runs_as_weft() {
  equal weft "$(inside ps -o user= -C weftd)" &&
    equal /usr/bin/weftd "$(inside readlink "/proc/$(inside pgrep -x weftd)/exe")"
}

# The administrator's change of the configuration outlives an upgrade, which restarts the service.
keeps_changes_in_an_upgrade() {
  local before
  before=$(inside pgrep -x weftd)
  sed -i '/^\[executor\]/a worker_threads = 1' "$tree/etc/weft/weftd.toml"
  install_inside --reinstall '/root/weftd_*.deb' && until_true 20 takes_tasks || return 1
  [[ $before != "$(inside pgrep -x weftd)" ]] || { echo "not restarted"; return 1; }
  inside weft stats | grep '1 workers'
}

with_cmake() {
  inside sh -c "cd /root/embed && cmake -S . -B build && cmake --build build" &&
    says "$digest" /root/embed/build/embed
}

# The examples of the executor, and those of README.md as a reader copies them. What they print is
# as they say.
executor_by_hand() {
  inside sh -c 'cd /root/executor && cc -std=c99 -Wall -Wextra -Werror -o c main.c \
    $(pkg-config --cflags --libs weft) && g++ -std=c++20 -o cpp main.cc \
    $(pkg-config --cflags --libs weft)' &&
    says "hello from a task
result 42" /root/executor/c && says "sum 36" /root/executor/cpp
}
executor_with_cmake() {
  inside sh -c "cd /root/executor && cmake -S . -B build && cmake --build build" &&
    says "sum 36" /root/executor/build/in_cpp
}
readme_compiles() {
  local folder=$tree/root/empty
  mkdir "$folder" || return 1
  tests/readme/program.sh 1 >"$folder/main.c" && tests/readme/program.sh 2 >"$folder/main.cc" ||
    return 1
  # With the commands that README.md gives.
  grep -oE '`(cc|g\+\+) [^`]*main\.cc? \$\(pkg-config[^`]*`' README.md | tr -d '\`' \
    >"$folder/commands"
  equal 2 "$(wc -l <"$folder/commands")" || return 1
  inside sh -c 'cd /root/empty && sed -n 1p commands | sh && mv a.out in-c &&
    sed -n 2p commands | sh && mv a.out in-cpp' &&
    says "hello from a task" /root/empty/in-c &&
    says "42" /root/empty/in-cpp
}
# All that is installed for programs that embed the executor, in one program that uses each way in.
executor_headers() {
  {
    inside sh -c 'cd /usr/include/weft-executor && find . -name "*.h"' | sort | \
      sed 's|^\./\(.*\)|#include "\1"|'
    cat tests/deploy/every_way_in.cc
  } >"$tree/root/all.cc"
  inside sh -c 'cd /root && g++ -std=c++20 -Wall -Wextra -Werror -o all all.cc \
    $(pkg-config --cflags --libs weft)' && says "4 ways in" /root/all
}
# With the files of the packages, unpacked; the machine that builds has the compiler.
executor_in_rust() {
  dpkg-deb -x "$packages"/libweft_*.deb "$work/rust" &&
    dpkg-deb -x "$packages"/libweft-dev_*.deb "$work/rust" || return 1
  local libraries
  libraries=$(dirname "$(find "$work/rust" -name libweft.so)")
  rustc client/examples/executor/main.rs -l weft -L "$libraries" -o "$work/rust/example" &&
    equal "result 42" "$(LD_LIBRARY_PATH=$libraries "$work/rust/example")"
}

with_pkg_config() {
  inside sh -c "cd /root/embed && g++ -std=c++20 -o by-hand main.cc \
    \$(pkg-config --cflags --libs weft-client)" && says "$digest" /root/embed/by-hand
}

manual_renders() {
  local page told
  for page in "$@"; do
    told=$(inside man --warnings -E UTF-8 "$page" 2>&1 >"$work/page") || { echo "$told"; return 1; }
    equal "" "$told" && grep -q '^NAME' "$work/page" || { echo "$page"; return 1; }
  done
}

# Found by the shell itself for either program; the handlers are the running daemon's.
completes_in_bash() {
  equal sha256 "$(inside bash -c '. /usr/share/bash-completion/bash_completion
    _completion_loader weftd; complete -p weftd >/dev/null || exit 1
    _completion_loader weft
    COMP_WORDS=(weft run sha2) COMP_CWORD=2; _weft; echo "${COMPREPLY[*]}"')"
}
completes_in_zsh() {
  equal "_weft _weftd" "$(inside env HOME=/root zsh -fc 'autoload -Uz compinit
    compinit -u -D; echo $_comps[weft] $_comps[weftd]')"
}
completes_in_fish() {
  equal sha256 "$(inside env HOME=/root fish -c 'complete -C "weft run sha2"' | cut -f1)" &&
    inside env HOME=/root fish -c 'complete -C "weftd --check"' | grep check-config
}

stopped() { fails is_active && fails inside pgrep -x weftd; }
kept_only_configuration() {
  inside test -f /etc/weft/weftd.toml && fails inside test -e /usr/bin/weftd &&
    fails inside test -e /lib/systemd/system/weftd.service
}
nothing_left() {
  inside sh -c 'rm -rf /root/* /var/cache/apt/archives/*weft* && find / -xdev \
    \( -path /proc -o -path /sys \) -prune -o -iname "*weft*" -print' >"$work/left"
  equal "" "$(<"$work/left")"
}

# ---- The checks, in order.

digest=$(printf hello | sha256sum | cut -d' ' -f1)
check "lintian reports nothing" lintian_is_content
check "weftd holds programs, service, configuration, manual and completions" has weftd \
  usr/bin/weft{,d} etc/weft/weftd.toml lib/systemd/system/weftd{.service,.socket} \
  lib/systemd/system/weftd-rpc.socket usr/share/man/man8/weftd.8.gz usr/share/man/man1/weft.1.gz \
  usr/share/man/man5/weftd.toml.5.gz usr/share/bash-completion/completions/weft{,d} \
  usr/share/zsh/vendor-completions/_weft{,d} usr/share/fish/vendor_completions.d/weft{,d}.fish
check "libweft offers its headers and hides the rest" offers_its_headers
need "a clean Debian 12 is made" make_tree
need "apt finds all dependencies" download
need "it boots" boot
need "apt installs weftd" install_inside '/root/weftd_*.deb'
check "the service is running" until_true 20 is_active
check "it is enabled" inside systemctl is-enabled --quiet weftd
check "it takes tasks" until_true 20 takes_tasks
check "it is the packaged daemon, as user weft" runs_as_weft
check "it answers its health check" inside weft health
check "an upgrade restarts it and keeps the changed configuration" keeps_changes_in_an_upgrade
check "apt installs libweft-dev" \
  install_inside '/root/libweft_*.deb' '/root/libweft-dev_*.deb' "${tools[@]}"
check "a client compiles with CMake and runs" with_cmake
check "a client compiles with pkg-config and runs" with_pkg_config
check "programs that embed the executor compile with pkg-config and run" executor_by_hand
check "they compile with CMake and run" executor_with_cmake
check "the examples of README.md compile and run" readme_compiles
check "every header that is installed compiles, and every way in works" executor_headers
check "a Rust program embeds the executor" executor_in_rust
check "the manual renders without warnings" manual_renders weftd weft weftd.toml
check "bash completes commands and the daemon's handlers" completes_in_bash
check "zsh completes both programs" completes_in_zsh
check "fish completes the daemon's handlers and options" completes_in_fish
check "apt removes everything" inside apt-get remove -y -qq weftd libweft libweft-dev
check "the service has ended" stopped
check "only the configuration is kept" kept_only_configuration
check "dpkg purges everything" inside dpkg --purge weftd libweft libweft-dev
check "nothing is left behind" nothing_left
finish
