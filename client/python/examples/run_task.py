#!/usr/bin/python3
"""Runs one task and says what came out and where the time went; then one that fails, and one that
is refused. Usage: run_task.py [TARGET]"""

import sys

import weft

TARGET = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7411"

with weft.Client(TARGET) as client:
    result = client.run("sha256", b"hello", priority="PRIORITY_HIGH", timeout=5)
    print(result.output.decode())
    print(f"task {result.task_id} on core {result.core}: {result.queue_latency_ns} ns queued,"
          f" {result.execution_latency_ns} ns executed")

    # A task that fails is a result.
    result = client.run("fail", b"error on purpose")
    print(f"{weft.TaskState.Name(result.state)}: {result.error.message}")

    # What the daemon refuses is an exception.
    try:
        client.run("sha25", b"hello")
    except weft.InvalidArgument as error:
        for violation in error.field_violations:
            print(f"{error.reason}: {violation.description}")
