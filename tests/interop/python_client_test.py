#!/usr/bin/python3
"""Proves that a client written by somebody else, with nothing of weft but proto/, can do all that
the services offer: Debian's python3-grpcio with stubs that are made while the test runs. Each case
has a real weftd of its own; arguments are those of cases.main."""

import hashlib
import pathlib
import time
import unittest

import cases
import stubs
import task_result

HANDLERS = {"noop", "echo", "spin", "sleep", "block", "sha256", "crc32c", "fail", "file.read",
            "file.hash", "file.write", "http.get", "tcp.request"}  # fmt: skip
SECOND_NS = 1_000_000_000
# A call that takes longer than this has failed.
CALL_S = 30


def setUpModule():
    missing = stubs.why_missing()
    if missing:
        raise unittest.SkipTest(missing)
    global api, grpc
    import grpc  # pylint: disable=import-outside-toplevel
    api = stubs.load()


def tearDownModule():
    api.folder.cleanup()


class ClientCase(cases.DaemonCase):
    def setUp(self):
        super().setUp()
        # Otherwise the process keeps one connection per address, across channels.
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
        self.channel = grpc.insecure_channel(self.target(), options=options)
        self.addCleanup(self.channel.close)
        self.tasks = api.tasks_grpc.TaskServiceStub(self.channel)
        self.admin = api.admin_grpc.AdminServiceStub(self.channel)

    def target(self):
        return self.daemon.address

    def run_task(self, handler, payload=b"", **fields):
        spec = api.task.TaskSpec(handler=handler, payload=payload, **fields)
        return self.tasks.RunTask(api.tasks.RunTaskRequest(spec=spec), timeout=CALL_S).result

    def submit(self, handler, payload=b"", **fields):
        spec = api.task.TaskSpec(handler=handler, payload=payload, **fields)
        return self.tasks.SubmitTask(api.tasks.SubmitTaskRequest(spec=spec), timeout=CALL_S)

    def wait(self, task_id, wait_ns=None):
        request = api.tasks.WaitTaskRequest(task_id=task_id, wait_ns=wait_ns)
        return self.tasks.WaitTask(request, timeout=CALL_S).result

    def get(self, task_id):
        request = api.tasks.GetTaskRequest(task_id=task_id)
        return self.tasks.GetTask(request, timeout=CALL_S).result

    def cancel(self, task_id):
        request = api.tasks.CancelTaskRequest(task_id=task_id)
        answer = self.tasks.CancelTask(request, timeout=CALL_S)
        return api.tasks.CancelOutcome.Name(answer.outcome)

    def stats(self):
        return self.admin.GetStats(api.admin.GetStatsRequest(), timeout=CALL_S)

    def check_ended(self, result, state="TASK_STATE_SUCCEEDED"):
        fields = task_result.from_message(self, result)
        task_result.check_ended(self, fields, state)
        return fields

    def await_state(self, task_id, state):
        until = time.monotonic() + CALL_S
        while self.get(task_id).state != state:
            self.assertLess(time.monotonic(), until, "the task does not come to this state")

    def hold_the_core(self, how_long=b"60s"):
        """A task that keeps the daemon's one core busy, unless it is cancelled."""
        task_id = self.submit("spin", how_long).task_id
        self.await_state(task_id, api.task.TASK_STATE_RUNNING)
        return task_id

    def refusal(self, call, *arguments, **fields):
        """What a refused call says: its code, and its google.rpc details by the type's name."""
        with self.assertRaises(grpc.RpcError) as raised:
            call(*arguments, **fields)
        error = raised.exception
        packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
        status = api.status.Status.FromString(packed)
        self.assertEqual(status.code, error.code().value[0])
        self.assertEqual(status.message, error.details())
        details = {}
        for any_message in status.details:
            name = any_message.TypeName().removeprefix("google.rpc.")
            details[name] = getattr(api.details, name)()
            self.assertTrue(any_message.Unpack(details[name]))
        self.assertEqual(details["ErrorInfo"].domain, "weft")
        return error.code(), details["ErrorInfo"].reason, details


class Calls:
    """What must be the same over every transport."""

    def test_sha256_of_a_real_file_equals_hashlib(self):
        for path in ("/etc/os-release", "/bin/true", __file__):
            content = pathlib.Path(path).read_bytes()
            result = self.run_task("sha256", content)
            self.check_ended(result)
            self.assertEqual(result.output.decode(), hashlib.sha256(content).hexdigest(), path)

    def test_a_submitted_task_can_be_waited_for_and_got(self):
        submitted = self.submit("echo", b"later", client_tag=7)
        waited = self.wait(submitted.task_id)
        self.check_ended(waited)
        self.assertEqual((waited.task_id, waited.client_tag), (submitted.task_id, 7))
        self.assertEqual(waited.submitted_at_ns, submitted.submitted_at_ns)
        self.assertEqual(waited.core, submitted.core)
        self.assertEqual(waited.output, b"later")
        self.assertEqual(self.get(submitted.task_id), waited)

    def test_a_stream_answers_every_row_by_its_tag(self):
        rows = [api.task.TaskSpec(handler="sha256", payload=b"%d" % tag, client_tag=tag)
                for tag in range(1, 301)]
        batches = [api.tasks.StreamTasksRequest(specs=rows[at:at + 60])
                   for at in range(0, len(rows), 60)]
        outputs = {}
        for answer in self.tasks.StreamTasks(iter(batches), timeout=CALL_S):
            for row in answer.rows:
                self.assertEqual(row.WhichOneof("answer"), "result")
                self.check_ended(row.result)
                self.assertEqual(row.client_tag, row.result.client_tag)
                self.assertNotIn(row.client_tag, outputs)
                outputs[row.client_tag] = row.result.output.decode()
        expected = {tag: hashlib.sha256(b"%d" % tag).hexdigest() for tag in range(1, 301)}
        self.assertEqual(outputs, expected)

    def test_a_refusal_carries_its_details(self):
        code, reason, details = self.refusal(self.run_task, "sha25")
        self.assertEqual((code, reason), (grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_HANDLER"))
        self.assertEqual(details["BadRequest"].field_violations[0].field, "spec.handler")


class PythonOverTcp(Calls, ClientCase):
    pass


class PythonOverUnixSocket(Calls, ClientCase):
    def target(self):
        return "unix:" + self.daemon.socket


class PythonTasks(ClientCase):
    def test_a_result_has_every_field_with_its_value(self):
        before_ns = time.time_ns()
        core = self.stats().cores[0].core
        result = self.run_task("echo", b"\x00\xffbytes", client_tag=2**64 - 1, core=core,
                               priority=api.task.PRIORITY_HIGH)
        fields = self.check_ended(result)
        self.assertEqual(fields["client_tag"], 2**64 - 1)
        self.assertEqual(fields["output"], b"\x00\xffbytes")
        self.assertEqual(fields["core"], core)
        self.assertEqual(fields["priority"], "PRIORITY_HIGH")
        self.assertEqual(fields["attempts"], 1)
        self.assertEqual(fields["suspended_ns"], 0)
        self.assertGreater(fields["execution_latency_ns"], 0)
        # Unix time; the margin is for a system clock that is set meanwhile.
        self.assertLess(abs(fields["submitted_at_ns"] - before_ns), 60 * SECOND_NS)

    def test_no_priority_means_normal_and_ids_differ(self):
        results = [self.run_task("noop") for _ in range(20)]
        for result in results:
            self.assertEqual(self.check_ended(result)["priority"], "PRIORITY_NORMAL")
        self.assertEqual(len({result.task_id for result in results}), len(results))

    def test_a_suspended_task_tells_for_how_long(self):
        fields = self.check_ended(self.run_task("sleep", b"20ms"))
        # Slept by the rate measured at the start, told by the bent one (README, the times).
        self.assertGreaterEqual(fields["execution_latency_ns"], 19_980_000)
        self.assertGreater(fields["suspended_ns"], 0)

    def test_a_failed_task_is_an_answer_and_says_why(self):
        result = self.run_task("fail", b"exception on purpose")
        error = self.check_ended(result, "TASK_STATE_FAILED")["error"]
        self.assertEqual(error["code"], "TASK_ERROR_CODE_HANDLER_EXCEPTION")
        self.assertIn("on purpose", error["message"])

    def test_a_running_task_expires_at_its_timeout(self):
        result = self.run_task("sleep", b"60s", timeout_ns=20_000_000)
        fields = self.check_ended(result, "TASK_STATE_EXPIRED")
        self.assertEqual(fields["error"]["code"], "TASK_ERROR_CODE_DEADLINE_EXCEEDED")
        self.assertGreaterEqual(fields["total_latency_ns"], 20_000_000)
        self.assertLess(fields["total_latency_ns"], 60 * SECOND_NS)

    def test_a_cancelled_queued_task_never_starts(self):
        # The cancel may be answered only once the core looks again, after the one that holds it.
        self.hold_the_core(b"1s")
        task_id = self.submit("noop").task_id
        self.assertEqual(self.get(task_id).state, api.task.TASK_STATE_QUEUED)
        self.assertEqual(self.cancel(task_id), "CANCEL_OUTCOME_CANCELLED_QUEUED")
        fields = self.check_ended(self.wait(task_id), "TASK_STATE_CANCELLED")
        self.assertEqual(fields["attempts"], 0)
        self.assertEqual(fields["error"]["code"], "TASK_ERROR_CODE_CANCELLED_BY_CLIENT")

    def test_a_cancelled_running_task_stops(self):
        task_id = self.hold_the_core()
        self.assertEqual(self.cancel(task_id), "CANCEL_OUTCOME_REQUESTED_RUNNING")
        fields = self.check_ended(self.wait(task_id), "TASK_STATE_CANCELLED")
        self.assertEqual(fields["attempts"], 1)
        self.assertEqual(self.cancel(task_id), "CANCEL_OUTCOME_ALREADY_ENDED")

    def test_a_wait_that_ends_first_tells_the_state_and_ends_nothing(self):
        task_id = self.hold_the_core()
        for wait_ns in (0, 10_000_000):
            result = self.wait(task_id, wait_ns)
            self.assertEqual(result.state, api.task.TASK_STATE_RUNNING)
            self.assertEqual(result.completed_at_ns, 0)
        self.cancel(task_id)
        self.check_ended(self.wait(task_id), "TASK_STATE_CANCELLED")

    def test_a_deadline_of_the_call_ends_the_task(self):
        spec = api.task.TaskSpec(handler="sleep", payload=b"60s")
        # The deadline is the task's timeout, too: on a busy machine its end may come first.
        try:
            answer = self.tasks.RunTask(api.tasks.RunTaskRequest(spec=spec), timeout=0.3)
            self.assertEqual(answer.result.state, api.task.TASK_STATE_EXPIRED)
        except grpc.RpcError as error:
            self.assertEqual(error.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.await_ended(1)

    def test_a_call_that_is_given_up_cancels_its_task(self):
        spec = api.task.TaskSpec(handler="sleep", payload=b"60s")
        call = self.tasks.RunTask.future(api.tasks.RunTaskRequest(spec=spec), timeout=CALL_S)
        until = time.monotonic() + CALL_S
        while self.stats().tasks.in_flight == 0:
            self.assertLess(time.monotonic(), until, "the task is not taken")
        call.cancel()
        self.assertEqual(self.await_ended(1).cancelled, 1)

    def test_a_refused_row_of_a_stream_holds_up_no_other(self):
        rows = [api.task.TaskSpec(handler="sha25", client_tag=1),
                api.task.TaskSpec(handler="echo", payload=b"fine", client_tag=2)]
        answers = {}
        call = self.tasks.StreamTasks(iter([api.tasks.StreamTasksRequest(specs=rows)]),
                                      timeout=CALL_S)
        for answer in call:
            answers.update({row.client_tag: row for row in answer.rows})
        self.assertEqual(set(answers), {1, 2})
        self.assertEqual(answers[1].status.code, grpc.StatusCode.INVALID_ARGUMENT.value[0])
        self.assertIn("sha25", answers[1].status.message)
        self.assertEqual(answers[2].result.output, b"fine")

    def await_ended(self, count):
        until = time.monotonic() + CALL_S
        while True:
            tasks = self.stats().tasks
            if tasks.in_flight == 0 and tasks.accepted == count:
                self.assertEqual(tasks.cancelled + tasks.expired, count)
                return tasks
            self.assertLess(time.monotonic(), until, "the task does not end")


class PythonRefusals(ClientCase):
    settings = ("executor.max_queue_depth=2", "limits.max_payload_bytes=1000")

    def tearDown(self):
        self.assertEqual(self.run_task("echo", b"still here").output, b"still here")

    def test_a_full_queue_names_the_bound_and_when_to_try_again(self):
        holder = self.hold_the_core()
        queued = [self.submit("noop").task_id for _ in range(2)]
        for call in (self.submit, self.run_task):
            code, reason, details = self.refusal(call, "noop")
            self.assertEqual((code, reason), (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL"))
            self.assertGreater(details["RetryInfo"].retry_delay.ToNanoseconds(), 0)
            violation = details["QuotaFailure"].violations[0]
            self.assertIn("executor.max_queue_depth", violation.subject)
        self.assertEqual(self.stats().tasks.refused, 2)
        self.cancel(holder)
        for task_id in queued:
            self.check_ended(self.wait(task_id))

    def test_a_bad_field_is_named_with_its_path(self):
        for field, wrong in (
            ("spec.handler", {"handler": ""}),
            ("spec.payload", {"handler": "echo", "payload": b"x" * 1001}),
            ("spec.timeout_ns", {"handler": "echo", "timeout_ns": -1}),
            ("spec.core", {"handler": "echo", "core": 4000}),
            ("spec.priority", {"handler": "echo", "priority": 9}),
        ):
            with self.subTest(field):
                code, _, details = self.refusal(self.run_task, **wrong)
                self.assertEqual(code, grpc.StatusCode.INVALID_ARGUMENT)
                violation = details["BadRequest"].field_violations[0]
                self.assertEqual(violation.field, field)
                self.assertTrue(violation.description)

    def test_an_id_that_never_was_is_not_found(self):
        for call in (self.get, self.wait, self.cancel):
            code, reason, _ = self.refusal(call, 12345)
            self.assertEqual((code, reason), (grpc.StatusCode.NOT_FOUND, "TASK_NOT_FOUND"))


class PythonAdmin(ClientCase):
    def test_the_stats_count_what_was_done(self):
        for _ in range(5):
            self.run_task("spin", b"100us")
        self.run_task("fail", b"error")
        stats = self.stats()
        until = time.monotonic() + CALL_S
        # A core publishes its counts at the end of its turn, after the results.
        while stats.lifetime.tasks_executed < 6 and time.monotonic() < until:
            stats = self.stats()
        for span in (stats.lifetime, stats.last_10s):
            self.assertEqual((span.tasks_executed, span.tasks_failed), (6, 1))
            self.assertGreaterEqual(span.max_latency_ns, 100_000)
            self.assertGreaterEqual(span.total_execution_time_ns, 500_000)
            self.assertLessEqual(span.min_latency_ns, span.avg_latency_ns)
            self.assertLessEqual(span.avg_latency_ns, span.max_latency_ns)
            self.assertEqual(span.avg_latency_ns, span.total_execution_time_ns // 6)
        self.assertEqual((stats.active_workers, len(stats.cores)), (1, 1))
        self.assertEqual(stats.cores[0].tasks_executed, 6)
        met = stats.last_10s.avg_latency_ns <= stats.target_latency_ns
        self.assertEqual(stats.meeting_latency_target, met)
        tasks = stats.tasks
        self.assertEqual((tasks.accepted, tasks.succeeded, tasks.failed), (6, 5, 1))
        self.assertEqual((stats.promise_violations, stats.draining), (0, False))
        self.assertRegex(stats.version, r"^\d+\.\d+\.\d+")
        self.assertGreater(stats.ready_at_ns, 0)

    def test_the_handlers_are_listed_by_name_with_help(self):
        request = api.admin.ListHandlersRequest()
        handlers = self.admin.ListHandlers(request, timeout=CALL_S).handlers
        names = [handler.name for handler in handlers]
        self.assertEqual(names, sorted(names))
        self.assertLessEqual(HANDLERS, set(names))
        self.assertTrue(all(handler.help for handler in handlers))
        suspends = {handler.name for handler in handlers if not handler.never_suspends}
        self.assertIn("sleep", suspends)
        self.assertNotIn("sha256", suspends)

    def test_health_knows_its_services_and_no_other(self):
        health = api.health_grpc.HealthStub(self.channel)
        serving = api.health.HealthCheckResponse.SERVING
        for service in ("", "weft.v1.TaskService"):
            request = api.health.HealthCheckRequest(service=service)
            self.assertEqual(health.Check(request, timeout=CALL_S).status, serving)
        with self.assertRaises(grpc.RpcError) as raised:
            health.Check(api.health.HealthCheckRequest(service="nobody"), timeout=CALL_S)
        self.assertEqual(raised.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_health_watch_tells_of_the_drain(self):
        health = api.health_grpc.HealthStub(self.channel)
        watch = health.Watch(api.health.HealthCheckRequest(), timeout=CALL_S)
        self.assertEqual(next(watch).status, api.health.HealthCheckResponse.SERVING)
        task_id = self.submit("sleep", b"1s").task_id
        request = api.tasks.WaitTaskRequest(task_id=task_id)
        waiting = self.tasks.WaitTask.future(request, timeout=CALL_S)
        answer = self.admin.DrainServer(api.admin.DrainServerRequest(), timeout=CALL_S)
        self.drained = True
        self.assertEqual(answer.in_flight, 1)
        self.assertEqual(next(watch).status, api.health.HealthCheckResponse.NOT_SERVING)
        code, reason, _ = self.refusal(self.run_task, "noop")
        self.assertEqual((code, reason), (grpc.StatusCode.UNAVAILABLE, "DRAINING"))
        self.check_ended(waiting.result().result)

    def test_reflection_lists_the_services_and_their_files(self):
        reflection = api.reflection_grpc.ServerReflectionStub(self.channel)
        ask = api.reflection.ServerReflectionRequest
        questions = [ask(list_services="*"), ask(file_containing_symbol="weft.v1.TaskService")]
        answers = reflection.ServerReflectionInfo(iter(questions), timeout=CALL_S)
        listed = {service.name for service in next(answers).list_services_response.service}
        self.assertLessEqual({"weft.v1.TaskService", "weft.v1.AdminService",
                              "grpc.health.v1.Health"}, listed)
        files = next(answers).file_descriptor_response.file_descriptor_proto
        self.assertTrue(any(b"weft/v1/task_service.proto" in file for file in files))


if __name__ == "__main__":
    cases.main()
