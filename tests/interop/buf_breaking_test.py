#!/usr/bin/python3
"""Proves that .ci/check-proto, which CI runs, refuses a change of proto/ that breaks clients and
lets others pass, in repositories made for it. Arguments are those of cases.main."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import buf_curl
import cases
from weft_daemon import PATIENCE_S, ROOT

TASK = "proto/weft/v1/task.proto"
SERVICE = "proto/weft/v1/task_service.proto"
REMOVED_METHOD = "  rpc CancelTask(CancelTaskRequest) returns (CancelTaskResponse);\n"


def setUpModule():
    missing = buf_curl.why_missing()
    if missing:
        raise unittest.SkipTest(missing)


class BufBreaking(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weft-proto-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        shutil.copytree(ROOT / "proto", self.root / "proto")
        # Whatever is configured for the user and around this run does not count.
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("GIT_", "WEFT_CI"))}
        self.environment.update(
            HOME=folder.name, XDG_CACHE_HOME=folder.name, GIT_CONFIG_NOSYSTEM="1",
            GIT_AUTHOR_NAME="test", GIT_AUTHOR_EMAIL="test@localhost",
            GIT_COMMITTER_NAME="test", GIT_COMMITTER_EMAIL="test@localhost")
        self.git("init", "--quiet")
        self.commit("first")

    def git(self, *arguments):
        subprocess.run(["git", *arguments], cwd=self.root, env=self.environment, check=True,
                       capture_output=True)

    def commit(self, message):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)

    def replace(self, name, old, new):
        text = (self.root / name).read_text(encoding="utf-8")
        self.assertIn(old, text)
        (self.root / name).write_text(text.replace(old, new, 1), encoding="utf-8")

    def check(self, code, **environment):
        process = subprocess.run(
            [ROOT / ".ci/check-proto", self.root], env={**self.environment, **environment},
            capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        output = process.stdout + process.stderr
        self.assertEqual(process.returncode, code, output)
        return output

    def test_nothing_to_compare_with_is_said(self):
        self.assertIn("no tag and no earlier commit", self.check(0))

    def test_additions_pass(self):
        self.git("tag", "v0.1.0")
        self.replace(TASK, "  uint32 attempts = 16;\n",
                     "  uint32 attempts = 16;\n  // One more.\n  bool extra = 18;\n")
        self.commit("add")
        self.assertIn("nothing since v0.1.0", self.check(0))

    def test_each_kind_of_break_is_named(self):
        self.git("tag", "v0.1.0")
        for name, old, new, told in (
            (TASK, "uint32 attempts = 16;", "uint32 attempts = 18;", "attempts"),
            (TASK, "fixed64 client_tag = 6;", "uint64 client_tag = 6;", "client_tag"),
            (TASK, "string affinity_key = 7;", "string affinity = 7;", "affinity"),
            (TASK, "PRIORITY_LOW = 3;", "PRIORITY_LOW = 4;", "Priority"),
            (SERVICE, REMOVED_METHOD, "", "CancelTask"),
        ):
            with self.subTest(new=new):
                self.replace(name, old, new)
                output = self.check(1)
                self.assertIn(told, output)
                self.assertIn("would break clients built at v0.1.0", output)
                self.git("checkout", "--quiet", "--", ".")

    def test_the_last_tag_counts_and_not_the_commits_since(self):
        self.git("tag", "v0.1.0")
        self.replace(SERVICE, REMOVED_METHOD, "")
        self.commit("break\n\nBreaks: not permitted any more after a release")
        self.commit("something else")
        self.assertIn("CancelTask", self.check(1))
        self.git("tag", "v0.2.0")
        self.assertIn("nothing since v0.2.0", self.check(0))

    def test_without_a_tag_a_break_has_to_be_meant(self):
        self.replace(SERVICE, REMOVED_METHOD, "")
        self.commit("break")
        self.assertIn("CancelTask", self.check(1))
        self.commit("more\n\nBreaks: nobody has it yet")
        # Its own base: the commit before has broken it.
        self.check(0)
        output = self.check(0, WEFT_CI_BASE="HEAD~2")
        self.assertIn("Breaks: nobody has it yet", output)
        self.assertIn("CancelTask", output)

    def test_what_buf_lint_refuses_is_refused(self):
        self.replace(TASK, "// Why a task failed, was cancelled or expired.\n", "")
        self.assertIn("TaskError", self.check(100))


if __name__ == "__main__":
    cases.main()
