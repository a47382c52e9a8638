#!/usr/bin/python3
"""The systemd unit on a booted Debian: start, hardening, pinning, restarts, watchdog, sockets.

Run by tests/deploy/run.sh, which names the folder with the package that is installed
($WEFT_PACKAGES) and one for the machine ($WEFT_WORK_DIR). A hang is made as a debugger would: see
frozen_thread.py.
"""

import ctypes
import errno
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

from checks import Checks, await_that, exit_on_signals, expect
from frozen_thread import FrozenThread
from machine import Machine

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
UNITS = REPOSITORY / "deploy/systemd"
PACKAGES = pathlib.Path(os.environ["WEFT_PACKAGES"])
WORK = pathlib.Path(os.environ["WEFT_WORK_DIR"])
BASE_PACKAGES = ["systemd", "systemd-sysv", "dbus", "iproute2", "procps"]
EXPOSURE_MAX = 1.8
SOCKET = "unix:/run/weft/weftd.sock"
TCP = "127.0.0.1:7411"
CONFIG = """\
executor.worker_threads = 1
daemon.drain_limit_s = 10
"""
# Short, so that a hang is noticed soon, and long enough for a busy machine.
WATCHDOG_S = 4
IO_URING_SETUP = 425


# ---- The tree that is booted.


def dependencies(package):
    """The names of the packages it depends on; of alternatives the first."""
    depends = subprocess.run(
        ["dpkg-deb", "-f", package, "Depends"], capture_output=True, text=True, check=True
    ).stdout
    return sorted({re.match(r"[^ |]+", part.strip()).group() for part in depends.split(",")})


def unpack_tree(package):
    base = subprocess.run(
        [REPOSITORY / "tests/deploy/base_tree.sh", *BASE_PACKAGES, *dependencies(package)],
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    root = WORK / "root"
    root.mkdir()
    subprocess.run(["tar", "-C", root, "-xf", base], check=True)
    return root


def install(package, root):
    subprocess.run(["cp", package, root / "root/weftd.deb"], check=True)
    done = subprocess.run(
        ["chroot", root, "dpkg", "--install", "/root/weftd.deb"],
        capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    expect(done.returncode == 0, done.stdout + done.stderr)
    # One who may use the socket, and one who may not.
    for name, group in (("friend", ["-G", "weft"]), ("stranger", [])):
        subprocess.run(["useradd", "-R", root, "-M", *group, name], check=True)


# ---- Asking the machine.


def weft(machine, *words, target=SOCKET, **options):
    return machine.run("weft", *words, environment=[f"WEFT_TARGET={target}"], **options)


def main_pid(machine):
    return int(machine.show("weftd", "MainPID"))


def status_text(machine):
    return machine.show("weftd", "StatusText")


def is_active(machine):
    return machine.show("weftd", "ActiveState") == "active"


def runs_another(machine, before):
    """Whether a process other than this one is ready; asked in one go, or it is of two moments."""
    shown = machine.output("systemctl", "show", "-p", "ActiveState", "-p", "MainPID", "weftd")
    state = dict(line.split("=", 1) for line in shown.splitlines())
    return state["ActiveState"] == "active" and int(state["MainPID"]) not in (0, before)


def drop_in(machine, text, unit="weftd.service"):
    """Changes the unit for the checks that follow; an empty text takes it back."""
    folder = machine.root / f"etc/systemd/system/{unit}.d"
    folder.mkdir(exist_ok=True)
    (folder / "test.conf").write_text(text)
    machine.run("systemctl", "daemon-reload")


def configure(machine, text):
    (machine.root / "etc/weft/weftd.toml").write_text(CONFIG + text)


def threads(machine):
    """Name, number outside and allowed CPUs of every thread of the daemon."""
    found = []
    pid = machine.host_pid(main_pid(machine))
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        status = (task / "status").read_text()
        cpus = re.search(r"^Cpus_allowed_list:\s*(\S+)", status, re.M).group(1)
        found.append(((task / "comm").read_text().strip(), int(task.name), cpus))
    return found


def await_status(machine, text):
    await_that(lambda: text in status_text(machine), f"status with {text!r}")


def restart(machine):
    machine.run("systemctl", "reset-failed", "weftd", check=False)
    machine.run("systemctl", "restart", "weftd")


def recover(machine):
    """After a check that failed: as the next one expects it, as far as that can be had."""
    configure(machine, "")
    drop_in(machine, "")
    machine.run("systemctl", "stop", "weftd.socket", "weftd-rpc.socket", check=False)
    machine.run("systemctl", "reset-failed", "weftd", check=False)
    machine.run("systemctl", "restart", "weftd", check=False)


# ---- The checks, in the order in which they run. Each leaves the service active.


def is_verified(machine):
    units = [f"/lib/systemd/system/{path.name}" for path in UNITS.glob("weftd*")]
    expect(len(units) == 3, units)
    done = machine.run("systemd-analyze", "verify", "--man=no", *units)
    expect(not done.stderr.strip(), done.stderr)


def is_hardened(machine):
    said = machine.output(
        "systemd-analyze", "security", "--no-pager", "--offline=true",
        f"--threshold={EXPOSURE_MAX * 10:.0f}", "/lib/systemd/system/weftd.service",
    )  # fmt: skip
    exposure = float(re.search(r"exposure level for weftd.service: ([0-9.]+)", said).group(1))
    expect(exposure <= EXPOSURE_MAX, f"exposure {exposure}")
    status = pathlib.Path(f"/proc/{machine.host_pid(main_pid(machine))}/status").read_text()
    for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000"):
        expect(line in status, f"no {line!r} in /proc/PID/status")
    expect(machine.output("ps", "-o", "user=", "-C", "weftd") == "weft", "not user weft")


def starts(machine):
    await_that(lambda: is_active(machine), "the service is active")
    expect(machine.show("weftd", "NRestarts") == "0", "it took more than one start")
    text = status_text(machine)
    expect(re.fullmatch(r"ready: \d+ cores?, 0 in flight, 0/s", text), text)
    # With the configuration as it is shipped; from here on with that of the checks.
    configure(machine, "")
    restart(machine)
    await_status(machine, "ready: 1 core, 0 in flight, 0/s")


def expect_echo(machine, **options):
    said = weft(machine, "run", "echo", "hello", **options).stdout
    expect(said.splitlines()[:1] == ["hello"], f"{options}: {said!r}")


def answers_on_both_addresses(machine):
    for target in (SOCKET, TCP):
        expect_echo(machine, target=target)


def lets_in_its_group_only(machine):
    expect_echo(machine, user="friend")
    refused = weft(machine, "run", "echo", "hi", user="stranger", check=False)
    expect(refused.returncode != 0, "a stranger may use the socket")


def pins_its_cores(machine):
    cores = [cpus for name, _, cpus in threads(machine) if name.startswith("weft-core-")]
    expect(len(cores) == 1 and cores[0].isdigit(), f"cores may run on {cores}")


def descriptor_limit(pid):
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    return int(re.search(r"^Max open files +\d+ +(\d+)", limits, re.M).group(1))


def raises_its_limits(machine):
    # A container cannot be given more than it has itself.
    wanted = min(65536, descriptor_limit(machine.leader))
    found = descriptor_limit(machine.host_pid(main_pid(machine)))
    expect(found == wanted, f"{found} descriptors, expected {wanted}")


def kernel_offers_a_ring():
    # Without parameters it is refused one way or the other; only where it is forbidden, by these.
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(IO_URING_SETUP, 0, None)
    return ctypes.get_errno() not in (errno.ENOSYS, errno.EPERM)


def reads_and_writes_files(machine, asked, wanted):
    contents = os.urandom(300_000)
    (machine.root / "var/lib/weft/blob").write_bytes(contents)
    (machine.root / "root/written").write_text("note\nto keep")
    configure(machine, f'handlers.file_root = "/var/lib/weft"\nio.backend = "{asked}"\n')
    since = machine.cursor()
    restart(machine)
    digest = weft(machine, "run", "file.hash", "blob", "--raw").stdout.strip()
    expect(digest == hashlib.sha256(contents).hexdigest(), digest)
    # The folder is the daemon's own, so it may write there, too.
    weft(machine, "run", "file.write", "--file", "/root/written")
    written = machine.root / "var/lib/weft/note"
    expect(written.read_text() == "to keep", "not what was written")
    written.unlink()
    stats = json.loads(weft(machine, "stats", "--json").stdout)["io"]
    expect(stats["backend"] == wanted and int(stats["operations"]) > 0, stats)
    journal = machine.journal("weftd", since)
    expect(f" io backend={wanted} " in journal, journal)
    fell_back = asked == "auto" and wanted == "threads"
    expect(("io_fallback" in journal) == fell_back, journal)
    configure(machine, "")
    restart(machine)


def reads_files_through_the_ring(machine):
    reads_and_writes_files(machine, "auto", "io_uring" if kernel_offers_a_ring() else "threads")


def reads_files_by_threads(machine):
    # What the ring does the filter of system calls does not see; what threads do it does.
    reads_and_writes_files(machine, "threads", "threads")


def keeps_its_status_current(machine):
    task = weft(machine, "submit", "sleep", "60s").stdout.strip()
    await_status(machine, "1 in flight")
    weft(machine, "cancel", task)
    await_status(machine, "0 in flight")


def is_restarted_when_killed(machine):
    before, since = main_pid(machine), machine.cursor()
    machine.run("kill", "-KILL", str(before))
    await_that(lambda: runs_another(machine, before), "a restart")
    restarts = machine.show("weftd", "NRestarts")
    expect(restarts == "1", f"{restarts} restarts: {machine.journal('weftd', since)}")
    answers_on_both_addresses(machine)


def watch_closely(machine):
    drop_in(machine, f"[Service]\nWatchdogSec={WATCHDOG_S}\n")
    restart(machine)


def is_fed_through_a_long_handler(machine):
    before = main_pid(machine)
    weft(machine, "run", "spin", f"{2 * WATCHDOG_S}s")
    expect(is_active(machine) and main_pid(machine) == before, "the daemon was restarted")


def await_watchdog(machine, frozen, before, since, thread):
    await_that(frozen.has_ended, "the manager ends the daemon", 5 * WATCHDOG_S)
    await_that(lambda: runs_another(machine, before), "a restart")
    journal = machine.journal("weftd", since)
    expect("Watchdog timeout" in journal, journal)
    expect(f'watchdog_not_fed thread="the {thread}' in journal, journal)
    answers_on_both_addresses(machine)


def is_restarted_when_the_door_hangs(machine):
    before, since = main_pid(machine), machine.cursor()
    with FrozenThread(machine.host_pid(before)) as frozen:
        await_watchdog(machine, frozen, before, since, "Door")


def is_restarted_when_a_core_hangs(machine):
    before, since = main_pid(machine), machine.cursor()
    core = next(number for name, number, _ in threads(machine) if name == "weft-core-0")
    with FrozenThread(core) as frozen:
        # Asleep it would be no hang; so it is given something to do.
        weft(machine, "submit", "noop", check=False)
        await_watchdog(machine, frozen, before, since, "core on CPU")


def drains_when_stopped(machine):
    # Shorter than the drain takes: the daemon asks for more.
    drop_in(machine, "[Service]\nTimeoutStopSec=2\n")
    restart(machine)
    since = machine.cursor()
    weft(machine, "submit", "sleep", "5s")
    machine.run("systemctl", "stop", "--no-block", "weftd")
    await_status(machine, "draining: 1 in flight")
    await_that(lambda: machine.show("weftd", "ActiveState") == "inactive", "the end")
    expect(machine.show("weftd", "Result") == "success", machine.show("weftd", "Result"))
    journal = machine.journal("weftd", since)
    expect(re.search(r"drained accepted=1 succeeded=1 .*in_flight=0", journal), journal)
    drop_in(machine, "")
    restart(machine)


def shows(machine, text):
    return text in weft(machine, "stats").stdout


def takes_over_what_a_reload_changes(machine):
    before, since = main_pid(machine), machine.cursor()
    expect(not shows(machine, "target     123.0 µs"), "the target has that value before")
    configure(machine, "executor.target_latency_ns = 123000\nexecutor.max_queue_depth = 77\n")
    machine.run("systemctl", "reload", "weftd")
    await_that(lambda: shows(machine, "target     123.0 µs"), "the new target in weft stats")
    journal = machine.journal("weftd", since)
    for told in (
        "config_reloaded cause=SIGHUP applied=1 needs_restart=1",
        "config_applied key=executor.target_latency_ns from=5000 to=123000",
        "config_needs_restart key=executor.max_queue_depth from=10000 to=77",
    ):
        expect(told in journal, f"no {told!r} in: {journal}")
    expect(is_active(machine) and main_pid(machine) == before, "the daemon was restarted")
    configure(machine, "")
    machine.run("systemctl", "reload", "weftd")
    await_that(lambda: shows(machine, "target     5.0 µs"), "the old target in weft stats")


def tells_the_mistakes_of_a_reload(machine):
    before, since = main_pid(machine), machine.cursor()
    configure(machine, 'executor.idle = "never"\n')
    expect(machine.run("systemctl", "reload", "weftd", check=False).returncode != 0, "it reloads")
    await_that(lambda: "executor.idle" in machine.journal("weftd", since), "a line in the journal")
    configure(machine, "")
    machine.run("systemctl", "reload", "weftd")
    expect(is_active(machine) and main_pid(machine) == before, "the daemon was restarted")


def is_not_restarted_when_misconfigured(machine):
    since = machine.cursor()
    configure(machine, "executor.worker_thread = 2\n")
    done = machine.run("systemctl", "restart", "weftd", check=False)
    expect(done.returncode != 0, "it starts")
    # Longer than RestartSec.
    time.sleep(2.5)
    state = {name: machine.show("weftd", name) for name in ("ActiveState", "ExecMainStatus")}
    expect(state == {"ActiveState": "failed", "ExecMainStatus": "78"}, state)
    journal = machine.journal("weftd", since)
    expect("worker_threads" in journal and "Scheduled restart" not in journal, journal)
    configure(machine, "")
    restart(machine)


def is_started_by_the_first_call(machine):
    for target, user in ((SOCKET, "friend"), (TCP, "stranger")):
        machine.run("systemctl", "stop", "weftd.service", "weftd.socket", "weftd-rpc.socket")
        machine.run("systemctl", "start", "weftd.socket", "weftd-rpc.socket")
        expect(not is_active(machine), "active before the first call")
        since = machine.cursor()
        expect_echo(machine, target=target, user=user)
        journal = machine.journal("weftd", since)
        for address in (SOCKET, TCP):
            expect(re.search(rf"inherited fd=\d+ address={address}", journal), journal)
    answers_on_both_addresses(machine)


def is_started_again_by_a_call_after_a_stop(machine):
    machine.run("systemctl", "stop", "weftd.service")
    answers_on_both_addresses(machine)


def refuses_a_socket_without_a_purpose(machine):
    machine.run("systemctl", "stop", "weftd.service", "weftd.socket", "weftd-rpc.socket")
    drop_in(machine, "[Socket]\nFileDescriptorName=web\n", "weftd-rpc.socket")
    machine.run("systemctl", "start", "weftd-rpc.socket")
    since = machine.cursor()
    expect(machine.run("systemctl", "start", "weftd", check=False).returncode != 0, "it starts")
    expect(machine.show("weftd", "ExecMainStatus") == "78", machine.show("weftd", "ExecMainStatus"))
    journal = machine.journal("weftd", since)
    expect('named "web": the web listener cannot be inherited' in journal, journal)
    drop_in(machine, "", "weftd-rpc.socket")
    machine.run("systemctl", "stop", "weftd-rpc.socket", check=False)
    restart(machine)


CHECKS = [
    starts, is_verified, is_hardened, answers_on_both_addresses, lets_in_its_group_only,
    pins_its_cores, raises_its_limits, reads_files_through_the_ring, reads_files_by_threads,
    keeps_its_status_current, is_restarted_when_killed, watch_closely,
    is_fed_through_a_long_handler, is_restarted_when_the_door_hangs,
    is_restarted_when_a_core_hangs, drains_when_stopped, takes_over_what_a_reload_changes,
    tells_the_mistakes_of_a_reload, is_not_restarted_when_misconfigured,
    is_started_by_the_first_call, is_started_again_by_a_call_after_a_stop,
    refuses_a_socket_without_a_purpose,
]  # fmt: skip


def main():
    exit_on_signals()
    checks = Checks("unit")
    package = next(PACKAGES.glob("weftd_*.deb"))
    root = unpack_tree(package)
    install(package, root)
    with Machine(root, WORK / "console.log") as machine:
        for check in CHECKS:
            name = check.__name__.replace("_", " ")
            if not checks.run(name, check, machine):
                recover(machine)
        if checks.failed:
            print(machine.journal("weftd")[-6000:], flush=True)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
