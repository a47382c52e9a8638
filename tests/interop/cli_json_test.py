#!/usr/bin/python3
"""Proves that `weft run --json` shows every field of a TaskResult, exact, and that the same task
shows the same through buf curl and through Python. Arguments are those of cases.main."""

import hashlib
import json
import subprocess
import unittest

import buf_curl
import cases
import stubs
import task_result
from weft_daemon import PATIENCE_S, WEFT

FILE = "/etc/os-release"
# What differs from run to run of one task, though not in its form.
OWN = {name for name in task_result.NUMBERS if name.endswith("_ns")} | {"task_id"}


class CliJson(cases.DaemonCase):
    def weft(self, *arguments, code=0, over_socket=False):
        target = "unix:" + self.daemon.socket if over_socket else self.daemon.address
        process = subprocess.run([WEFT, *arguments, "--json", "--target", target], text=True,
                                 capture_output=True, timeout=PATIENCE_S, check=False)
        self.assertEqual(process.returncode, code, process.stdout + process.stderr)
        return json.loads(process.stdout)

    def check_sha256(self, over_socket):
        message = self.weft("run", "sha256", "--file", FILE, over_socket=over_socket)
        fields = task_result.from_json(self, message)
        task_result.check_ended(self, fields)
        listed = subprocess.run(["sha256sum", FILE], capture_output=True, text=True, check=True)
        self.assertEqual(fields["output"].decode(), listed.stdout.split()[0])
        self.assertEqual(fields["attempts"], 1)

    def test_sha256_of_a_file_shows_every_field_and_the_digest_of_sha256sum(self):
        self.check_sha256(over_socket=False)

    def test_sha256_of_a_file_is_the_same_over_the_unix_socket(self):
        self.check_sha256(over_socket=True)

    def test_names_are_those_of_the_proto_files(self):
        self.assertEqual(set(self.weft("run", "noop")), task_result.ALWAYS)

    def test_a_failed_task_shows_its_error_and_exits_1(self):
        message = self.weft("run", "fail", "error on purpose", code=1)
        fields = task_result.from_json(self, message)
        task_result.check_ended(self, fields, "TASK_STATE_FAILED")
        self.assertEqual(fields["error"], {"code": "TASK_ERROR_CODE_HANDLER_FAILED",
                                           "message": "on purpose"})

    def test_a_submitted_task_shows_the_same_to_wait_and_get(self):
        submitted = self.weft("submit", "sleep", "5ms", "--tag", "18446744073709551615")
        waited = self.weft("wait", submitted["task_id"])
        fields = task_result.from_json(self, waited)
        task_result.check_ended(self, fields)
        self.assertEqual(fields["client_tag"], 2**64 - 1)
        self.assertEqual(waited["submitted_at_ns"], submitted["submitted_at_ns"])
        self.assertGreater(fields["suspended_ns"], 0)
        self.assertEqual(self.weft("get", submitted["task_id"]), waited)

    def test_cli_and_buf_curl_and_python_show_one_task_alike(self):
        missing = buf_curl.why_missing() or stubs.why_missing()
        if missing:
            raise unittest.SkipTest(missing)
        task_id = self.weft("submit", "sha256", "--file", FILE, "--tag", "9")["task_id"]
        shown = [self.by_cli(task_id), self.by_buf_curl(task_id), self.by_python(task_id)]
        self.assertEqual(shown[0], shown[1])
        self.assertEqual(shown[0], shown[2])
        with open(FILE, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        self.assertEqual(shown[0]["output"].decode(), digest)

    def test_cli_and_buf_curl_show_a_run_in_one_form(self):
        missing = buf_curl.why_missing()
        if missing:
            raise unittest.SkipTest(missing)
        ours = task_result.from_json(self, self.weft("run", "sha256", "--file", FILE))
        with open(FILE, "rb") as file:
            request = {"spec": buf_curl.spec("sha256", file.read())}
        process = buf_curl.curl(self.daemon, "TaskService/RunTask", request)
        theirs = task_result.from_json(self, buf_curl.answer(self, process)["result"])
        for fields in (ours, theirs):
            task_result.check_ended(self, fields)
        alike = [{name: value for name, value in fields.items() if name not in OWN}
                 for fields in (ours, theirs)]
        self.assertEqual(*alike)

    def by_cli(self, task_id):
        fields = task_result.from_json(self, self.weft("wait", task_id))
        task_result.check_ended(self, fields)
        return fields

    def by_buf_curl(self, task_id):
        process = buf_curl.curl(self.daemon, "TaskService/GetTask", {"taskId": task_id})
        return task_result.from_json(self, buf_curl.answer(self, process)["result"])

    def by_python(self, task_id):
        api = stubs.load()
        self.addCleanup(api.folder.cleanup)
        import grpc  # pylint: disable=import-outside-toplevel
        with grpc.insecure_channel(self.daemon.address) as channel:
            request = api.tasks.GetTaskRequest(task_id=int(task_id))
            answer = api.tasks_grpc.TaskServiceStub(channel).GetTask(request, timeout=PATIENCE_S)
        return task_result.from_message(self, answer.result)


if __name__ == "__main__":
    cases.main()
