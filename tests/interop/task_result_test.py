#!/usr/bin/python3
"""Proves that the checks of task_result.py notice: a result that is right passes, and each way of
being wrong does not. Arguments are those of cases.main."""

import unittest

import cases
import task_result

RIGHT = {
    "task_id": "77", "client_tag": "0", "state": "TASK_STATE_SUCCEEDED", "success": True,
    "output": "eA==", "submitted_at_ns": "1000", "started_at_ns": "1300", "completed_at_ns": "1900",
    "queue_latency_ns": "300", "execution_latency_ns": "600", "suspended_ns": "100",
    "total_latency_ns": "900", "core": 1, "priority": "PRIORITY_NORMAL", "attempts": 1,
}  # fmt: skip
WRONG = (
    {"task_id": "0"}, {"state": "TASK_STATE_RUNNING"}, {"success": False},
    {"error": {"code": "TASK_ERROR_CODE_HANDLER_FAILED", "message": "x"}},
    {"priority": "PRIORITY_UNSPECIFIED"}, {"submitted_at_ns": "0"}, {"total_latency_ns": "901"},
    {"queue_latency_ns": "299"}, {"execution_latency_ns": "601"}, {"suspended_ns": "601"},
    {"suspended_ns": "-1"}, {"attempts": 0}, {"attempts": 2}, {"started_at_ns": "999"},
    {"started_at_ns": "1901"}, {"completed_at_ns": "1901"},
    # Sums that are right of times that are not in order.
    {"started_at_ns": "900", "queue_latency_ns": "-100", "execution_latency_ns": "1000"},
    # A form that is not protobuf's.
    {"off_core_ns": "-1"}, {"off_core_ns": "501"}, {"off_core_ns": 7},
    {"task_id": 77}, {"core": "1"}, {"success": "true"}, {"output": "x"}, {"state": 4},
    {"unheard_of": 1},
)  # fmt: skip


class TaskResultCheck(unittest.TestCase):
    def check(self, message):
        task_result.check_ended(self, task_result.from_json(self, message))

    def test_passes_what_is_right_in_either_spelling(self):
        self.check(RIGHT)
        words = {name: name.split("_") for name in RIGHT}
        camel = {name: first + "".join(word.capitalize() for word in rest)
                 for name, (first, *rest) in words.items()}
        self.check({camel[name]: value for name, value in RIGHT.items()})

    def test_passes_what_is_told_of_a_long_run(self):
        for off_core in ("0", "500"):
            self.check({**RIGHT, "off_core_ns": off_core})

    def test_notices_whatever_is_wrong(self):
        for wrong in WRONG:
            with self.subTest(wrong), self.assertRaises((self.failureException, ValueError)):
                self.check({**RIGHT, **wrong})

    def test_notices_every_field_that_is_missing(self):
        for name in RIGHT:
            with self.subTest(name), self.assertRaises(self.failureException):
                self.check({field: value for field, value in RIGHT.items() if field != name})


if __name__ == "__main__":
    cases.main()
