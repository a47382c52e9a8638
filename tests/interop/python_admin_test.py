#!/usr/bin/python3
"""Proves that the Python package steers the daemon and looks at it, and what bad requests are told.
Arguments are those of cases.main."""

import unittest

import cases
import helper


def setUpModule():
    missing = helper.why_missing()
    if missing:
        raise unittest.SkipTest(missing)
    global weft
    weft = helper.load()


class PythonAdminHelper(helper.HelperCase):
    def refused(self, call, *arguments, **fields):
        with self.assertRaises(weft.InvalidArgument) as raised:
            call(*arguments, **fields)
        return raised.exception.field_violations[0].field

    def test_stats_are_watched_with_what_the_handlers_did_in_between(self):
        with self.client.admin.watch_stats(0.1, timeout=helper.PATIENCE_S) as watch:
            first = next(watch)
            self.assertEqual((first.interval_ns, list(first.handlers)), (0, []))
            self.assertEqual(first.stats.tasks.accepted, 0)
            self.client.run("echo")
            for told in watch:
                self.assertGreater(told.interval_ns, 0)
                echo = [each for each in told.handlers if each.name == "echo"]
                if echo and echo[0].tasks_executed:
                    break
            self.assertEqual(echo[0].tasks_executed, 1)
            self.assertEqual(told.all.tasks_executed, 1)
            self.assertGreater(echo[0].execution_p99_ns, 0)
        self.assertEqual(list(watch), [])

    def test_an_interval_that_is_none_is_refused(self):
        for interval in (-1, 0.05, 61):
            with self.client.admin.watch_stats(interval) as watch:
                self.assertEqual(self.refused(next, watch), "interval_ns")

    def test_a_budget_is_set_in_polls_and_in_microseconds(self):
        admin = self.client.admin
        [core] = [each.stats.core for each in admin.cores()]
        self.assertEqual(list(admin.set_budget(polls=9)), [core])
        self.assertEqual(admin.cores()[0].budget.polls, 9)
        self.assertEqual(list(admin.set_budget(microseconds=250, core=core)), [core])
        budget = admin.cores()[0].budget
        self.assertEqual((budget.WhichOneof("limit"), budget.microseconds), ("microseconds", 250))
        self.assertTrue(self.client.run("noop").success)

    def test_a_budget_that_is_none_is_refused(self):
        admin = self.client.admin
        for field, wrong in (
            ("budget.polls", {"polls": 0}), ("budget.polls", {"polls": 65_537}),
            ("budget.microseconds", {"microseconds": 0}),
            ("budget.microseconds", {"microseconds": 100_001}),
            ("core", {"polls": 1, "core": 4_000}),
        ):
            with self.subTest(field):
                self.assertEqual(self.refused(admin.set_budget, **wrong), field)
        for wrong in ({}, {"polls": 1, "microseconds": 1}):
            with self.assertRaises(TypeError):
                admin.set_budget(**wrong)

    def test_the_core_tells_what_runs_on_it(self):
        holder = self.hold_the_core()
        core = self.client.admin.cores()[0]
        self.assertEqual(core.running_handler, "spin")
        self.assertGreater(core.running_for_ns, 0)
        self.assertIn(core.idle, ("spin", "adaptive", "sleep"))
        self.client.cancel(holder)

    def test_a_paused_handler_refuses_and_holds_until_it_is_resumed(self):
        client = self.connect(retry=weft.Retry(attempts=1))
        holder = self.hold_the_core()
        queued = client.submit("echo", b"held").task_id
        self.assertTrue(client.admin.pause("echo"))
        self.assertFalse(client.admin.pause("echo"))
        with self.assertRaises(weft.Unavailable) as raised:
            client.run("echo")
        self.assertEqual(raised.exception.reason, "HANDLER_PAUSED")
        self.assertGreater(raised.exception.retry_after, 0)
        client.cancel(holder)
        self.until(lambda: client.admin.stats().cores[0].held == 1, "it is not held")
        paused = {each.name for each in client.admin.handlers() if each.paused}
        self.assertEqual(paused, {"echo"})
        self.assertTrue(client.run("noop").success)
        self.assertTrue(client.admin.resume("echo"))
        self.assertFalse(client.admin.resume("echo"))
        self.assertEqual(client.wait(queued).output, b"held")

    def test_an_unknown_handler_is_not_found(self):
        for call in (self.client.admin.pause, self.client.admin.resume):
            with self.assertRaises(weft.NotFound) as raised:
                call("ecko")
            self.assertIn('"echo"', raised.exception.message)
            self.assertTrue(raised.exception.reason)


if __name__ == "__main__":
    cases.main()
