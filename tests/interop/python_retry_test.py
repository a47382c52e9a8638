#!/usr/bin/python3
"""Proves which errors the Python package tries again, how often, and how long it waits, with a
clock that stands still. Arguments are those of cases.main."""

import unittest

import cases
import helper

REFUSED = {"reason": "QUEUE_FULL", "retry_after": 0.5}
BROKEN = {"reason": "", "retry_after": None}


def setUpModule():
    missing = helper.why_missing()
    if missing:
        raise unittest.SkipTest(missing)
    global grpc, weft, retry, errors
    weft = helper.load()
    import grpc  # pylint: disable=import-outside-toplevel
    from weft import errors, retry  # pylint: disable=import-outside-toplevel


class PythonRetry(unittest.TestCase):
    def error(self, code, reason="", retry_after=None):
        error = errors.of(grpc.StatusCode[code], "on purpose")
        error.reason, error.retry_after = reason, retry_after
        return error

    def outcome(self, failures, options=None, harmless=True, timeout=100.0):
        """Runs an attempt that fails with these errors, one after the other, and then succeeds.
        Returns what the call raised, the waits, and what each attempt was given."""
        now, waits, given, failures = 0.0, [], [], list(failures)

        def sleep(seconds):
            nonlocal now
            waits.append(seconds)
            now += seconds

        def attempt(left):
            given.append(left)
            if failures:
                raise failures.pop(0)
            return "answer"

        surroundings = retry.Surroundings(now=lambda: now, sleep=sleep, chance=lambda: 0.0)
        try:
            retry.call_with_retry(attempt, options or weft.Retry(), timeout, harmless, surroundings)
            return None, waits, given
        except weft.WeftError as error:
            return error, waits, given

    def test_a_refusal_is_tried_again_after_the_time_the_daemon_named(self):
        error = self.error("RESOURCE_EXHAUSTED", **REFUSED)
        self.assertEqual(self.outcome([error, error], harmless=False),
                         (None, [0.5, 0.5], [100.0, 99.5, 99.0]))

    def test_chance_comes_on_top_of_the_daemons_time(self):
        error = self.error("RESOURCE_EXHAUSTED", **REFUSED)
        delay = weft.Retry(initial_backoff=0.2).delay(error, 3, 0.5)
        self.assertAlmostEqual(delay, 0.5 + 0.4 * 0.5)

    def test_the_backoff_doubles_up_to_its_limit(self):
        error = self.error("UNAVAILABLE", **BROKEN)
        options = weft.Retry(attempts=5, initial_backoff=0.2, max_backoff=0.5)
        self.assertEqual(self.outcome([error] * 4, options)[1], [0.1, 0.2, 0.25, 0.25])

    def test_it_gives_up_after_so_many_attempts(self):
        error = self.error("UNAVAILABLE", **BROKEN)
        raised, waits, given = self.outcome([error] * 9, weft.Retry(attempts=3))
        self.assertIs(raised, error)
        self.assertEqual((len(waits), len(given)), (2, 3))

    def test_it_never_waits_beyond_the_deadline(self):
        error = self.error("RESOURCE_EXHAUSTED", **REFUSED)
        raised, waits, _ = self.outcome([error] * 9, timeout=0.9)
        self.assertIs(raised, error)
        self.assertEqual(waits, [0.5])

    def test_a_broken_connection_is_tried_again_only_when_that_is_harmless(self):
        error = self.error("UNAVAILABLE", **BROKEN)
        self.assertIs(self.outcome([error], harmless=False)[0], error)
        self.assertIsNone(self.outcome([error], harmless=True)[0])
        asked_for = weft.Retry(broken_calls=True)
        self.assertIsNone(self.outcome([error], asked_for, harmless=False)[0])

    def test_what_cannot_help_is_never_tried_again(self):
        for code, details in (
            ("UNAVAILABLE", {"reason": "DRAINING"}),
            ("RESOURCE_EXHAUSTED", {"reason": "PAYLOAD"}),
            # A message too large for gRPC.
            ("RESOURCE_EXHAUSTED", BROKEN),
            ("INVALID_ARGUMENT", REFUSED),
            ("DEADLINE_EXCEEDED", BROKEN),
            ("NOT_FOUND", BROKEN),
            ("INTERNAL", BROKEN),
        ):
            with self.subTest(code, **details):
                error = self.error(code, **details)
                options = weft.Retry(broken_calls=True)
                raised, waits, _ = self.outcome([error], options)
                self.assertIs(raised, error)
                self.assertEqual(waits, [])


if __name__ == "__main__":
    cases.main()
