#!/usr/bin/python3
"""Proves that the Python package sends as columns what columns have a place for, that a result in
columns is the one that a row would have been, and that a stream's user sees no difference.
Arguments are those of cases.main."""

import unittest

import cases
import helper


def setUpModule():
    missing = helper.why_missing()
    if missing:
        raise unittest.SkipTest(missing)
    global weft, columns, messages, task_pb2
    weft = helper.load()
    from weft import columns
    from weft.v1 import task_pb2, task_service_pb2 as messages


class PythonColumns(helper.HelperCase):
    def specs(self, count, **fields):
        return [self.client.spec("echo" if tag % 3 else "crc32c", b"x" * tag, client_tag=tag,
                                 **fields) for tag in range(count)]

    def test_all_that_the_tasks_say_is_in_columns(self):
        specs = self.specs(8, priority="PRIORITY_HIGH", timeout_ns=7, core=2,
                           io_priority="PRIORITY_LOW")
        request = columns.request_of(specs)
        self.assertEqual(len(request.specs), 0)
        self.assertEqual(request.columns, messages.TaskColumns(
            count=8, handlers=["crc32c", "echo"], handler_indexes=[0, 1, 1, 0, 1, 1, 0, 1],
            payloads=b"x" * 28, payload_bytes=range(8), priorities=[1] * 8, timeouts_ns=[7] * 8,
            cores=[2] * 8, client_tags=range(8), io_priorities=[3] * 8))
        self.assertEqual(columns.request_of([self.client.spec("noop")] * 8).columns,
                         messages.TaskColumns(count=8, handlers=["noop"]))

    def test_what_columns_have_no_place_for_is_in_rows(self):
        few = self.specs(7)
        self.assertEqual(list(columns.request_of(few).specs), few)
        for fields in ({"affinity_key": "a"}, {"labels": {"a": "b"}}, {"core": 0}):
            specs = self.specs(8) + self.specs(1, **fields)
            request = columns.request_of(specs)
            self.assertEqual(list(request.specs), specs)
            self.assertFalse(request.HasField("columns"))

    def test_a_result_in_columns_is_the_one_of_a_row(self):
        stub = self.client._stub
        specs = self.specs(20, priority="PRIORITY_LOW")
        answers = {}
        for request in (columns.request_of(specs), messages.StreamTasksRequest(specs=specs)):
            is_columns = request.HasField("columns")
            for response in stub.StreamTasks(iter([request])):
                self.assertEqual(response.HasField("columns"), is_columns)
                for row in columns.rows_of(response):
                    answers[is_columns, row.client_tag] = row.result
        self.assertEqual(len(answers), 40)
        for tag in range(20):
            column, row = answers[True, tag], answers[False, tag]
            for result in (column, row):
                self.assertGreater(result.task_id, 0)
                self.assertGreater(result.started_at_ns, 0)
                self.assertEqual(result.queue_latency_ns,
                                 result.started_at_ns - result.submitted_at_ns)
                self.assertEqual(result.execution_latency_ns,
                                 result.completed_at_ns - result.started_at_ns)
                self.assertEqual(result.total_latency_ns,
                                 result.completed_at_ns - result.submitted_at_ns)
                for field in ("task_id", "submitted_at_ns", "started_at_ns", "completed_at_ns",
                              "queue_latency_ns", "execution_latency_ns", "total_latency_ns",
                              "off_core_ns"):
                    result.ClearField(field)
            self.assertEqual(column, row)

    def test_a_stream_has_rows_whatever_travels(self):
        specs = self.specs(3_000)
        specs[500].handler = "ecko"
        specs[600].handler = "fail"
        rows = {row.tag: row for row in self.client.stream(specs, window=3_000)}
        self.assertEqual(len(rows), 3_000)
        self.assertEqual(rows.pop(500).error.reason, "UNKNOWN_HANDLER")
        self.assertEqual(rows.pop(600).result.state, task_pb2.TASK_STATE_FAILED)
        self.assertTrue(all(row.result.success for row in rows.values()))


if __name__ == "__main__":
    cases.main()
