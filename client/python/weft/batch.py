"""Many submissions over few calls, each row answered for itself."""

from __future__ import annotations

import time
from typing import Sequence, Union

import grpc

from weft import errors, requests, retry
from weft.connection import Connection
from weft.v1 import task_pb2, task_service_pb2

RowAnswer = Union[task_service_pb2.SubmitTaskResponse, errors.WeftError]


def _answer(row: task_service_pb2.SubmitTasksRow) -> RowAnswer:
    if row.WhichOneof("answer") == "accepted":
        return row.accepted
    return errors.from_status(row.status)


def _submit(connection: Connection, specs: Sequence[task_pb2.TaskSpec],
            left: float) -> list[RowAnswer]:
    """One call. When it breaks, that is the answer to each of its rows."""
    request = task_service_pb2.SubmitTasksRequest(specs=specs)
    try:
        response = connection.tasks.SubmitTasks(request, timeout=left)
    except grpc.RpcError as error:
        return [errors.from_rpc_error(error)] * len(specs)
    return [_answer(row) for row in response.rows]


def submit_many(connection: Connection, specs: Sequence[task_pb2.TaskSpec],
                timeout: float | None) -> list[RowAnswer]:
    """Submits all, then again and again those alone for which that is safe and can help."""
    answers: list[RowAnswer] = []
    tries: retry.Tries = connection.tries(timeout)
    for rows in requests.messages(specs):
        answers += _submit(connection, rows, tries.left())
    while True:
        again = [number for number, answer in enumerate(answers)
                 if isinstance(answer, errors.WeftError) and tries.allows(answer)]
        delay = tries.delay_after([answers[number] for number in again])
        if delay is None:
            return answers
        time.sleep(delay)
        numbers = iter(again)
        for rows in requests.messages(specs[number] for number in again):
            for answer in _submit(connection, rows, tries.left()):
                answers[next(numbers)] = answer
