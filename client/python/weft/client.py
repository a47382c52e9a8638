"""Submitting tasks and getting their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Iterable, Iterator, Mapping, Sequence

from weft import batch, requests, stream, submitter
from weft.admin import Admin
from weft.connection import Connection
from weft.requests import TaskFields
from weft.retry import Retry
from weft.v1 import task_pb2
from weft.v1 import task_service_pb2 as messages
from weft.watch import TaskWatch

if TYPE_CHECKING:
    from typing import Unpack

LONGEST_WAIT_S = 86_400.0


class Client:
    """Speaks to one daemon. Any thread; a with block closes it.

    target: "host:port" or "unix:/path".
    timeout: seconds for every call that names none, all its tries together. Streams and watches
        have no end unless one is named.
    retry: see weft.Retry.

    Calls raise weft.WeftError. In run, submit and spec a task is either a TaskSpec or the name of
    a handler, followed by its payload and any of weft.TaskFields.
    """

    def __init__(self, target: str = "127.0.0.1:7411", *, timeout: float = 30.0,
                 retry: Retry = Retry()):
        self._connection = Connection(target, timeout, retry)
        self._stub = self._connection.tasks
        self.admin = Admin(self._connection)

    def close(self) -> None:
        """Ends the connection; calls under way are cancelled."""
        self._connection.channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *raised) -> None:
        self.close()

    @staticmethod
    def spec(handler: str, payload: bytes = b"", **fields: Unpack[TaskFields]) -> task_pb2.TaskSpec:
        """A TaskSpec, for submit_many and stream."""
        return requests.spec_of(handler, payload, fields)

    def run(self, task: str | task_pb2.TaskSpec, payload: bytes = b"", *,
            retain_result: bool = False, timeout: float | None = None,
            **fields: Unpack[TaskFields]) -> task_pb2.TaskResult:
        """Runs a task and answers with its result, ended. The call's deadline also bounds the task;
        when the call ends early the task is cancelled. retain_result: get and wait find it, too."""
        spec = requests.spec_of(task, payload, fields)
        request = messages.RunTaskRequest(spec=spec, retain_result=retain_result)
        return self._connection.call(self._stub.RunTask, request, harmless=False,
                                     timeout=timeout).result

    def submit(self, task: str | task_pb2.TaskSpec, payload: bytes = b"", *,
               timeout: float | None = None,
               **fields: Unpack[TaskFields]) -> messages.SubmitTaskResponse:
        """Answers with task_id as soon as the task is admitted."""
        spec = requests.spec_of(task, payload, fields)
        request = messages.SubmitTaskRequest(spec=spec)
        return self._connection.call(self._stub.SubmitTask, request, harmless=False,
                                     timeout=timeout)

    def submit_many(self, specs: Iterable[task_pb2.TaskSpec], *,
                    timeout: float | None = None) -> Sequence[batch.RowAnswer]:
        """Submits any number of tasks, in as few calls as they fit in. Answers with a
        SubmitTaskResponse or a WeftError for each, in the order of specs. Never raises WeftError:
        when a call breaks, each of its rows is answered with that error."""
        return batch.submit_many(self._connection, list(specs), timeout)

    def wait(self, task_id: int, wait: float | None = None, *,
             timeout: float | None = None) -> task_pb2.TaskResult:
        """Waits until the task has ended, at most wait seconds (None: as long as the daemon allows,
        limits.max_wait_s). A wait that ends first answers with the task as it stands, so look at
        weft.has_ended(result). timeout: None gives the call the wait and the client's timeout."""
        wait_ns = None if wait is None else requests.nanoseconds(wait)
        if timeout is None:
            timeout = (LONGEST_WAIT_S if wait is None else wait) + self._connection.timeout
        request = messages.WaitTaskRequest(task_id=task_id, wait_ns=wait_ns)
        return self._connection.call(self._stub.WaitTask, request, harmless=True,
                                     timeout=timeout).result

    def get(self, task_id: int, *, timeout: float | None = None) -> messages.GetTaskResponse:
        """The task as it stands, with its handler and labels. NotFound when it never was or is
        forgotten."""
        request = messages.GetTaskRequest(task_id=task_id)
        return self._connection.call(self._stub.GetTask, request, harmless=True, timeout=timeout)

    def cancel(self, task_id: int, *, timeout: float | None = None) -> messages.CancelTaskResponse:
        """Cancels the task and says what that did."""
        request = messages.CancelTaskRequest(task_id=task_id)
        return self._connection.call(self._stub.CancelTask, request, harmless=False,
                                     timeout=timeout)

    def list(self, *, states: Iterable[task_pb2.TaskState | str] = (), handler: str = "",
             core: int | None = None, labels: Mapping[str, str] | None = None, page_size: int = 0,
             timeout: float | None = None) -> Iterator[task_pb2.TaskSummary]:
        """Tasks in flight and those whose result is kept, for which all that is given holds, asked
        for page by page as the iterator goes on. timeout: of each page."""
        chosen = requests.filter_of(states, handler, core, labels)
        token = ""
        while True:
            request = messages.ListTasksRequest(filter=chosen, page_size=page_size,
                                                page_token=token)
            page = self._connection.call(self._stub.ListTasks, request, harmless=True,
                                         timeout=timeout)
            yield from page.tasks
            token = page.next_page_token
            if not token:
                return

    def watch(self, *, states: Iterable[task_pb2.TaskState | str] = (), handler: str = "",
              core: int | None = None, labels: Mapping[str, str] | None = None,
              timeout: float | None = None) -> TaskWatch:
        """Tells of tasks as they are accepted and as they end. It has begun when this returns.
        timeout: of the whole watch; None: no end."""
        request = messages.WatchTasksRequest(
            filter=requests.filter_of(states, handler, core, labels))
        return TaskWatch(self._stub.WatchTasks(request, timeout=timeout), self._connection.timeout)

    def stream(self, specs: Iterable[task_pb2.TaskSpec], *, window: int = 512,
               timeout: float | None = None) -> Iterator[stream.StreamRow]:
        """Runs any number of tasks over one call and yields the answers in the order in which tasks
        end; match them by client_tag. At most window rows are sent and not yet taken, so specs are
        asked for only as fast as answers are used, on a thread of their own. timeout: of the whole
        stream; None: no end. Leaving the loop early cancels what is not yet answered."""
        return stream.answers(self._connection, specs, window, timeout)

    def open_stream(self, *, window: int = 512, timeout: float | None = None) -> stream.TaskStream:
        """The same with send and next in your own hands."""
        return stream.TaskStream(self._connection, window, timeout)

    def open_submitter(self, *, window: int = 4096) -> submitter.Submitter:
        """Single tasks of any thread, which travel in batches."""
        return submitter.Submitter(self._connection, window)

    def is_serving(self, *, timeout: float | None = None) -> bool:
        """Whether the daemon takes work: grpc.health.v1. An error means that it did not answer."""
        # Written by hand, because a second copy of the health protocol could not be loaded beside
        # grpcio-health-checking: the empty message asks for the whole server, and an answer whose
        # field 1 is 1 says SERVING.
        check = self._connection.channel.unary_unary("/grpc.health.v1.Health/Check")
        return self._connection.call(check, b"", harmless=True, timeout=timeout) == b"\x08\x01"
