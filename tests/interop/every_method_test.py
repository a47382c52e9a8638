#!/usr/bin/python3
"""Proves that every method of the proto files is called here, through the Python package and
through bare stubs: the descriptors say which there are, and one without a call fails. A call of the
package must also have reached the method it stands for. Arguments are those of cases.main."""

import unittest
import unittest.mock

import cases
import helper
import stubs

SERVICES = ("TaskService", "AdminService")


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


def methods():
    """Names of all methods, the one that ends the daemon last."""
    files = (api.tasks.DESCRIPTOR, api.admin.DESCRIPTOR)
    services = [file.services_by_name[name] for file, name in zip(files, SERVICES)]
    names = [f"{service.name}.{method.name}" for service in services for method in service.methods]
    return sorted(names, key=lambda name: name == "AdminService.DrainServer")


def recorder(called):
    """A grpc.insecure_channel that notes which methods are called."""
    original = grpc.insecure_channel

    class Recorder(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor,
                   grpc.StreamStreamClientInterceptor):
        def note(self, continuation, details, request):
            called.append(details.method.removeprefix("/weft.v1.").replace("/", "."))
            return continuation(details, request)

        intercept_unary_unary = intercept_unary_stream = intercept_stream_stream = note

    return lambda *arguments, **options: grpc.intercept_channel(
        original(*arguments, **options), Recorder())


class PackageCalls:
    """One method of this class for each method of the proto files, by way of the package."""

    def __init__(self, case, client):
        self.case, self.client, self.admin = case, client, client.admin

    def submitted(self):
        return self.client.submit("noop").task_id

    def run_task(self):
        self.case.assertTrue(self.client.run("noop").success)

    def submit_task(self):
        self.case.assertGreater(self.client.submit("noop").task_id, 0)

    def submit_tasks(self):
        answers = self.client.submit_many([self.client.spec("noop"), self.client.spec("nope")])
        self.case.assertGreater(answers[0].task_id, 0)
        self.case.assertIsInstance(answers[1], weft.InvalidArgument)

    def wait_task(self):
        self.case.assertTrue(weft.has_ended(self.client.wait(self.submitted())))

    def get_task(self):
        self.case.assertEqual(self.client.get(self.submitted()).handler, "noop")

    def cancel_task(self):
        task_id = self.submitted()
        self.client.wait(task_id)
        self.case.assertEqual(weft.CancelOutcome.Name(self.client.cancel(task_id).outcome),
                              "CANCEL_OUTCOME_ALREADY_ENDED")

    def list_tasks(self):
        task_id = self.submitted()
        self.case.assertIn(task_id, [task.result.task_id for task in self.client.list()])

    def watch_tasks(self):
        with self.client.watch(timeout=helper.PATIENCE_S) as watch:
            task_id = self.submitted()
            self.case.assertEqual(next(watch).task.result.task_id, task_id)

    def stream_tasks(self):
        rows = list(self.client.stream([self.client.spec("noop", client_tag=7)]))
        self.case.assertEqual([row.tag for row in rows], [7])

    def get_stats(self):
        self.case.assertEqual(self.admin.stats().active_workers, 1)

    def watch_stats(self):
        with self.admin.watch_stats(0.1, timeout=helper.PATIENCE_S) as watch:
            self.case.assertEqual([next(watch).interval_ns > 0 for _ in range(2)], [False, True])

    def list_cores(self):
        self.case.assertEqual(len(self.admin.cores()), 1)

    def set_budget(self):
        cores = [core.stats.core for core in self.admin.cores()]
        self.case.assertEqual(list(self.admin.set_budget(polls=8)), cores)

    def list_handlers(self):
        self.case.assertIn("noop", [handler.name for handler in self.admin.handlers()])

    def pause_handler(self):
        self.case.assertTrue(self.admin.pause("crc32c"))

    def resume_handler(self):
        self.case.assertFalse(self.admin.resume("sha256"))

    def reload_config(self):
        with self.case.assertRaises(weft.FailedPrecondition):
            self.admin.reload()

    def drain_server(self):
        self.case.drained = True
        self.case.assertEqual(self.admin.drain(), 0)


class StubCalls:
    """The same by way of bare stubs: a request, and what its answer must hold."""

    def __init__(self, case, channel):
        self.case = case
        self.tasks = api.tasks_grpc.TaskServiceStub(channel)
        self.admin = api.admin_grpc.AdminServiceStub(channel)

    def call(self, method, request):
        """The answer, or the first one of a stream."""
        answer = method(request, timeout=helper.PATIENCE_S)
        if not hasattr(answer, "cancel"):
            return answer
        first = next(answer)
        answer.cancel()
        return first

    def spec(self, **fields):
        return api.task.TaskSpec(handler="noop", **fields)

    def submitted(self):
        request = api.tasks.SubmitTaskRequest(spec=self.spec())
        return self.call(self.tasks.SubmitTask, request).task_id

    def run_task(self):
        answer = self.call(self.tasks.RunTask, api.tasks.RunTaskRequest(spec=self.spec()))
        self.case.assertTrue(answer.result.success)

    def submit_task(self):
        self.case.assertGreater(self.submitted(), 0)

    def submit_tasks(self):
        specs = [self.spec(client_tag=1), api.task.TaskSpec(handler="nope", client_tag=2)]
        answer = self.call(self.tasks.SubmitTasks, api.tasks.SubmitTasksRequest(specs=specs))
        self.case.assertEqual([(row.client_tag, row.WhichOneof("answer")) for row in answer.rows],
                              [(1, "accepted"), (2, "status")])

    def wait_task(self):
        request = api.tasks.WaitTaskRequest(task_id=self.submitted())
        self.case.assertTrue(self.call(self.tasks.WaitTask, request).result.success)

    def get_task(self):
        request = api.tasks.GetTaskRequest(task_id=self.submitted())
        self.case.assertEqual(self.call(self.tasks.GetTask, request).handler, "noop")

    def cancel_task(self):
        request = api.tasks.CancelTaskRequest(task_id=self.submitted())
        self.case.assertNotEqual(self.call(self.tasks.CancelTask, request).outcome, 0)

    def list_tasks(self):
        task_id = self.submitted()
        answer = self.call(self.tasks.ListTasks, api.tasks.ListTasksRequest(page_size=1000))
        self.case.assertIn(task_id, [task.result.task_id for task in answer.tasks])

    def watch_tasks(self):
        answer = self.call(self.tasks.WatchTasks, api.tasks.WatchTasksRequest())
        self.case.assertEqual(list(answer.events), [])

    def stream_tasks(self):
        requests = iter([api.tasks.StreamTasksRequest(specs=[self.spec(client_tag=9)])])
        self.case.assertEqual(self.call(self.tasks.StreamTasks, requests).rows[0].client_tag, 9)

    def get_stats(self):
        answer = self.call(self.admin.GetStats, api.admin.GetStatsRequest())
        self.case.assertEqual(answer.active_workers, 1)

    def watch_stats(self):
        answer = self.call(self.admin.WatchStats, api.admin.WatchStatsRequest())
        self.case.assertEqual(answer.stats.active_workers, 1)

    def list_cores(self):
        answer = self.call(self.admin.ListCores, api.admin.ListCoresRequest())
        self.case.assertEqual(len(answer.cores), 1)

    def set_budget(self):
        request = api.admin.SetBudgetRequest(budget=api.admin.Budget(microseconds=50))
        self.case.assertEqual(len(self.call(self.admin.SetBudget, request).cores), 1)

    def list_handlers(self):
        answer = self.call(self.admin.ListHandlers, api.admin.ListHandlersRequest())
        self.case.assertGreater(len(answer.handlers), 0)

    def pause_handler(self):
        request = api.admin.PauseHandlerRequest(handler="crc32c")
        self.case.assertTrue(self.call(self.admin.PauseHandler, request).changed)

    def resume_handler(self):
        request = api.admin.ResumeHandlerRequest(handler="sha256")
        self.case.assertFalse(self.call(self.admin.ResumeHandler, request).changed)

    def reload_config(self):
        with self.case.assertRaises(grpc.RpcError) as raised:
            self.call(self.admin.ReloadConfig, api.admin.ReloadConfigRequest())
        self.case.assertEqual(raised.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)

    def drain_server(self):
        self.case.drained = True
        answer = self.call(self.admin.DrainServer, api.admin.DrainServerRequest())
        self.case.assertEqual(answer.in_flight, 0)


def snake_case(name):
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)[1:]


class EveryMethod(cases.DaemonCase):
    def call_all(self, calls, check=lambda name: None):
        for name in methods():
            with self.subTest(name):
                getattr(calls, snake_case(name.split(".")[1]))()
                check(name)

    def test_is_called_through_the_package(self):
        called = []
        with unittest.mock.patch("grpc.insecure_channel", recorder(called)):
            client = weft.Client(self.daemon.address, timeout=helper.PATIENCE_S)
        self.addCleanup(client.close)

        def reached(name):
            self.assertIn(name, called)
            called.clear()

        self.call_all(PackageCalls(self, client), reached)

    def test_is_called_through_bare_stubs(self):
        channel = grpc.insecure_channel(self.daemon.address)
        self.addCleanup(channel.close)
        self.call_all(StubCalls(self, channel))


if __name__ == "__main__":
    cases.main()
