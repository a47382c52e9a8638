#!/usr/bin/python3
"""Hashes many small payloads over one stream: specs are made only as fast as answers are taken, and
answers come in the order in which tasks end. Usage: stream.py [TARGET]"""

import hashlib
import sys

import weft

TARGET = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:7411"
COUNT = 10_000


def payload(number):
    return b"payload %d" % number


with weft.Client(TARGET) as client:
    specs = (client.spec("sha256", payload(number), client_tag=number) for number in range(COUNT))
    right = refused = 0
    for row in client.stream(specs, window=256, timeout=60):
        if row.error:
            refused += 1
        elif row.result.output.decode() == hashlib.sha256(payload(row.tag)).hexdigest():
            right += 1
    print(f"{right} of {COUNT} digests are right, {refused} tasks were refused")
