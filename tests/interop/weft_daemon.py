"""A real weftd for a test: on a loopback port that the system chooses and on a unix socket, both
in use at once, in a temporary folder of its own."""

import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEFTD = os.environ.get("WEFTD", str(ROOT / "build/dev/bin/weftd"))
WEFT = os.environ.get("WEFT", str(ROOT / "build/dev/bin/weft"))
PATIENCE_S = 30


class WeftDaemon:
    """Runs from start to stop. One core by default, so that a test can hold all there is."""

    def __init__(self, *settings, config=None):
        self.settings = ["executor.worker_threads=1", *settings]
        # The text of its configuration file; None for none.
        self.config = config

    def start(self):
        # 0700, which the daemon demands of the folder of its socket.
        self.folder = tempfile.TemporaryDirectory(prefix="weft-interop-")
        self.log_path = os.path.join(self.folder.name, "log")
        self.socket = os.path.join(self.folder.name, "weftd.sock")
        addresses = ['rpc.listen=["127.0.0.1:0"]', 'web.listen=""']
        addresses.append(f'rpc.unix_socket="{self.socket}"')
        command = [WEFTD]
        for setting in addresses + self.settings:
            command += ["--set", setting]
        if self.config is not None:
            self.write_config(self.config)
            command += ["--config", self._config_path()]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.address = re.search(r"listening rpc=(127\S+)", self._await_ready()).group(1)

    def write_config(self, text):
        """For the next start or reload."""
        with open(self._config_path(), "w", encoding="utf-8") as file:
            file.write(text)

    def _config_path(self):
        return os.path.join(self.folder.name, "weftd.toml")

    def log(self):
        with open(self.log_path, encoding="utf-8") as log:
            return log.read()

    def stop(self, already_draining=False):
        """SIGTERM, which would be a second one for a daemon that drains already. Returns the exit
        code and the counts in the last line of the log."""
        try:
            if not already_draining:
                self.process.send_signal(signal.SIGTERM)
            code = self.process.wait(timeout=PATIENCE_S)
            last = self.log().splitlines()[-1]
            return code, {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", last)}
        finally:
            self._remove()

    def _await_ready(self):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            ended = self.process.poll() is not None
            log = self.log()
            if " ready in " in log:
                return log
            if ended:
                break
            time.sleep(0.005)
        log = self.log()
        self._remove()
        raise RuntimeError(f"weftd did not become ready:\n{log}")

    def _remove(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.folder.cleanup()
