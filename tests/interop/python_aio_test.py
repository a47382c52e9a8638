#!/usr/bin/python3
"""Proves that the asyncio client of the Python package does what the blocking one does. Arguments
are those of cases.main."""

import asyncio
import contextlib
import unittest

import cases
import helper


def setUpModule():
    missing = helper.why_missing()
    if missing:
        raise unittest.SkipTest(missing)
    global aio, weft
    weft = helper.load()
    from weft import aio  # pylint: disable=import-outside-toplevel


class PythonAio(helper.HelperCase):
    def run_with_client(self, use):
        async def main():
            async with aio.Client(self.daemon.address, timeout=helper.PATIENCE_S) as client:
                return await asyncio.wait_for(use(client), 2 * helper.PATIENCE_S)
        return asyncio.run(main())

    def specs(self, count):
        return [self.client.spec("echo", b"%d" % tag, client_tag=tag) for tag in range(count)]

    def test_runs_many_tasks_at_once(self):
        async def use(client):
            return await asyncio.gather(*(client.run("echo", b"%d" % number)
                                          for number in range(50)))
        outputs = [result.output for result in self.run_with_client(use)]
        self.assertEqual(outputs, [b"%d" % number for number in range(50)])

    def test_submits_waits_gets_and_cancels(self):
        async def use(client):
            task_id = (await client.submit("echo", b"later", labels={"a": "b"})).task_id
            waited = await client.wait(task_id)
            cancelled = await client.cancel(task_id)
            return waited, (await client.get(task_id)).result, cancelled.outcome
        waited, got, outcome = self.run_with_client(use)
        self.assertTrue(waited.success)
        self.assertEqual(waited, got)
        self.assertEqual(weft.CancelOutcome.Name(outcome), "CANCEL_OUTCOME_ALREADY_ENDED")

    def test_a_refusal_carries_its_details(self):
        with self.assertRaises(weft.InvalidArgument) as raised:
            self.run_with_client(lambda client: client.run("ecko"))
        self.assertEqual(raised.exception.reason, "UNKNOWN_HANDLER")
        self.assertEqual(raised.exception.field_violations[0].field, "spec.handler")

    def test_cancelling_the_awaiting_task_cancels_the_weft_task(self):
        async def use(client):
            running = asyncio.ensure_future(client.run("sleep", b"60s"))
            while self.client.admin.stats().tasks.in_flight == 0:
                await asyncio.sleep(0.001)
            running.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await running
        self.run_with_client(use)
        self.assertEqual(self.await_nothing_in_flight().cancelled, 1)

    def test_a_stream_answers_every_row_by_its_tag(self):
        async def use(client):
            return {row.tag: row.result.output
                    async for row in client.stream(self.specs(5_000), window=100)}
        self.assertEqual(self.run_with_client(use), {tag: b"%d" % tag for tag in range(5_000)})

    def test_a_slow_source_holds_up_no_answer(self):
        async def use(client):
            answered = asyncio.Event()

            async def slowly():
                first, second = self.specs(2)
                yield first
                # Goes on only once the first has been answered.
                await answered.wait()
                yield second

            tags = []
            async for row in client.stream(slowly()):
                tags.append(row.tag)
                answered.set()
            return tags
        self.assertEqual(self.run_with_client(use), [0, 1])

    def test_no_more_than_the_window_is_outstanding(self):
        given = taken = most = 0

        def counted():
            nonlocal given, most
            for spec in self.specs(300):
                most = max(most, given - taken)
                given += 1
                yield spec

        async def use(client):
            nonlocal taken
            async for _ in client.stream(counted(), window=7):
                taken += 1
        self.run_with_client(use)
        self.assertEqual(taken, 300)
        self.assertLessEqual(most, 7 + 1)

    def test_what_the_specs_raise_is_raised_here(self):
        def broken():
            yield from self.specs(3)
            raise KeyError("on purpose")

        async def use(client):
            async for _ in client.stream(broken()):
                pass
        with self.assertRaisesRegex(KeyError, "on purpose"):
            self.run_with_client(use)
        self.await_nothing_in_flight()

    def test_leaving_early_cancels_the_rest(self):
        async def use(client):
            specs = [client_spec("noop", client_tag=1)] + [client_spec("sleep", b"60s")] * 3
            async with contextlib.aclosing(client.stream(specs)) as rows:
                async for row in rows:
                    self.assertEqual(row.tag, 1)
                    while self.client.admin.stats().tasks.accepted < 4:
                        await asyncio.sleep(0.001)
                    break
        client_spec = self.client.spec
        self.run_with_client(use)
        self.assertEqual(self.await_nothing_in_flight().cancelled, 3)

    def test_a_deadline_of_a_stream_is_raised(self):
        async def use(client):
            async for _ in client.stream([self.client.spec("sleep", b"60s")], timeout=0.3):
                pass
        with self.assertRaises(weft.DeadlineExceeded):
            self.run_with_client(use)
        self.await_nothing_in_flight()


class PythonAioFull(helper.HelperCase):
    settings = ("executor.max_queue_depth=2",)

    def test_a_refusal_is_tried_again_as_often_as_allowed(self):
        holder = self.hold_the_core()
        for _ in range(2):
            self.client.submit("noop")

        async def main():
            async with aio.Client(self.daemon.address, retry=weft.Retry(attempts=3)) as client:
                with self.assertRaises(weft.ResourceExhausted):
                    await client.submit("noop")
        asyncio.run(main())
        self.assertEqual(self.client.admin.stats().tasks.refused, 3)
        self.client.cancel(holder)


if __name__ == "__main__":
    cases.main()
