#!/usr/bin/python3
"""Proves that the Python package of client/python does for each call what it promises, errors and
their details included. Arguments are those of cases.main."""

import hashlib
import unittest

import cases
import helper
import task_result


def setUpModule():
    missing = helper.why_missing()
    if missing:
        raise unittest.SkipTest(missing)
    global grpc, weft
    weft = helper.load()
    import grpc  # pylint: disable=import-outside-toplevel


class PythonHelper(helper.HelperCase):
    def check_ended(self, result, state="TASK_STATE_SUCCEEDED"):
        fields = task_result.from_message(self, result)
        task_result.check_ended(self, fields, state)
        return fields

    def test_runs_a_task_with_every_field(self):
        core = self.client.admin.stats().cores[0].core
        result = self.client.run("sha256", b"\x00bytes", priority="PRIORITY_HIGH", core=core,
                                 client_tag=2**64 - 1, timeout_ns=10**10)
        fields = self.check_ended(result)
        self.assertEqual(result.output.decode(), hashlib.sha256(b"\x00bytes").hexdigest())
        self.assertEqual((fields["client_tag"], fields["core"]), (2**64 - 1, core))
        self.assertEqual(fields["priority"], "PRIORITY_HIGH")

    def test_runs_over_the_unix_socket(self):
        with weft.Client("unix:" + self.daemon.socket) as client:
            self.assertEqual(client.run("echo", b"socket").output, b"socket")

    def test_takes_a_whole_spec_and_nothing_beside_it(self):
        spec = self.client.spec("echo", b"spec", client_tag=5)
        self.assertEqual(self.client.run(spec).client_tag, 5)
        for wrong in ({"payload": b"more"}, {"client_tag": 6}):
            with self.assertRaises(TypeError):
                self.client.run(spec, **wrong)

    def test_refuses_a_field_that_is_none(self):
        for wrong in ({"prioritty": 1}, {"priority": "PRIORITY_HIHG"}, {"client_tag": -1}):
            with self.assertRaises((TypeError, ValueError)):
                self.client.run("noop", **wrong)
        self.assertEqual(self.client.admin.stats().tasks.accepted, 0)

    def test_a_failed_task_is_a_result(self):
        result = self.client.run("fail", b"error on purpose")
        self.check_ended(result, "TASK_STATE_FAILED")
        self.assertEqual(result.error.message, "on purpose")

    def test_a_result_is_retained_only_when_asked_for(self):
        kept = self.client.run("echo", b"kept", retain_result=True)
        self.assertEqual(self.client.get(kept.task_id).result, kept)
        lost = self.client.run("echo", b"lost")
        with self.assertRaises(weft.NotFound):
            self.client.get(lost.task_id)

    def test_submits_waits_and_gets(self):
        submitted = self.client.submit("echo", b"later")
        waited = self.client.wait(submitted.task_id)
        self.check_ended(waited)
        self.assertTrue(weft.has_ended(waited))
        self.assertEqual(self.client.get(submitted.task_id).result, waited)

    def test_a_wait_may_end_before_the_task(self):
        task_id = self.hold_the_core()
        for wait in (0, 0.01):
            self.assertFalse(weft.has_ended(self.client.wait(task_id, wait)))
        cancelled = self.client.cancel(task_id)
        self.assertEqual(weft.CancelOutcome.Name(cancelled.outcome),
                         "CANCEL_OUTCOME_REQUESTED_RUNNING")
        self.check_ended(self.client.wait(task_id), "TASK_STATE_CANCELLED")

    def test_a_deadline_is_an_error_and_ends_the_task(self):
        # The deadline is the task's timeout, too: on a busy machine its end may come first.
        try:
            result = self.client.run("sleep", b"60s", timeout=0.3)
            self.assertEqual(result.state, weft.TaskState.Value("TASK_STATE_EXPIRED"))
        except weft.DeadlineExceeded as error:
            self.assertEqual(error.code, grpc.StatusCode.DEADLINE_EXCEEDED)
        tasks = self.await_nothing_in_flight()
        self.assertEqual((tasks.accepted, tasks.cancelled + tasks.expired), (1, 1))

    def test_a_bad_field_is_named_with_its_path(self):
        for field, wrong in (("spec.timeout_ns", {"timeout_ns": -1}), ("spec.core", {"core": 4000}),
                             ("spec.priority", {"priority": 9})):
            with self.subTest(field), self.assertRaises(weft.InvalidArgument) as raised:
                self.client.run("noop", **wrong)
            error = raised.exception
            self.assertEqual(error.reason, "INVALID_FIELD")
            self.assertEqual([each.field for each in error.field_violations], [field])
            self.assertIn(field, str(error))
            self.assertIsNone(error.retry_after)

    def test_an_unknown_id_is_not_found(self):
        for call in (self.client.get, self.client.wait, self.client.cancel):
            with self.assertRaises(weft.NotFound) as raised:
                call(12345)
            self.assertEqual(raised.exception.reason, "TASK_NOT_FOUND")

    def test_health_turns_with_the_drain(self):
        self.assertTrue(self.client.is_serving())
        task_id = self.client.submit("sleep", b"1s").task_id
        self.assertEqual(self.client.admin.drain(), 1)
        self.drained = True
        self.assertFalse(self.client.is_serving())
        with self.assertRaises(weft.Unavailable) as raised:
            self.client.run("noop")
        self.assertEqual(raised.exception.reason, "DRAINING")
        self.assertTrue(self.client.wait(task_id).success)

    def test_the_handlers_are_listed(self):
        handlers = {handler.name: handler for handler in self.client.admin.handlers()}
        self.assertIn("payload", handlers["echo"].help)


class PythonHelperFull(helper.HelperCase):
    settings = ("executor.max_queue_depth=2",)

    def test_a_full_queue_says_which_bound_and_when_to_come_again(self):
        client = self.connect(retry=weft.Retry(attempts=1))
        holder = self.hold_the_core()
        queued = [client.submit("noop").task_id for _ in range(2)]
        for call in (client.submit, client.run):
            with self.assertRaises(weft.ResourceExhausted) as raised:
                call("noop")
            error = raised.exception
            self.assertEqual(error.reason, "QUEUE_FULL")
            self.assertIn("executor.max_queue_depth", error.quota[0].bound)
            self.assertGreater(error.retry_after, 0)
        self.assertEqual(client.admin.stats().tasks.refused, 2)
        client.cancel(holder)
        self.assertTrue(all(client.wait(task_id).success for task_id in queued))

    def test_a_refusal_is_tried_again_as_often_as_allowed(self):
        client = self.connect(retry=weft.Retry(attempts=3))
        holder = self.hold_the_core()
        for _ in range(2):
            client.submit("noop")
        with self.assertRaises(weft.ResourceExhausted):
            client.submit("noop")
        self.assertEqual(client.admin.stats().tasks.refused, 3)
        client.cancel(holder)


class PythonHelperAlone(unittest.TestCase):
    def test_without_a_daemon_a_call_is_unavailable_and_has_no_reason(self):
        # A port of the loopback that nobody may listen on.
        with weft.Client("127.0.0.1:1", retry=weft.Retry(attempts=2)) as client:
            for call in (client.admin.stats, lambda: client.run("noop")):
                with self.assertRaises(weft.Unavailable) as raised:
                    call()
                self.assertEqual(raised.exception.reason, "")

    def test_numbers_that_cannot_be_are_refused(self):
        with self.assertRaises(ValueError):
            weft.Client(timeout=0)
        with self.assertRaises(ValueError):
            weft.Retry(attempts=0)
        with weft.Client() as client, self.assertRaises(ValueError):
            client.run("noop", timeout=-1)


if __name__ == "__main__":
    cases.main()
