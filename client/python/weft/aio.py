"""The same calls for asyncio programs: weft.aio.Client. Admin is left to weft.Client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, AsyncIterable, AsyncIterator, Iterable, Mapping

import grpc
import grpc.aio

from weft import columns, errors, requests
from weft.client import LONGEST_WAIT_S
from weft.connection import OPTIONS, check_timeout
from weft.requests import TaskFields
from weft.retry import Retry, Tries
from weft.stream import StreamRow, row_of
from weft.v1 import task_pb2, task_service_pb2_grpc
from weft.v1 import task_service_pb2 as messages

if TYPE_CHECKING:
    from typing import Unpack


class Client:
    """As weft.Client, whose docstrings say what each call does, with await, async for and async
    with. Belongs to the event loop that runs when it is made. Cancelling the asyncio task that
    awaits a call cancels the call, and so the tasks of run and stream."""

    def __init__(self, target: str = "127.0.0.1:7411", *, timeout: float = 30.0,
                 retry: Retry = Retry()):
        self._timeout = check_timeout(timeout)
        self._retry = retry
        self._channel = grpc.aio.insecure_channel(target, options=OPTIONS)
        self._stub = task_service_pb2_grpc.TaskServiceStub(self._channel)

    async def close(self) -> None:
        """Ends the connection; calls under way are cancelled."""
        await self._channel.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *raised) -> None:
        await self.close()

    async def run(self, task: str | task_pb2.TaskSpec, payload: bytes = b"", *,
                  retain_result: bool = False, timeout: float | None = None,
                  **fields: Unpack[TaskFields]) -> task_pb2.TaskResult:
        """See weft.Client.run."""
        spec = requests.spec_of(task, payload, fields)
        request = messages.RunTaskRequest(spec=spec, retain_result=retain_result)
        return (await self._call(self._stub.RunTask, request, False, timeout)).result

    async def submit(self, task: str | task_pb2.TaskSpec, payload: bytes = b"", *,
                     timeout: float | None = None,
                     **fields: Unpack[TaskFields]) -> messages.SubmitTaskResponse:
        """See weft.Client.submit."""
        request = messages.SubmitTaskRequest(spec=requests.spec_of(task, payload, fields))
        return await self._call(self._stub.SubmitTask, request, False, timeout)

    async def wait(self, task_id: int, wait: float | None = None, *,
                   timeout: float | None = None) -> task_pb2.TaskResult:
        """See weft.Client.wait."""
        wait_ns = None if wait is None else requests.nanoseconds(wait)
        if timeout is None:
            timeout = (LONGEST_WAIT_S if wait is None else wait) + self._timeout
        request = messages.WaitTaskRequest(task_id=task_id, wait_ns=wait_ns)
        return (await self._call(self._stub.WaitTask, request, True, timeout)).result

    async def get(self, task_id: int, *,
                  timeout: float | None = None) -> messages.GetTaskResponse:
        """See weft.Client.get."""
        request = messages.GetTaskRequest(task_id=task_id)
        return await self._call(self._stub.GetTask, request, True, timeout)

    async def cancel(self, task_id: int, *,
                     timeout: float | None = None) -> messages.CancelTaskResponse:
        """See weft.Client.cancel."""
        request = messages.CancelTaskRequest(task_id=task_id)
        return await self._call(self._stub.CancelTask, request, False, timeout)

    async def list(self, *, states: Iterable[task_pb2.TaskState | str] = (), handler: str = "",
                   core: int | None = None, labels: Mapping[str, str] | None = None,
                   page_size: int = 0,
                   timeout: float | None = None) -> AsyncIterator[task_pb2.TaskSummary]:
        """See weft.Client.list."""
        chosen = requests.filter_of(states, handler, core, labels)
        token = ""
        while True:
            request = messages.ListTasksRequest(filter=chosen, page_size=page_size,
                                                page_token=token)
            page = await self._call(self._stub.ListTasks, request, True, timeout)
            for task in page.tasks:
                yield task
            token = page.next_page_token
            if not token:
                return

    async def stream(self, specs: Iterable[task_pb2.TaskSpec] | AsyncIterable[task_pb2.TaskSpec],
                     *, window: int = 512,
                     timeout: float | None = None) -> AsyncIterator[StreamRow]:
        """See weft.Client.stream; specs may be an async iterable, too. Close the generator
        (contextlib.aclosing) when you leave its loop early."""
        call = self._stub.StreamTasks(timeout=timeout)
        room = asyncio.Semaphore(window)
        feeder = asyncio.ensure_future(_feed(call, specs, room))
        try:
            async for row in _rows(call):
                room.release()
                yield row
        except errors.CallCancelled:
            # The feeder breaks the call when iterating specs raises.
            if feeder.done() and feeder.exception():
                raise feeder.exception()
            raise
        finally:
            feeder.cancel()
            call.cancel()
            await asyncio.gather(feeder, return_exceptions=True)

    async def _call(self, method, request, harmless: bool, timeout: float | None):
        limit = self._timeout if timeout is None else check_timeout(timeout)
        tries = Tries(self._retry, limit)
        while True:
            try:
                return await method(request, timeout=tries.left())
            except grpc.RpcError as failure:
                error = errors.from_rpc_error(failure)
                delay = tries.delay_after([error] if tries.allows(error, harmless) else [])
                if delay is None:
                    raise error from failure
            await asyncio.sleep(delay)


async def _rows(call) -> AsyncIterator[StreamRow]:
    try:
        while (message := await call.read()) is not grpc.aio.EOF:
            for row in columns.rows_of(message):
                yield row_of(row)
    except grpc.RpcError as error:
        raise errors.from_rpc_error(error) from error
    except asyncio.CancelledError:
        # grpc.aio raises the same for a call that was cancelled and for an awaiting task that is.
        if call.cancelled() and not asyncio.current_task().cancelling():
            raise errors.of(grpc.StatusCode.CANCELLED, "the call was closed") from None
        raise


async def _each(specs) -> AsyncIterator[task_pb2.TaskSpec]:
    if hasattr(specs, "__aiter__"):
        async for spec in specs:
            yield spec
        return
    for spec in specs:
        yield spec


async def _feed(call, specs, room: asyncio.Semaphore) -> None:
    """Sends specs as the window has room; what comes while a message is on its way travels together
    in the next one."""
    pending: list[task_pb2.TaskSpec] = []
    arrived = asyncio.Event()

    async def take():
        async for spec in _each(specs):
            await room.acquire()
            pending.append(spec)
            arrived.set()

    async def write():
        while not taker.done() or pending:
            await arrived.wait()
            arrived.clear()
            while pending:
                rows = next(requests.messages(pending))
                del pending[:len(rows)]
                await call.write(columns.request_of(rows))
        await taker
        await call.done_writing()

    taker = asyncio.ensure_future(take())
    taker.add_done_callback(lambda _: arrived.set())
    try:
        await write()
    except (grpc.RpcError, asyncio.InvalidStateError):
        pass  # The call has ended; whoever takes the answers is told why.
    except BaseException:
        call.cancel()
        raise
    finally:
        taker.cancel()
        await asyncio.gather(taker, return_exceptions=True)
