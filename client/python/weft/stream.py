"""Many tasks over one call."""

from __future__ import annotations

import collections
import dataclasses
import threading
from typing import Iterable, Iterator

import grpc

from weft import columns, errors, requests
from weft.connection import Connection
from weft.v1 import task_pb2, task_service_pb2


@dataclasses.dataclass(frozen=True)
class StreamRow:
    """The answer to the spec with this client_tag: either a result or why it was refused."""

    tag: int
    result: task_pb2.TaskResult | None
    error: errors.WeftError | None


def row_of(message: task_service_pb2.StreamTasksRow) -> StreamRow:
    if message.WhichOneof("answer") == "result":
        return StreamRow(message.client_tag, message.result, None)
    return StreamRow(message.client_tag, None, errors.from_status(message.status))


class TaskStream:
    """Specs in with send, answers out by iterating, in the order in which tasks end. Specs that are
    sent while a message is on its way travel together in the next one.

        with client.open_stream(window=256) as stream:
            for spec in specs:
                if stream.outstanding == stream.window:
                    use(next(stream))
                stream.send(spec)
            stream.finish()
            for row in stream:
                use(row)

    One thread may send while another iterates. Iterating ends when finish was called and every
    answer was taken, and raises WeftError when the call breaks: rows that are outstanding then have
    no answer. close, which the end of a with block calls, breaks the call; the daemon cancels what
    it has not answered.
    """

    def __init__(self, connection: Connection, window: int, timeout: float | None):
        if window < 1:
            raise ValueError(f"window is {window}, must be at least 1")
        self.window = window
        self._changed = threading.Condition()
        self._pending: collections.deque[task_pb2.TaskSpec] = collections.deque()
        self._outstanding = 0
        self._finished = False
        self._over = False
        self._rows: Iterator[task_service_pb2.StreamTasksRow] = iter(())
        self._call = connection.tasks.StreamTasks(self._messages(), timeout=timeout)
        if not self._call.add_callback(self._end):
            self._end()

    @property
    def outstanding(self) -> int:
        """Rows sent and not yet taken; never more than window."""
        with self._changed:
            return self._outstanding

    def send(self, spec: task_pb2.TaskSpec) -> None:
        """Blocks while window rows are outstanding, so somebody has to take answers meanwhile.
        Raises WeftError when the call has broken or was closed, ValueError after finish."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._finished or self._has_room())
            if self._over:
                raise errors.from_rpc_error(self._call)
            if self._finished:
                raise ValueError("the stream was finished: nothing more can be sent")
            self._outstanding += 1
            self._pending.append(spec)
            self._changed.notify_all()

    def finish(self) -> None:
        """Says that nothing more is sent; what was sent is finished and answered."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def close(self) -> None:
        """Breaks the call unless it has ended."""
        self._call.cancel()
        self._end()

    def __enter__(self) -> TaskStream:
        return self

    def __exit__(self, *raised) -> None:
        self.close()

    def __iter__(self) -> Iterator[StreamRow]:
        return self

    def __next__(self) -> StreamRow:
        message = next(self._rows, None)
        while message is None:
            try:
                self._rows = columns.rows_of(next(self._call))
            except grpc.RpcError as error:
                raise errors.from_rpc_error(error) from error
            message = next(self._rows, None)
        with self._changed:
            self._outstanding -= 1
            self._changed.notify_all()
        return row_of(message)

    def _has_room(self) -> bool:
        return self._outstanding < self.window

    def _end(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _messages(self) -> Iterator[task_service_pb2.StreamTasksRequest]:
        """gRPC takes the messages on a thread of its own, one after the other is on its way."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._over or self._pending or self._finished)
                if self._over or not self._pending:
                    return
                specs = next(requests.messages(self._pending))
                for _ in specs:
                    self._pending.popleft()
            yield columns.request_of(specs)


def answers(connection: Connection, specs: Iterable[task_pb2.TaskSpec], window: int,
            timeout: float | None) -> Iterator[StreamRow]:
    """Feeds specs to a stream from a thread of its own and yields the answers; what iterating specs
    raises is raised here."""
    stream = TaskStream(connection, window, timeout)
    failures: list[BaseException] = []

    def feed():
        try:
            for spec in specs:
                stream.send(spec)
            stream.finish()
        except errors.WeftError:
            pass  # Whoever takes the answers is told of the broken call.
        except BaseException as failure:  # pylint: disable=broad-exception-caught
            failures.append(failure)
            stream.close()

    feeder = threading.Thread(target=feed, name="weft-stream-feeder", daemon=True)
    with stream:
        feeder.start()
        try:
            yield from stream
        except errors.CallCancelled:
            if not failures:
                raise
    if failures:
        raise failures[0]
