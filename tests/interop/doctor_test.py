#!/usr/bin/python3
"""Proves that `weft doctor` finds a real daemon, tells it from other programs, keeps its word about
exit codes and JSON, and leaves the daemon as it was. Arguments are those of cases.main."""

import json
import os
import socket
import subprocess

import cases
from weft_daemon import PATIENCE_S, WEFT


def free_port():
    """Of a listener that is closed again; nothing else of these tests takes it in between."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


class Doctor(cases.DaemonCase):
    def doctor(self, *arguments):
        # Without a socket of another daemon of this machine.
        environment = dict(os.environ, RUNTIME_DIRECTORY=self.daemon.folder.name, WEFT_TARGET="")
        process = subprocess.run([WEFT, "doctor", *arguments], text=True, capture_output=True,
                                 timeout=PATIENCE_S, check=False, env=environment)
        self.assertEqual(process.stderr, "")
        return process.returncode, process.stdout

    def checks(self, *arguments):
        code, text = self.doctor("--json", "--web", free_port(), *arguments)
        checks = {check["name"]: check for check in json.loads(text)}
        for check in checks.values():
            self.assertEqual(set(check), {"name", "level", "found", "fix"})
            self.assertIn(check["level"], ("ok", "warning", "error"))
            self.assertEqual(check["fix"] == "", check["level"] == "ok", check)
        is_error = any(check["level"] == "error" for check in checks.values())
        self.assertEqual(code, 1 if is_error else 0)
        return checks

    def test_finds_the_daemon_at_its_address_and_at_its_socket(self):
        checks = self.checks("--target", self.daemon.address)
        self.assertIn(f"{self.daemon.address} is weftd", checks["gRPC address"]["found"])
        self.assertIn("ready; cores", checks["gRPC address"]["found"])
        self.assertIn(f"unix:{self.daemon.socket} is weftd", checks["unix socket"]["found"])
        self.assertIn("is free", checks["web address"]["found"])
        self.assertGreaterEqual(len(checks), 16)

    def test_finds_the_daemon_at_a_target_that_is_a_socket(self):
        checks = self.checks("--target", f"unix:{self.daemon.socket}")
        self.assertIn("is weftd", checks["target socket"]["found"])
        self.assertNotIn("unix socket", checks)

    def test_makes_an_error_of_a_named_address_where_no_daemon_answers(self):
        checks = self.checks("--target", free_port())
        self.assertEqual(checks["gRPC address"]["level"], "error")
        self.assertIn("start weftd", checks["gRPC address"]["fix"])

    def test_names_the_program_that_has_the_address(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            checks = self.checks("--target", f"127.0.0.1:{other.getsockname()[1]}")
        self.assertEqual(checks["gRPC address"]["level"], "error")
        self.assertIn(f"(pid {os.getpid()})", checks["gRPC address"]["found"])

    def test_writes_lines_within_100_columns_and_without_colour(self):
        code, text = self.doctor("--target", self.daemon.address, "--web", free_port())
        self.assertIn(code, (0, 1))
        lines = text.splitlines()
        self.assertTrue(all(len(line) <= 100 for line in lines), text)
        self.assertNotIn("\x1b", text)
        self.assertRegex(lines[-1], r"^\d+ ok, \d+ warnings?, \d+ errors?$")


if __name__ == "__main__":
    cases.main()
