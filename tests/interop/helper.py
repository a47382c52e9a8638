"""The package of client/python as the build has made it, for the cases that use it."""

import importlib
import os
import sys
import time

import cases
import stubs
from weft_daemon import ROOT

FOLDER = os.environ.get("WEFT_PYTHON_FOLDER", str(ROOT / "build/dev/python"))
EXAMPLES = ROOT / "client/python/examples"
# A call that takes longer than this has failed.
PATIENCE_S = 30


def why_missing():
    """What keeps the package from being used; None when nothing does."""
    if not os.path.exists(os.path.join(FOLDER, "weft/v1/task_pb2.py")):
        return f"no package in {FOLDER}: run client/python/build.sh {FOLDER}"
    return stubs.why_missing()


def load():
    """The package."""
    if FOLDER not in sys.path:
        sys.path.insert(0, FOLDER)
    return importlib.import_module("weft")


class HelperCase(cases.DaemonCase):
    """A daemon and a client of it."""

    def setUp(self):
        super().setUp()
        self.weft = load()
        self.client = self.connect()

    def connect(self, **options):
        client = self.weft.Client(self.daemon.address, timeout=PATIENCE_S, **options)
        self.addCleanup(client.close)
        return client

    def until(self, holds, what):
        """Asks again and again; fails when it takes too long."""
        until = time.monotonic() + PATIENCE_S
        while not holds():
            self.assertLess(time.monotonic(), until, what)

    def hold_the_core(self):
        """A task that keeps the daemon's one core busy until it is cancelled."""
        task_id = self.client.submit("spin", b"60s").task_id
        running = self.weft.TaskState.Value("TASK_STATE_RUNNING")
        self.until(lambda: self.client.get(task_id).result.state == running, "it does not run")
        return task_id

    def await_nothing_in_flight(self):
        """The counts once all that was accepted has ended."""
        self.until(lambda: self.client.admin.stats().tasks.in_flight == 0, "tasks stay in flight")
        return self.client.admin.stats().tasks
