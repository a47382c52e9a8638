"""A weftd that has run tasks of every outcome, and a Prometheus that scrapes it."""

import json
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

import dashboard

sys.path.insert(0, str(dashboard.ROOT / "tests/interop"))

from weft_daemon import PATIENCE_S, WEFT, WeftDaemon  # noqa: E402

TASKS = [["echo", "hello"], ["sha256", "hello", "--priority", "high"],
         ["spin", "1ms", "--priority", "low"], ["fail", "error on purpose"],
         ["no-such-handler", "x"], ["sleep", "10s", "--timeout", "20ms"]]  # fmt: skip


# Prometheus needs some seconds to start, and much longer on a machine that has no time for it.
START_PATIENCE_S = 120


def get(address):
    with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:
        return answer.read().decode()


class Daemon:
    """With its web server on a port that the system chose."""

    def __init__(self):
        self.daemon = WeftDaemon('web.listen="127.0.0.1:0"')
        self.daemon.start()
        log = self.daemon.log()
        self.web = log.split("web=http://")[1].split()[0]

    def run_tasks(self):
        for task in TASKS:
            subprocess.run([WEFT, "run", *task, "--target", self.daemon.address],
                           capture_output=True, timeout=PATIENCE_S, check=False)  # fmt: skip

    def page(self):
        return get(f"http://{self.web}/metrics")

    def stop(self):
        self.daemon.stop()


class Prometheus:
    """deploy/prometheus as it is, but for the address of the daemon and shorter intervals."""

    def __init__(self, target):
        self.folder = tempfile.TemporaryDirectory(prefix="weft-prometheus-")
        folder = pathlib.Path(self.folder.name)
        for name in ("prometheus.yml", "rules.yml"):
            shutil.copy(dashboard.PROMETHEUS / name, folder)
        config = folder / "prometheus.yml"
        text = config.read_text(encoding="utf-8").replace("127.0.0.1:7412", target)
        text = text.replace("interval: 5s", "interval: 500ms").replace(": 15s", ": 500ms")
        config.write_text(text, encoding="utf-8")
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{listener.getsockname()[1]}"
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address={self.address}"], stdout=log, stderr=log)  # fmt: skip

    def ask(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        return json.loads(get(f"http://{self.address}/api/v1/{path}?{query}"))["data"]

    def value(self, expression):
        """The samples that the expression has now."""
        return self.ask("query", query=expression)["result"]

    def await_value(self, expression):
        until = time.monotonic() + START_PATIENCE_S
        while time.monotonic() < until:
            try:
                if self.value(expression):
                    return
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.1)
        log = (pathlib.Path(self.folder.name) / "log").read_text(encoding="utf-8")
        raise RuntimeError(f"Prometheus never had {expression}:\n{log}")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE_S)
        self.folder.cleanup()
