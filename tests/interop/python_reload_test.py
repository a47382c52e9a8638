#!/usr/bin/python3
"""Proves that the Python package makes the daemon read its configuration again, and tells what is
wrong with it. Arguments are those of cases.main."""

import unittest

import cases
import helper


def setUpModule():
    missing = helper.why_missing()
    if missing:
        raise unittest.SkipTest(missing)
    global weft
    weft = helper.load()


class PythonReloadNothing(helper.HelperCase):
    def test_a_daemon_without_a_file_cannot_reload(self):
        with self.assertRaises(weft.FailedPrecondition) as raised:
            self.client.admin.reload()
        self.assertTrue(raised.exception.reason)


class PythonReload(helper.HelperCase):
    config = "executor.max_queue_depth = 100\nresults.max_age_s = 100\n"

    def test_applies_live_keys_and_names_those_that_need_a_restart(self):
        self.daemon.write_config("executor.max_queue_depth = 200\nresults.max_age_s = 200\n")
        answer = self.client.admin.reload()
        self.assertEqual([(each.key, each.old_value, each.new_value) for each in answer.applied],
                         [("results.max_age_s", "100", "200")])
        self.assertEqual([each.key for each in answer.needs_restart],
                         ["executor.max_queue_depth"])

    def test_a_file_with_mistakes_changes_nothing_and_every_mistake_is_told(self):
        self.daemon.write_config('results.max_age_s = 0\nlog.level = "loud"\nlimits.wait = 1\n')
        with self.assertRaises(weft.InvalidArgument) as raised:
            self.client.admin.reload()
        for wrong in ("results.max_age_s", "log.level", "limits.wait"):
            self.assertIn(wrong, str([raised.exception.message, raised.exception.field_violations]))
        self.daemon.write_config(self.config)
        answer = self.client.admin.reload()
        self.assertEqual((list(answer.applied), list(answer.needs_restart)), ([], []))


if __name__ == "__main__":
    cases.main()
