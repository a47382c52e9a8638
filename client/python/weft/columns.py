"""The two forms of a batch in StreamTasks, rows and columns (weft/v1/task_service.proto), made into
each other, so that whoever uses a stream sees only rows."""

from __future__ import annotations

from typing import Iterator, Sequence

from weft.v1 import task_pb2
from weft.v1 import task_service_pb2 as messages

# Fewer tasks than these cost less as rows.
FEWEST = 8
_MAX_HANDLERS = 256


def request_of(specs: Sequence[task_pb2.TaskSpec]) -> messages.StreamTasksRequest:
    """Columns if they are worth it and have a place for all that the tasks say, else rows."""
    if len(specs) < FEWEST or not _have_columns(specs):
        return messages.StreamTasksRequest(specs=specs)
    handlers: dict[str, int] = {}
    indexes = [handlers.setdefault(spec.handler, len(handlers)) for spec in specs]
    if len(handlers) > _MAX_HANDLERS:
        return messages.StreamTasksRequest(specs=specs)
    columns = messages.TaskColumns(
        count=len(specs), handlers=handlers,
        handler_indexes=indexes if len(handlers) > 1 else None,
        payloads=b"".join(spec.payload for spec in specs),
        payload_bytes=_unless_zero([len(spec.payload) for spec in specs]),
        priorities=_unless_zero([spec.priority for spec in specs]),
        timeouts_ns=_unless_zero([spec.timeout_ns for spec in specs]),
        cores=[spec.core for spec in specs] if specs[0].HasField("core") else None,
        client_tags=_unless_zero([spec.client_tag for spec in specs]),
        io_priorities=_unless_zero([spec.io_priority for spec in specs]))
    return messages.StreamTasksRequest(columns=columns)


def results_of(columns: messages.ResultColumns) -> Iterator[task_pb2.TaskResult]:
    """Each result, whole. ValueError: the columns do not fit each other."""
    for column in (columns.task_ids, columns.client_tags, columns.output_bytes,
                   columns.submitted_at_ns, columns.started_at_ns, columns.completed_at_ns,
                   columns.suspended_ns, columns.cores, columns.priorities, columns.off_core_ns):
        if len(column) not in (0, columns.count):
            raise ValueError(f"a column has {len(column)} entries of {columns.count}")
    if sum(columns.output_bytes) != len(columns.outputs):
        raise ValueError("outputs are not as long as output_bytes says")
    output_begin = 0
    is_timed = bool(columns.started_at_ns)
    for index in range(columns.count):
        submitted_ns = _entry(columns.submitted_at_ns, index)
        started_ns = _entry(columns.started_at_ns, index)
        completed_ns = _entry(columns.completed_at_ns, index)
        output_end = output_begin + _entry(columns.output_bytes, index)
        off_core_ns = columns.off_core_ns[index] if columns.off_core_ns else -1
        yield task_pb2.TaskResult(
            task_id=_entry(columns.task_ids, index),
            client_tag=_entry(columns.client_tags, index),
            state=task_pb2.TASK_STATE_SUCCEEDED, success=True,
            output=columns.outputs[output_begin:output_end],
            submitted_at_ns=submitted_ns, started_at_ns=started_ns, completed_at_ns=completed_ns,
            queue_latency_ns=started_ns - submitted_ns if is_timed else 0,
            execution_latency_ns=completed_ns - started_ns,
            suspended_ns=_entry(columns.suspended_ns, index),
            total_latency_ns=completed_ns - submitted_ns if is_timed else 0,
            core=_entry(columns.cores, index),
            priority=_entry(columns.priorities, index) or task_pb2.PRIORITY_NORMAL, attempts=1,
            off_core_ns=off_core_ns if off_core_ns >= 0 else None)
        output_begin = output_end


def rows_of(response: messages.StreamTasksResponse) -> Iterator[messages.StreamTasksRow]:
    """All answers of a message as rows."""
    yield from response.rows
    for result in results_of(response.columns):
        yield messages.StreamTasksRow(client_tag=result.client_tag, result=result)


def _have_columns(specs: Sequence[task_pb2.TaskSpec]) -> bool:
    has_core = specs[0].HasField("core")
    return not any(spec.HasField("core") != has_core or spec.affinity_key or spec.labels
                   for spec in specs)


def _unless_zero(column: list[int]) -> list[int] | None:
    return column if any(column) else None


def _entry(column: Sequence[int], index: int) -> int:
    return column[index] if column else 0
