"""Calls that tell, on and on, what happens in the daemon."""

from __future__ import annotations

import threading
from typing import Generic, Iterator, TypeVar

import grpc

from weft import errors
from weft.v1 import admin_service_pb2, task_service_pb2

Message = TypeVar("Message")
Item = TypeVar("Item")


class Watch(Generic[Message, Item]):
    """Yields until the call ends or close is called, from any thread; iterating then stops. A with
    block closes it. Raises WeftError when the call breaks, DeadlineExceeded at its timeout."""

    def __init__(self, call):
        self._call = call
        self._closed = False

    def close(self) -> None:
        """Ends the watch."""
        self._closed = True
        self._call.cancel()

    def __enter__(self):
        return self

    def __exit__(self, *raised) -> None:
        self.close()

    def __iter__(self):
        return self

    def __next__(self) -> Item:
        raise NotImplementedError

    def _next_message(self) -> Message:
        try:
            return next(self._call)
        except grpc.RpcError as error:
            if self._closed:
                raise StopIteration from error
            raise errors.from_rpc_error(error) from error


class TaskWatch(Watch[task_service_pb2.WatchTasksResponse, task_service_pb2.TaskEvent]):
    """TaskEvents, in order. It has begun when it is returned: no task submitted after that is
    overlooked. A reader that is too slow misses events; missed counts them."""

    def __init__(self, call, begin_within: float):
        super().__init__(call)
        self.missed = 0
        self._events: Iterator[task_service_pb2.TaskEvent] = iter(())
        late = threading.Timer(begin_within, call.cancel)
        late.daemon = True
        late.start()
        try:
            self._take(self._next_message())
        except errors.CallCancelled as error:
            message = f"the watch did not begin within {begin_within} s"
            raise errors.of(grpc.StatusCode.DEADLINE_EXCEEDED, message) from error
        except StopIteration as end:
            raise errors.of(grpc.StatusCode.UNAVAILABLE, "the watch ended at once") from end
        finally:
            late.cancel()

    def __next__(self) -> task_service_pb2.TaskEvent:
        event = next(self._events, None)
        while event is None:
            self._take(self._next_message())
            event = next(self._events, None)
        return event

    def _take(self, message: task_service_pb2.WatchTasksResponse) -> None:
        self.missed += message.missed
        self._events = iter(message.events)


class StatsWatch(Watch[admin_service_pb2.WatchStatsResponse, admin_service_pb2.WatchStatsResponse]):
    """WatchStatsResponses, the first at once."""

    def __next__(self) -> admin_service_pb2.WatchStatsResponse:
        return self._next_message()
