#!/usr/bin/python3
"""Proves that the Python package lists tasks page by page and watches them come and end, by filter,
and what bad requests are told. Arguments are those of cases.main."""

import asyncio
import threading
import unittest

import cases
import helper
import stubs


def setUpModule():
    missing = helper.why_missing()
    if missing:
        raise unittest.SkipTest(missing)
    global aio, api, grpc, weft
    import grpc  # pylint: disable=import-outside-toplevel
    weft = helper.load()
    from weft import aio  # pylint: disable=import-outside-toplevel
    api = stubs.load()


def tearDownModule():
    api.folder.cleanup()


class PythonListing(helper.HelperCase):
    def submit(self, count, handler="echo", **fields):
        return {self.client.submit(handler, **fields).task_id for _ in range(count)}

    def listed(self, **chosen):
        found = [task.result.task_id for task in self.client.list(**chosen)]
        self.assertEqual(len(found), len(set(found)))
        return set(found)

    def test_every_task_is_listed_once_over_many_pages(self):
        task_ids = self.submit(25)
        for page_size in (0, 1, 10, 1000):
            self.assertEqual(self.listed(page_size=page_size), task_ids)

    def test_every_task_is_listed_once_with_asyncio(self):
        task_ids = self.submit(5)

        async def main():
            async with aio.Client(self.daemon.address) as client:
                return [task.result.task_id async for task in client.list(page_size=2)]
        self.assertEqual(sorted(asyncio.run(main())), sorted(task_ids))

    def test_each_part_of_the_filter_holds(self):
        red = self.submit(3, labels={"colour": "red", "size": "s"})
        blue = self.submit(2, labels={"colour": "blue", "size": "s"})
        failed = self.submit(1, "fail", payload=b"error")
        self.await_nothing_in_flight()
        self.assertEqual(self.listed(labels={"size": "s"}), red | blue)
        self.assertEqual(self.listed(labels={"colour": "red", "size": "s"}), red)
        self.assertEqual(self.listed(labels={"colour": "green"}), set())
        self.assertEqual(self.listed(handler="fail"), failed)
        self.assertEqual(self.listed(states=["TASK_STATE_FAILED"]), failed)
        self.assertEqual(self.listed(states=["TASK_STATE_QUEUED"]), set())
        core = self.client.admin.stats().cores[0].core
        self.assertEqual(self.listed(core=core), red | blue | failed)

    def test_a_listed_task_has_its_handler_and_labels_and_no_output(self):
        labels = {"order": "17", "example.org/kind": ""}
        task_id = self.client.submit("echo", b"output", labels=labels).task_id
        self.client.wait(task_id)
        [task] = self.client.list(labels={"order": "17"})
        self.assertEqual((task.handler, dict(task.labels)), ("echo", labels))
        self.assertTrue(task.result.success)
        self.assertEqual(task.result.output, b"")
        got = self.client.get(task_id)
        self.assertEqual((got.handler, dict(got.labels)), ("echo", labels))
        self.assertEqual(got.result.output, b"output")

    def test_a_running_task_is_listed_as_such(self):
        holder = self.hold_the_core()
        self.assertEqual(self.listed(states=["TASK_STATE_RUNNING"]), {holder})
        self.client.cancel(holder)

    def test_bad_labels_are_named(self):
        for labels in ({"": "no key"}, {"key with spaces": ""}, {"k" * 64: ""}, {"k": "v" * 129},
                       {str(number): "" for number in range(17)}):
            with self.assertRaises(weft.InvalidArgument) as raised:
                self.client.run("noop", labels=labels)
            self.assertRegex(raised.exception.field_violations[0].field, r"^spec\.labels")
        self.assertEqual(self.client.admin.stats().tasks.accepted, 0)

    def test_a_page_that_is_too_long_is_refused(self):
        with self.assertRaises(weft.InvalidArgument) as raised:
            list(self.client.list(page_size=1001))
        self.assertEqual(raised.exception.field_violations[0].field, "page_size")

    def test_a_token_that_was_not_given_is_refused(self):
        self.submit(3)
        channel = grpc.insecure_channel(self.daemon.address)
        self.addCleanup(channel.close)
        stub = api.tasks_grpc.TaskServiceStub(channel)
        ask = api.tasks.ListTasksRequest
        page = stub.ListTasks(ask(page_size=1), timeout=helper.PATIENCE_S)
        token = page.next_page_token
        self.assertTrue(token)
        changed = token[:-1] + ("A" if token[-1] != "A" else "B")
        other_filter = api.tasks.TaskFilter(handler="echo")
        for request in (ask(page_token="forged"), ask(page_token=changed),
                        ask(page_token=token * 100), ask(page_token=token, filter=other_filter)):
            with self.assertRaises(grpc.RpcError) as raised:
                stub.ListTasks(request, timeout=helper.PATIENCE_S)
            self.assertEqual(raised.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            packed = dict(raised.exception.trailing_metadata())["grpc-status-details-bin"]
            self.assertIn(b"page_token", packed)
        again = stub.ListTasks(ask(page_size=1, page_token=token), timeout=helper.PATIENCE_S)
        self.assertNotEqual(again.tasks, page.tasks)


class PythonWatch(helper.HelperCase):
    ACCEPTED, ENDED = "TASK_EVENT_KIND_ACCEPTED", "TASK_EVENT_KIND_ENDED"

    def told(self, event):
        result = event.task.result
        return (result.client_tag, weft.TaskEventKind.Name(event.kind),
                weft.TaskState.Name(result.state).removeprefix("TASK_STATE_"))

    def test_tells_of_each_task_when_it_is_accepted_and_when_it_ends(self):
        with self.client.watch(timeout=helper.PATIENCE_S) as watch:
            self.client.run("echo", client_tag=1, labels={"order": "17"})
            self.client.run("fail", b"error", client_tag=2)
            events = [next(watch) for _ in range(4)]
        self.assertEqual([self.told(event) for event in events],
                         [(1, self.ACCEPTED, "QUEUED"), (1, self.ENDED, "SUCCEEDED"),
                          (2, self.ACCEPTED, "QUEUED"), (2, self.ENDED, "FAILED")])
        self.assertEqual(events[0].task.handler, "echo")
        self.assertEqual(dict(events[0].task.labels), {"order": "17"})
        self.assertEqual(watch.missed, 0)

    def test_tells_only_what_the_filter_lets_through(self):
        with self.client.watch(states=["TASK_STATE_FAILED"], labels={"order": "17"},
                               timeout=helper.PATIENCE_S) as watch:
            self.client.run("fail", b"error", client_tag=1)
            self.client.run("echo", client_tag=2, labels={"order": "17"})
            self.client.run("fail", b"error", client_tag=3, labels={"order": "17"})
            self.assertEqual(self.told(next(watch)), (3, self.ENDED, "FAILED"))

    def test_close_from_another_thread_ends_the_loop(self):
        watch = self.client.watch(timeout=helper.PATIENCE_S)
        self.client.run("noop")
        next(watch)
        threading.Timer(0, watch.close).start()
        self.assertLessEqual(len(list(watch)), 1)

    def test_its_deadline_is_raised(self):
        with self.client.watch(timeout=0.2) as watch, self.assertRaises(weft.DeadlineExceeded):
            next(watch)

    def test_a_bad_filter_is_refused(self):
        with self.assertRaises(weft.InvalidArgument) as raised:
            self.client.watch(labels={str(number): "" for number in range(17)})
        self.assertRegex(raised.exception.field_violations[0].field, r"^filter\.labels")

    def test_it_ends_with_the_daemon(self):
        watch = self.client.watch(timeout=helper.PATIENCE_S)
        self.client.admin.drain()
        self.drained = True
        with self.assertRaises(weft.Unavailable):
            next(watch)


if __name__ == "__main__":
    cases.main()
