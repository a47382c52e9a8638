#!/usr/bin/python3
"""Proves that `buf curl` can call weftd, with the schema from the daemon's own reflection or from
an image of proto/, over TCP and over the unix socket, and that it shows an error as it was meant.
Arguments are those of cases.main."""

import base64
import json
import os
import subprocess
import unittest

import buf_curl
import cases
import stubs
import task_result

FILE = "/etc/os-release"
# buf curl exits with the gRPC code, shifted three bits to the left.
INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED = 3 << 3, 5 << 3, 8 << 3


def setUpModule():
    missing = buf_curl.why_missing()
    if missing:
        raise unittest.SkipTest(missing)


def sha256sum(path):
    output = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout
    return output.split()[0]


class BufCurlCase(cases.DaemonCase):
    def check_sha256(self, *flags, over_socket=False):
        with open(FILE, "rb") as file:
            request = {"spec": buf_curl.spec("sha256", file.read())}
        process = buf_curl.curl(self.daemon, "TaskService/RunTask", request, *flags,
                                over_socket=over_socket)
        result = buf_curl.answer(self, process)["result"]
        fields = task_result.from_json(self, result)
        task_result.check_ended(self, fields)
        self.assertEqual(fields["output"].decode(), sha256sum(FILE))

    def image(self):
        """proto/ with what it imports, as buf and protoc write schemas."""
        path = os.path.join(self.daemon.folder.name, "schema.binpb")
        stubs.compile_protos("--include_imports", "--include_source_info", "-o", path, *stubs.OURS)
        return path

    def refusal(self, method, request, code, name):
        process = buf_curl.curl(self.daemon, method, request)
        self.assertEqual(process.returncode, code, process.stdout + process.stderr)
        # On standard error, and maybe after a line of its own.
        error = json.loads(process.stderr[process.stderr.index("{"):])
        self.assertEqual(error["code"], name)
        details = {each["type"]: base64.b64decode(each["value"] + "==")
                   for each in error["details"]}
        self.assertIn(b"weft", details["google.rpc.ErrorInfo"])
        return error["message"], details

    def submit(self, handler, payload=b""):
        process = buf_curl.curl(self.daemon, "TaskService/SubmitTask",
                                {"spec": buf_curl.spec(handler, payload)})
        return buf_curl.answer(self, process)["taskId"]


class BufCurl(BufCurlCase):
    def test_runs_sha256_with_the_schema_of_reflection(self):
        self.check_sha256()

    def test_runs_sha256_with_the_schema_of_an_image(self):
        self.check_sha256("--schema", self.image(), "--reflect=false")

    def test_runs_sha256_over_the_unix_socket(self):
        self.check_sha256(over_socket=True)

    def test_lists_the_services_and_methods(self):
        command = [buf_curl.BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge",
                   "--list-methods", f"http://{self.daemon.address}"]
        environment = {**os.environ, "HOME": self.daemon.folder.name}
        listed = subprocess.run(command, capture_output=True, text=True, check=True,
                                env=environment).stdout.split()
        for name in ("RunTask", "SubmitTask", "WaitTask", "GetTask", "CancelTask", "StreamTasks"):
            self.assertIn(f"weft.v1.TaskService/{name}", listed)
        for name in ("GetStats", "WatchStats", "ListCores", "SetBudget", "ListHandlers",
                     "PauseHandler", "ResumeHandler", "DrainServer"):
            self.assertIn(f"weft.v1.AdminService/{name}", listed)
        self.assertIn("grpc.health.v1.Health/Check", listed)
        self.assertIn("grpc.channelz.v1.Channelz/GetServers", listed)

    def test_tells_of_its_own_server_through_channelz(self):
        process = buf_curl.curl(self.daemon, "Channelz/GetServers", {},
                                package="grpc.channelz.v1")
        servers = buf_curl.answer(self, process)["server"]
        self.assertEqual(len(servers), 1)
        self.assertGreaterEqual(int(servers[0]["data"]["callsStarted"]), 1)
        self.assertGreaterEqual(len(servers[0]["listenSocket"]), 1)
        process = buf_curl.curl(self.daemon, "Channelz/GetServer", {"serverId": "987654321"},
                                package="grpc.channelz.v1")
        self.assertNotEqual(process.returncode, 0)
        self.assertIn("not_found", process.stderr)

    def test_submits_and_waits_by_id(self):
        task_id = self.submit("echo", b"by id")
        process = buf_curl.curl(self.daemon, "TaskService/WaitTask", {"taskId": task_id})
        fields = task_result.from_json(self, buf_curl.answer(self, process)["result"])
        task_result.check_ended(self, fields)
        self.assertEqual((str(fields["task_id"]), fields["output"]), (task_id, b"by id"))

    def test_streams_rows(self):
        requests = [{"specs": [buf_curl.spec("echo", b"%d" % tag, clientTag=str(tag))
                               for tag in (number, number + 100)]} for number in range(1, 4)]
        process = buf_curl.curl(self.daemon, "TaskService/StreamTasks", requests)
        rows = [row for message in buf_curl.answers(self, process) for row in message["rows"]]
        outputs = {}
        for row in rows:
            fields = task_result.from_json(self, row["result"])
            task_result.check_ended(self, fields)
            outputs[row["clientTag"]] = fields["output"].decode()
        self.assertEqual(len(rows), 6)
        self.assertEqual(outputs, {str(tag): str(tag) for tag in (1, 2, 3, 101, 102, 103)})

    def test_shows_the_field_of_a_bad_request(self):
        request = {"spec": buf_curl.spec("sha25")}
        message, details = self.refusal("TaskService/RunTask", request, INVALID_ARGUMENT,
                                        "invalid_argument")
        self.assertIn('did you mean "sha256"?', message)
        self.assertIn(b"spec.handler", details["google.rpc.BadRequest"])

    def test_shows_that_an_id_is_not_found(self):
        message, _ = self.refusal("TaskService/GetTask", {"taskId": "12345"}, NOT_FOUND,
                                  "not_found")
        self.assertIn("12345", message)

    def test_shows_a_failed_task_alike_with_either_schema(self):
        request = {"spec": buf_curl.spec("fail", b"error on purpose")}
        flags = ((), ("--schema", self.image(), "--reflect=false"))
        shapes = []
        for each in flags:
            process = buf_curl.curl(self.daemon, "TaskService/RunTask", request, *each)
            result = buf_curl.answer(self, process)["result"]
            shapes.append({name: type(value) for name, value in result.items()})
            self.assertEqual(result["error"]["message"], "on purpose")
        self.assertEqual(*shapes)


class BufCurlFull(BufCurlCase):
    settings = ("executor.max_queue_depth=2",)

    def test_shows_which_bound_is_full(self):
        holder = self.submit("spin", b"60s")
        until_running = {"taskId": holder, "waitNs": "1000000"}
        state = ""
        while state != "TASK_STATE_RUNNING":
            process = buf_curl.curl(self.daemon, "TaskService/WaitTask", until_running)
            state = buf_curl.answer(self, process)["result"]["state"]
        for _ in range(2):
            self.submit("noop")
        _, details = self.refusal("TaskService/SubmitTask", {"spec": buf_curl.spec("noop")},
                                  RESOURCE_EXHAUSTED, "resource_exhausted")
        self.assertIn(b"executor.max_queue_depth", details["google.rpc.QuotaFailure"])
        self.assertIn("google.rpc.RetryInfo", details)
        process = buf_curl.curl(self.daemon, "TaskService/CancelTask", {"taskId": holder})
        cancelled = buf_curl.answer(self, process)
        self.assertEqual(cancelled["outcome"], "CANCEL_OUTCOME_REQUESTED_RUNNING")


if __name__ == "__main__":
    cases.main()
