"""A booted Debian with systemd as its first process, in a container of systemd-nspawn.

It has a network of its own with nothing but loopback. The tree it boots is a folder that the caller
unpacks and removes. Always used as a context: on the way out it is powered off.
"""

import os
import pathlib
import signal
import subprocess

from checks import await_that


class Machine:
    def __init__(self, root, log):
        self.root = pathlib.Path(root)
        self.log = pathlib.Path(log)
        self.name = f"weft-{os.getpid()}"
        self.leader = 0
        self.nspawn = None

    def __enter__(self):
        command = [
            "systemd-nspawn", "--quiet", "-D", str(self.root), "--boot",
            f"--machine={self.name}", "--register=no", "--keep-unit", "--console=pipe",
            "--private-network",
        ]  # fmt: skip
        with open(self.log, "wb") as log:
            self.nspawn = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self.leader = await_that(self._find_leader, "nspawn starts a first process")
            await_that(self._is_up, "the machine is up", 300)
        except BaseException as error:
            error.add_note(self._tell_boot())
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.nspawn is None:
            return
        self._power_off()
        # nspawn leaves this where /run is no file system of its own.
        propagate = pathlib.Path("/run/systemd/nspawn/propagate", self.name)
        if propagate.is_dir():
            propagate.rmdir()

    def _power_off(self):
        # To systemd this means: power off. A machine that does not obey loses its first process.
        for number in (signal.SIGRTMIN + 4, signal.SIGKILL):
            if self.leader and self.nspawn.poll() is None:
                self._signal_leader(number)
            try:
                self.nspawn.wait(timeout=30)
                return
            except subprocess.TimeoutExpired:
                pass
        self.nspawn.kill()
        self.nspawn.wait()

    def run(self, *command, user=None, check=True, timeout_s=60, environment=()):
        """Runs a command inside; returns the finished process with its output as text."""
        words = ["nsenter", "-t", str(self.leader), "-a", "--"]
        words += ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *environment]
        if user is not None:
            words += ["setpriv", f"--reuid={user}", "--init-groups", f"--regid={user}"]
        done = subprocess.run(
            [*words, *command], capture_output=True, text=True, timeout=timeout_s, check=False
        )
        if check and done.returncode != 0:
            said = (done.stdout + done.stderr).strip()
            raise AssertionError(f"{' '.join(command)} exits {done.returncode}: {said}")
        return done

    def output(self, *command, **options):
        return self.run(*command, **options).stdout.strip()

    def show(self, unit, name):
        """One property of a unit."""
        return self.output("systemctl", "show", "--value", "-p", name, unit)

    def journal(self, unit, since=None):
        since = [] if since is None else [f"--after-cursor={since}"]
        return self.output("journalctl", "--no-pager", "-o", "cat", "-u", unit, *since)

    def cursor(self):
        """A place in the journal, for what comes after it."""
        self.run("journalctl", "--sync")
        shown = self.output("journalctl", "--no-pager", "-n", "0", "--show-cursor")
        return shown.rpartition("-- cursor: ")[2]

    def host_pid(self, inner_pid):
        """The number outside of a process inside."""
        inside = os.readlink(f"/proc/{self.leader}/ns/pid")
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(folder / "ns/pid") != inside:
                    continue
                status = (folder / "status").read_text()
            except OSError:
                continue
            numbers = next(line for line in status.splitlines() if line.startswith("NSpid:"))
            if numbers.split()[-1] == str(inner_pid):
                return int(folder.name)
        raise AssertionError(f"no process {inner_pid} inside the machine")

    def _find_leader(self):
        if self.nspawn.poll() is not None:
            raise AssertionError(f"nspawn ended: {self.log.read_text(errors='replace')}")
        children = pathlib.Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children")
        return int((children.read_text().split() or ["0"])[0])

    def _is_up(self):
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        return state in ("running", "degraded")

    def _tell_boot(self):
        """What the boot waits for, and what the console said last."""
        try:
            waiting = self.run("systemctl", "--no-pager", "list-jobs", check=False).stdout
            failed = self.run("systemctl", "--no-pager", "--failed", check=False).stdout
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            waiting, failed = "", f"{error}\n"
        console = self.log.read_text(errors="replace")[-2000:]
        return f"jobs: {waiting}failed: {failed}console: {console}"

    def _signal_leader(self, number):
        try:
            os.kill(self.leader, number)
        except ProcessLookupError:
            pass
