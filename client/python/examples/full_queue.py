#!/usr/bin/python3
"""Submits more than the daemon takes, and obeys when it says to come again later. Usage:
full_queue.py [TARGET [COUNT]]"""

import sys
import time

import weft

TARGET = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7411"
COUNT = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000

# attempts=1: this example decides itself what to do; by itself a Client tries four times.
with weft.Client(TARGET, retry=weft.Retry(attempts=1)) as client:
    task_ids, waits = [], 0
    while len(task_ids) < COUNT:
        try:
            task_ids.append(client.submit("spin", b"5ms").task_id)
        except weft.ResourceExhausted as error:
            if error.retry_after is None:
                raise
            if waits == 0:
                print(f"{error.reason}: {error.quota[0].bound} is reached,"
                      f" again in {error.retry_after * 1000:.1f} ms")
            waits += 1
            time.sleep(error.retry_after)
    succeeded = sum(client.wait(task_id).success for task_id in task_ids)
    print(f"{succeeded} of {COUNT} tasks succeeded; the queue was full: {waits > 0}")
