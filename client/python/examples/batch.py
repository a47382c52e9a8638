#!/usr/bin/python3
"""Submits many tasks at once, a wrong one among them, and fetches the results later. Usage:
batch.py [TARGET]"""

import sys

import weft

TARGET = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7411"

with weft.Client(TARGET) as client:
    payloads = [b"one", b"two", b"three"]
    specs = [client.spec("crc32c", payload, labels={"batch": "example"}) for payload in payloads]
    specs.append(client.spec("crc32", b"no such handler"))

    for spec, answer in zip(specs, client.submit_many(specs)):
        if isinstance(answer, weft.WeftError):
            print(f"refused: {answer.message}")
            continue
        result = client.wait(answer.task_id)
        print(f"{spec.payload.decode()}: {result.output.decode()}")

    # The same tasks, found by their label.
    kept = list(client.list(labels={"batch": "example"}))
    print(f"{len(kept)} tasks have the label")
