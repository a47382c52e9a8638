#!/usr/bin/python3
"""Proves that single tasks of many threads are answered each by its own result, that refusals and
broken calls are told to whom they concern, and that the next task begins another call. Arguments
are those of cases.main."""

import threading
import unittest

import cases
import helper


def setUpModule():
    missing = helper.why_missing()
    if missing:
        raise unittest.SkipTest(missing)
    global weft
    weft = helper.load()


class PythonSubmitter(helper.HelperCase):
    def test_answers_the_tasks_of_many_threads(self):
        outputs = {}

        def run(submitter, thread):
            futures = {number: submitter.submit("echo", b"%d" % number, client_tag=number)
                       for number in range(thread * 500, thread * 500 + 500)}
            for number, future in futures.items():
                result = future.result(helper.PATIENCE_S)
                outputs[number] = (result.output, result.client_tag)

        with self.client.open_submitter(window=100) as submitter:
            threads = [threading.Thread(target=run, args=(submitter, i)) for i in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(outputs, {n: (b"%d" % n, n) for n in range(2_000)})
        self.assertEqual(self.client.admin.stats().tasks.accepted, 2_000)

    def test_a_refused_task_has_its_error(self):
        with self.client.open_submitter() as submitter:
            with self.assertRaises(weft.InvalidArgument) as refused:
                submitter.run("ecko", timeout=helper.PATIENCE_S)
            self.assertEqual(refused.exception.reason, "UNKNOWN_HANDLER")
            self.assertTrue(submitter.run("echo", b"fine", timeout=helper.PATIENCE_S).success)

    def test_what_is_left_when_it_is_closed_is_told(self):
        with self.client.open_submitter() as submitter:
            held = submitter.submit("sleep", b"60s")
            self.until(lambda: self.client.admin.stats().tasks.in_flight == 1, "it is not taken")
        with self.assertRaises(weft.CallCancelled):
            held.result(helper.PATIENCE_S)
        self.assertEqual(self.await_nothing_in_flight().cancelled, 1)
        with self.assertRaisesRegex(ValueError, "closed"):
            submitter.submit("noop")

    def test_a_broken_call_is_followed_by_another(self):
        with self.client.open_submitter() as submitter:
            held = submitter.submit("sleep", b"60s")
            self.until(lambda: self.client.admin.stats().tasks.in_flight == 1, "it is not taken")
            submitter._call.stream._call.cancel()  # pylint: disable=protected-access
            with self.assertRaises(weft.CallCancelled):
                held.result(helper.PATIENCE_S)
            self.assertTrue(submitter.run("noop", timeout=helper.PATIENCE_S).success)

    def test_a_window_of_none_is_refused(self):
        with self.assertRaisesRegex(ValueError, "window is 0, must be at least 1"):
            self.client.open_submitter(window=0)


if __name__ == "__main__":
    cases.main()
