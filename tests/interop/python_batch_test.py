#!/usr/bin/python3
"""Proves that submit_many of the Python package, and SubmitTasks beneath it, answer every row for
itself and in order. Arguments are those of cases.main."""

import unittest

import cases
import helper
import stubs


def setUpModule():
    missing = helper.why_missing()
    if missing:
        raise unittest.SkipTest(missing)
    global api, grpc, weft
    import grpc  # pylint: disable=import-outside-toplevel
    weft = helper.load()
    api = stubs.load()


def tearDownModule():
    api.folder.cleanup()


class PythonBatch(helper.HelperCase):
    def test_a_wrong_row_holds_up_no_other(self):
        specs = [self.client.spec("echo", b"one"), self.client.spec("ecko"),
                 self.client.spec("echo", b"two"), self.client.spec("echo", core=4000)]
        first, unknown, second, nowhere = self.client.submit_many(specs)
        for answer, output in ((first, b"one"), (second, b"two")):
            self.assertEqual(self.client.wait(answer.task_id).output, output)
        self.assertIsInstance(unknown, weft.InvalidArgument)
        self.assertEqual(unknown.reason, "UNKNOWN_HANDLER")
        self.assertRegex(unknown.field_violations[0].field, r"handler$")
        self.assertRegex(nowhere.field_violations[0].field, r"core$")
        tasks = self.client.admin.stats().tasks
        self.assertEqual((tasks.accepted, tasks.refused), (2, 2))

    def test_more_than_one_message_can_hold_are_answered_in_order(self):
        count = 2_500
        answers = self.client.submit_many(
            self.client.spec("echo", b"%d" % number) for number in range(count))
        self.assertEqual(len(answers), count)
        for number in (0, 1023, 1024, 2048, count - 1):
            result = self.client.wait(answers[number].task_id)
            self.assertEqual(result.output, b"%d" % number)
        self.assertEqual(len({answer.task_id for answer in answers}), count)

    def test_nothing_is_submitted_by_an_empty_list(self):
        self.assertEqual(self.client.submit_many([]), [])

    def test_an_empty_message_and_one_too_long_are_refused_as_a_whole(self):
        channel = grpc.insecure_channel(self.daemon.address)
        self.addCleanup(channel.close)
        stub = api.tasks_grpc.TaskServiceStub(channel)
        spec = api.task.TaskSpec(handler="noop")
        for count in (0, 1025):
            with self.assertRaises(grpc.RpcError) as raised:
                stub.SubmitTasks(api.tasks.SubmitTasksRequest(specs=[spec] * count),
                                 timeout=helper.PATIENCE_S)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            packed = dict(raised.exception.trailing_metadata())["grpc-status-details-bin"]
            self.assertIn(b"specs", packed)
        self.assertEqual(self.client.admin.stats().tasks.accepted, 0)

    def test_a_call_that_breaks_answers_each_of_its_rows(self):
        with weft.Client("127.0.0.1:1") as client:
            answers = client.submit_many([client.spec("noop")] * 3)
        self.assertEqual([type(answer) for answer in answers], [weft.Unavailable] * 3)

    def test_a_key_and_a_core_together_are_refused(self):
        core = self.client.admin.stats().cores[0].core
        by_key, by_both = self.client.submit_many([
            self.client.spec("noop", affinity_key="order 17"),
            self.client.spec("noop", affinity_key="order 17", core=core)])
        self.assertEqual(by_key.core, core)
        self.assertIsInstance(by_both, weft.InvalidArgument)
        self.assertRegex(by_both.field_violations[0].field, r"affinity_key|core")


class PythonBatchFull(helper.HelperCase):
    settings = ("executor.max_queue_depth=4",)

    def test_rows_that_do_not_fit_are_refused_and_come_later(self):
        client = self.connect(retry=weft.Retry(attempts=1))
        holder = self.hold_the_core()
        specs = [client.spec("echo", b"%d" % number) for number in range(6)]
        answers = client.submit_many(specs)
        kept = [answer for answer in answers if not isinstance(answer, weft.WeftError)]
        refused = [answer for answer in answers if isinstance(answer, weft.WeftError)]
        self.assertEqual((len(kept), len(refused)), (4, 2))
        for error in refused:
            self.assertEqual(error.reason, "QUEUE_FULL")
            self.assertIn("executor.max_queue_depth", error.quota[0].bound)
            self.assertGreater(error.retry_after, 0)
        client.cancel(holder)
        self.await_nothing_in_flight()

    def test_only_refused_rows_are_tried_again(self):
        holder = self.hold_the_core()
        client = self.connect(retry=weft.Retry(attempts=3))
        answers = client.submit_many([client.spec("noop")] * 6)
        self.assertEqual(sum(isinstance(answer, weft.WeftError) for answer in answers), 2)
        tasks = client.admin.stats().tasks
        # The holder and four rows; two rows refused three times.
        self.assertEqual((tasks.accepted, tasks.refused), (5, 6))
        client.cancel(holder)
        self.await_nothing_in_flight()


if __name__ == "__main__":
    cases.main()
