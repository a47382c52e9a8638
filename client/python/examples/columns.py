#!/usr/bin/python3
"""A hundred thousand small tasks as columns, with the messages as they are: what a stream of
weft.Client does by itself, but without an object for each task, so that Python keeps up.
Usage: columns.py [TARGET]"""

import sys
import threading
import time

import grpc

from weft.v1 import task_service_pb2 as messages
from weft.v1 import task_service_pb2_grpc

TARGET = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7411"
MESSAGES, TASKS, WINDOW = 100, 1000, 4
# Not faster than answers come: beyond its bounds the daemon refuses.
room = threading.Semaphore(WINDOW * TASKS)


def requests():
    for number in range(MESSAGES):
        for _ in range(TASKS):
            room.acquire()
        payloads = [b"%08d" % (number * TASKS + index) for index in range(TASKS)]
        yield messages.StreamTasksRequest(columns=messages.TaskColumns(
            count=TASKS, handlers=["echo"], payloads=b"".join(payloads), payload_bytes=[8] * TASKS,
            client_tags=range(number * TASKS, (number + 1) * TASKS)))


with grpc.insecure_channel(TARGET) as channel:
    stub = task_service_pb2_grpc.TaskServiceStub(channel)
    begun = time.monotonic()
    right = others = 0
    for response in stub.StreamTasks(requests()):
        columns = response.columns
        right += sum(int(columns.outputs[8 * index:8 * index + 8]) == tag
                     for index, tag in enumerate(columns.client_tags))
        # Refusals, failures and what was cancelled come as rows.
        others += len(response.rows)
        room.release(columns.count + len(response.rows))
    print(f"{right} of {MESSAGES * TASKS} outputs are right, {others} tasks did not succeed")
    print(f"{MESSAGES * TASKS / (time.monotonic() - begun):,.0f} tasks a second", file=sys.stderr)
