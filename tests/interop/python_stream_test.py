#!/usr/bin/python3
"""Proves that a stream of the Python package answers every row, bounds what is on its way, and ends
as it should whoever ends it. Arguments are those of cases.main."""

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


class PythonStream(helper.HelperCase):
    def specs(self, count, handler="echo"):
        for tag in range(count):
            yield self.client.spec(handler, b"%d" % tag, client_tag=tag)

    def test_answers_every_row_by_its_tag(self):
        outputs = {}
        for row in self.client.stream(self.specs(5_000), timeout=helper.PATIENCE_S):
            self.assertIsNone(row.error)
            self.assertNotIn(row.tag, outputs)
            outputs[row.tag] = row.result.output
        self.assertEqual(outputs, {tag: b"%d" % tag for tag in range(5_000)})

    def test_without_specs_it_ends_at_once(self):
        self.assertEqual(list(self.client.stream([])), [])

    def test_large_payloads_are_cut_into_messages(self):
        payloads = [bytes([tag]) * 3_000_000 for tag in range(12)]
        specs = [self.client.spec("echo", payload, client_tag=tag)
                 for tag, payload in enumerate(payloads)]
        for row in self.client.stream(specs, timeout=helper.PATIENCE_S):
            self.assertEqual(row.result.output, payloads[row.tag])

    def test_a_refused_row_has_its_error_and_holds_up_no_other(self):
        specs = [self.client.spec("echo", b"fine", client_tag=1),
                 self.client.spec("ecko", client_tag=2),
                 self.client.spec("echo", client_tag=3, timeout_ns=-1),
                 self.client.spec("echo", b"fine", client_tag=4)]
        rows = {row.tag: row for row in self.client.stream(specs)}
        self.assertEqual({1, 2, 3, 4}, set(rows))
        for tag in (1, 4):
            self.assertEqual(rows[tag].result.output, b"fine")
        self.assertIsInstance(rows[2].error, weft.InvalidArgument)
        self.assertEqual(rows[2].error.reason, "UNKNOWN_HANDLER")
        self.assertRegex(rows[3].error.field_violations[0].field, r"timeout_ns$")

    def test_no_more_than_the_window_is_outstanding(self):
        window, given, taken, most = 7, 0, 0, 0

        def counted():
            nonlocal given, most
            for spec in self.specs(500):
                # This spec is not sent yet, and the one before may be under way.
                most = max(most, given - taken)
                given += 1
                yield spec

        for _ in self.client.stream(counted(), window=window):
            taken += 1
        self.assertEqual((given, taken), (500, 500))
        self.assertLessEqual(most, window + 1)

    def test_specs_wait_until_answers_are_taken(self):
        asked_for = threading.Semaphore(0)

        def counted():
            for spec in self.specs(100):
                asked_for.release()
                yield spec

        rows = self.client.stream(counted(), window=4)
        next(rows)
        # One was taken, so a fifth is sent and a sixth is asked for, which finds the window full.
        for _ in range(6):
            self.assertTrue(asked_for.acquire(timeout=helper.PATIENCE_S))
        self.await_nothing_in_flight()
        self.assertFalse(asked_for.acquire(blocking=False))
        self.assertEqual(len(list(rows)), 99)

    def test_what_the_specs_raise_is_raised_here(self):
        def broken():
            yield from self.specs(3)
            raise KeyError("on purpose")

        with self.assertRaisesRegex(KeyError, "on purpose"):
            list(self.client.stream(broken()))
        self.await_nothing_in_flight()

    def test_leaving_early_cancels_the_rest(self):
        specs = [self.client.spec("noop", client_tag=1)]
        specs += [self.client.spec("sleep", b"60s", client_tag=2)] * 3
        rows = self.client.stream(specs)
        self.assertEqual(next(rows).tag, 1)
        self.until(lambda: self.client.admin.stats().tasks.accepted == 4, "not all are accepted")
        rows.close()
        self.assertEqual(self.await_nothing_in_flight().cancelled, 3)

    def test_its_deadline_is_raised_and_ends_the_tasks(self):
        specs = [self.client.spec("sleep", b"60s")]
        with self.assertRaises(weft.DeadlineExceeded):
            list(self.client.stream(specs, timeout=0.3))
        tasks = self.await_nothing_in_flight()
        self.assertEqual(tasks.cancelled + tasks.expired, 1)

    def test_a_drain_finishes_what_is_held_and_refuses_what_comes(self):
        with self.client.open_stream() as stream:
            stream.send(self.client.spec("sleep", b"1s", client_tag=1))
            self.until(lambda: self.client.admin.stats().tasks.in_flight == 1, "it is not taken")
            self.client.admin.drain()
            self.drained = True
            stream.send(self.client.spec("noop", client_tag=2))
            refused, held = next(stream), next(stream)
            self.assertEqual((refused.tag, refused.error.reason), (2, "DRAINING"))
            self.assertIsInstance(refused.error, weft.Unavailable)
            self.assertEqual((held.tag, held.result.success), (1, True))
            stream.finish()
            self.assertEqual(list(stream), [])


class PythonOpenStream(helper.HelperCase):
    def test_counts_what_is_outstanding(self):
        tags = []
        with self.client.open_stream(window=3) as stream:
            for tag in range(20):
                if stream.outstanding == stream.window:
                    tags.append(next(stream).tag)
                stream.send(self.client.spec("noop", client_tag=tag))
            stream.finish()
            tags += [row.tag for row in stream]
        self.assertEqual(sorted(tags), list(range(20)))

    def test_nothing_can_be_sent_after_finish(self):
        with self.client.open_stream() as stream:
            stream.finish()
            with self.assertRaises(ValueError):
                stream.send(self.client.spec("noop"))

    def test_a_sender_that_waits_is_told_of_the_end(self):
        stream = self.client.open_stream(window=1)
        stream.send(self.client.spec("sleep", b"60s"))
        failures = []

        def send_more():
            try:
                stream.send(self.client.spec("noop"))
            except weft.WeftError as error:
                failures.append(error)

        sender = threading.Thread(target=send_more)
        sender.start()
        stream.close()
        sender.join(helper.PATIENCE_S)
        self.assertEqual([type(failure) for failure in failures], [weft.CallCancelled])
        self.await_nothing_in_flight()


class PythonStreamCut(helper.HelperCase):
    def stop_daemon(self):
        self.daemon._remove()  # pylint: disable=protected-access

    def test_a_daemon_that_dies_breaks_the_stream(self):
        rows = self.client.stream([self.client.spec("noop"), self.client.spec("sleep", b"60s")])
        next(rows)
        self.daemon.process.kill()
        with self.assertRaises(weft.Unavailable) as raised:
            next(rows)
        self.assertEqual(raised.exception.reason, "")


if __name__ == "__main__":
    cases.main()
