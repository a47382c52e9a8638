#!/usr/bin/python3
"""Watches the tasks of one handler while some are run. Usage: watch.py [TARGET]"""

import sys

import weft

TARGET = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7411"
COUNT = 3

with weft.Client(TARGET) as client, client.watch(handler="echo", timeout=60) as watch:
    # The watch has begun, so nothing that is submitted now is overlooked.
    for number in range(COUNT):
        client.submit("echo", b"%d" % number, client_tag=number)

    ended = 0
    for event in watch:
        result = event.task.result
        kind = weft.TaskEventKind.Name(event.kind)
        print(f"{kind} task {result.client_tag} {weft.TaskState.Name(result.state)}")
        ended += event.kind == weft.TaskEventKind.Value("TASK_EVENT_KIND_ENDED")
        if ended == COUNT:
            break
    print(f"{watch.missed} events missed")
