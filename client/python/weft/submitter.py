"""Single tasks of many threads over one call."""

from __future__ import annotations

import concurrent.futures
import threading
from typing import TYPE_CHECKING

import grpc

from weft import errors, requests
from weft.connection import Connection
from weft.requests import TaskFields
from weft.stream import TaskStream
from weft.v1 import task_pb2

if TYPE_CHECKING:
    from typing import Unpack


class _Call:
    """One stream, the tasks that it was given, and the thread that takes its answers."""

    def __init__(self, connection: Connection, window: int):
        self.stream = TaskStream(connection, window, None)
        self._lock = threading.Lock()
        self._waiting: dict[int, tuple[concurrent.futures.Future, int]] = {}
        self._given = 0
        self.is_over = False
        threading.Thread(target=self._take, name="weft-submitter", daemon=True).start()

    def give(self, spec: task_pb2.TaskSpec) -> concurrent.futures.Future | None:
        """None: the call is over, and the task was not sent."""
        future: concurrent.futures.Future = concurrent.futures.Future()
        # What is on its way cannot be taken back.
        future.set_running_or_notify_cancel()
        numbered = task_pb2.TaskSpec()
        numbered.CopyFrom(spec)
        with self._lock:
            if self.is_over:
                return None
            self._given += 1
            number = numbered.client_tag = self._given
            self._waiting[number] = (future, spec.client_tag)
        try:
            self.stream.send(numbered)
        except errors.WeftError:
            with self._lock:
                # Else whoever took the answers has told it already.
                if self._waiting.pop(number, None):
                    return None
        return future

    def _take(self) -> None:
        failure = errors.of(grpc.StatusCode.INTERNAL, "the stream ended with tasks unanswered")
        try:
            for row in self.stream:
                with self._lock:
                    future, tag = self._waiting.pop(row.tag)
                if row.error:
                    future.set_exception(row.error)
                else:
                    row.result.client_tag = tag
                    future.set_result(row.result)
        except errors.WeftError as error:
            failure = error
        with self._lock:
            self.is_over = True
            left = list(self._waiting.values())
            self._waiting.clear()
        for future, _ in left:
            future.set_exception(failure)


class Submitter:
    """Takes single tasks from any thread and sends those that come while a message is on its way
    together in the next one, so that they travel as batches do.

        with client.open_submitter() as submitter:
            futures = [submitter.submit("crc32c", payload) for payload in payloads]
            outputs = [future.result().output for future in futures]

    At most window tasks are on their way; submit blocks beyond that. When the call breaks, the
    futures of what is not answered raise WeftError, and the next task begins another call. close,
    which the end of a with block calls, breaks the call; the daemon cancels what it has not
    answered."""

    def __init__(self, connection: Connection, window: int):
        self._connection = connection
        self._window = window
        self._lock = threading.Lock()
        self._closed = False
        self._call = _Call(connection, window)

    def submit(self, task: str | task_pb2.TaskSpec, payload: bytes = b"",
               **fields: Unpack[TaskFields]) -> concurrent.futures.Future[task_pb2.TaskResult]:
        """The task's result, or a WeftError, as Client.run would give it. Its callbacks run on the
        thread that takes the answers, and must not wait for others. ValueError after close."""
        spec = requests.spec_of(task, payload, fields)
        while True:
            call = self._working_call()
            future = call.give(spec)
            if future is not None:
                return future

    def run(self, task: str | task_pb2.TaskSpec, payload: bytes = b"", *,
            timeout: float | None = None, **fields: Unpack[TaskFields]) -> task_pb2.TaskResult:
        """submit, and waits. Raises TimeoutError when timeout seconds pass; the task goes on."""
        return self.submit(task, payload, **fields).result(timeout)

    def close(self) -> None:
        """Breaks the call; nothing more can be submitted."""
        with self._lock:
            self._closed = True
            self._call.stream.close()

    def __enter__(self) -> Submitter:
        return self

    def __exit__(self, *raised) -> None:
        self.close()

    def _working_call(self) -> _Call:
        with self._lock:
            if self._closed:
                raise ValueError("the submitter was closed")
            if self._call.is_over:
                self._call = _Call(self._connection, self._window)
            return self._call
