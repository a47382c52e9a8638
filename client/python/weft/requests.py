"""Makes requests of what a caller gives, and keeps messages within what the daemon takes."""

from __future__ import annotations

import math
from typing import Iterable, Iterator, Mapping, TypedDict

from weft.v1 import task_pb2, task_service_pb2

NS_PER_S = 1_000_000_000
# What one message may carry. The daemon takes 1,024 rows and 16 MiB; smaller messages start sooner.
ROWS_PER_MESSAGE = 1_024
BYTES_PER_MESSAGE = 1024 * 1024

_ENDED = (task_pb2.TASK_STATE_SUCCEEDED, task_pb2.TASK_STATE_FAILED,
          task_pb2.TASK_STATE_CANCELLED, task_pb2.TASK_STATE_EXPIRED)


class TaskFields(TypedDict, total=False):
    """The fields of a TaskSpec beside handler and payload; proto/weft/v1/task.proto has each."""

    priority: task_pb2.Priority | str
    timeout_ns: int
    core: int
    client_tag: int
    affinity_key: str
    io_priority: task_pb2.Priority | str
    labels: Mapping[str, str]


def has_ended(result: task_pb2.TaskResult) -> bool:
    """Whether the task succeeded, failed, was cancelled or expired."""
    return result.state in _ENDED


def nanoseconds(seconds: float) -> int:
    """Never rounds up to more than was asked for."""
    return math.floor(seconds * NS_PER_S)


def spec_of(task: str | task_pb2.TaskSpec, payload: bytes, fields: TaskFields) -> task_pb2.TaskSpec:
    """Either a whole spec, or the name of a handler with what else there is to say."""
    if isinstance(task, task_pb2.TaskSpec):
        if payload or fields:
            raise TypeError("a TaskSpec says everything: give no payload and no fields with it")
        return task
    return task_pb2.TaskSpec(handler=task, payload=payload, **fields)


def filter_of(states: Iterable[task_pb2.TaskState | str], handler: str, core: int | None,
              labels: Mapping[str, str] | None) -> task_service_pb2.TaskFilter:
    """Everything that is left out holds for all tasks."""
    return task_service_pb2.TaskFilter(states=states, handler=handler, core=core, labels=labels)


def messages(specs: Iterable[task_pb2.TaskSpec]) -> Iterator[list[task_pb2.TaskSpec]]:
    """Cuts specs into lists that fit one message each. A spec too large for any stands alone, for
    the daemon to refuse."""
    rows: list[task_pb2.TaskSpec] = []
    size = 0
    for spec in specs:
        spec_size = spec.ByteSize()
        if rows and (len(rows) == ROWS_PER_MESSAGE or size + spec_size > BYTES_PER_MESSAGE):
            yield rows
            rows, size = [], 0
        rows.append(spec)
        size += spec_size
    if rows:
        yield rows
