#!/usr/bin/python3
"""Runs the examples of client/python as a user would and reads what they print. Arguments are those
of cases.main."""

import os
import re
import subprocess
import sys
import unittest

import cases
import helper


def setUpModule():
    missing = helper.why_missing()
    if missing:
        raise unittest.SkipTest(missing)


class ExampleCase(cases.DaemonCase):
    def output_of(self, name, *arguments):
        return self.output(str(helper.EXAMPLES / name), self.daemon.address, *arguments)

    def output(self, *arguments):
        process = self.run_example(*arguments)
        self.assertEqual(process.stderr, "")
        return process.stdout

    def run_example(self, *arguments):
        command = [sys.executable, "-B", *arguments]
        environment = {**os.environ, "PYTHONPATH": helper.FOLDER}
        process = subprocess.run(command, env=environment, text=True, check=False,
                                 capture_output=True, timeout=2 * helper.PATIENCE_S)
        self.assertEqual(process.returncode, 0, process.stdout + process.stderr)
        return process


class PythonExamples(ExampleCase):
    def test_run_task(self):
        output = self.output_of("run_task.py")
        self.assertIn("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\n", output)
        self.assertIn("TASK_STATE_FAILED: on purpose", output)
        self.assertIn('did you mean "sha256"?', output)

    def test_batch(self):
        lines = self.output_of("batch.py").splitlines()
        # The CRC-32C of each, in hex.
        self.assertRegex("\n".join(lines[:3]), r"^one: [0-9a-f]{8}\ntwo: \S{8}\nthree: \S{8}$")
        self.assertIn('did you mean "crc32c"?', lines[3])
        self.assertEqual(lines[4], "3 tasks have the label")

    def test_watch(self):
        lines = self.output_of("watch.py").splitlines()
        ended = [line for line in lines if line.startswith("TASK_EVENT_KIND_ENDED")]
        self.assertEqual(ended, [f"TASK_EVENT_KIND_ENDED task {number} TASK_STATE_SUCCEEDED"
                                 for number in range(3)])
        self.assertEqual(lines[-1], "0 events missed")

    def test_stream(self):
        self.assertEqual(self.output_of("stream.py"),
                         "10000 of 10000 digests are right, 0 tasks were refused\n")

    def test_columns(self):
        process = self.run_example(str(helper.EXAMPLES / "columns.py"), self.daemon.address)
        self.assertEqual(process.stdout,
                         "100000 of 100000 outputs are right, 0 tasks did not succeed\n")
        self.assertRegex(process.stderr, r"^[\d,]+ tasks a second\n$")

    def test_the_code_of_the_readme(self):
        readme = (helper.EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
        code = re.search(r"```python\n(.*?)```", readme, re.DOTALL).group(1)
        lines = self.output("-c", code.replace("127.0.0.1:7411", self.daemon.address)).splitlines()
        self.assertTrue(lines[0].startswith("2cf24dba"), lines[0])
        self.assertEqual(lines[1], "True")
        self.assertEqual(len(lines), 1002)


class PythonExampleFull(ExampleCase):
    settings = ("executor.max_queue_depth=10",)

    def test_full_queue(self):
        output = self.output_of("full_queue.py", "100")
        self.assertRegex(output, r"^QUEUE_FULL: executor\.max_queue_depth .* is reached, again in ")
        self.assertIn("100 of 100 tasks succeeded; the queue was full: True", output)


if __name__ == "__main__":
    cases.main()
