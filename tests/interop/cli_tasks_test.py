#!/usr/bin/python3
"""Proves that the command line submits, lists and watches many tasks: `weft submit --batch`,
`weft list` and `weft watch`, against a real weftd. Arguments are those of cases.main."""

import json
import signal
import subprocess
import unittest

import cases
from weft_daemon import PATIENCE_S, WEFT


class CliTasks(cases.DaemonCase):
    def weft(self, *arguments, code=0, stdin=""):
        process = subprocess.run([WEFT, *arguments, "--target", self.daemon.address], text=True,
                                 input=stdin, capture_output=True, timeout=PATIENCE_S, check=False)
        self.assertEqual(process.returncode, code, process.stdout + process.stderr)
        return process

    def watch(self, *arguments):
        process = subprocess.Popen([WEFT, "watch", *arguments, "--target", self.daemon.address],
                                   text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertIn("watching", process.stderr.readline())
        return process

    def test_a_batch_becomes_one_task_a_line(self):
        lines = [f"line {number}" for number in range(1500)]
        ids = self.weft("submit", "echo", "--batch", "-", "--label", "app=shop",
                        stdin="\n".join(lines)).stdout.split()
        self.assertEqual(len(set(ids)), len(lines))
        for index in (0, 1023, 1024, 1499):
            waited = json.loads(self.weft("wait", ids[index], "--json").stdout)
            self.assertEqual(waited["client_tag"], str(index))
        listed = self.weft("list", "--label", "app=shop", "--json").stdout.splitlines()
        self.assertEqual({json.loads(line)["result"]["task_id"] for line in listed}, set(ids))
        self.assertEqual(len(listed), len(ids))

    def test_a_batch_names_the_lines_that_are_refused(self):
        process = self.weft("submit", "ecko", "--batch", "-", stdin="a\nb\n", code=2)
        self.assertEqual(process.stdout, "")
        self.assertIn("line 1: weft: INVALID_ARGUMENT", process.stderr)
        self.assertIn("line 2: ", process.stderr)
        self.assertIn('did you mean "echo"?', process.stderr)

    def test_a_listing_is_a_table_of_what_the_filter_means(self):
        self.weft("run", "fail", "error x", "--retain", "--label", "app=shop", code=1)
        self.weft("run", "echo", "x", "--retain")
        lines = self.weft("list", "--state", "failed").stdout.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertEqual(lines[0].split()[:3], ["task", "state", "handler"])
        self.assertEqual(lines[1].split()[1:3], ["failed", "fail"])
        self.assertTrue(lines[1].endswith("  app=shop"), lines[1])
        self.assertEqual(len(self.weft("list").stdout.splitlines()), 3)
        self.assertEqual(len(self.weft("list", "--limit", "1").stdout.splitlines()), 2)
        nothing = self.weft("list", "--label", "app=bank")
        self.assertEqual((nothing.stdout, nothing.stderr), ("", "no tasks\n"))
        self.assertIn("did you mean", self.weft("list", "--handler", "ecko", code=2).stderr)

    def test_a_watch_tells_until_ctrl_c_and_exits_0(self):
        process = self.watch()
        self.weft("run", "echo", "x", "--label", "app=shop")
        self.assertRegex(process.stdout.readline(), r"^accepted echo app=shop: task \d+ on core")
        self.assertRegex(process.stdout.readline(), r"^ended    echo app=shop: task \d+ succeeded")
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(PATIENCE_S), 0)

    def test_a_watch_is_json_a_line_and_ends_at_its_limit(self):
        process = self.watch("--json", "--handler", "noop", "--limit", "3")
        for handler in ("noop", "echo", "noop"):
            self.weft("run", handler)
        events = [json.loads(line) for line in process.stdout]
        self.assertEqual([event["kind"] for event in events],
                         ["TASK_EVENT_KIND_ACCEPTED", "TASK_EVENT_KIND_ENDED",
                          "TASK_EVENT_KIND_ACCEPTED"])
        self.assertEqual(process.wait(PATIENCE_S), 0)

    def test_a_watch_ends_with_69_when_the_daemon_ends(self):
        process = self.watch()
        self.weft("drain")
        self.assertEqual(process.wait(PATIENCE_S), 69)
        self.assertIn("UNAVAILABLE", process.stderr.read())


if __name__ == "__main__":
    cases.main()
