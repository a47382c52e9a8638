"""What a long file.hash costs the tasks beside it on the same core, on each I/O backend."""

import base64
import hashlib
import json
import os
import statistics
import subprocess
import tempfile
import time

from footprint import resident_bytes

# The large one shows what memory a hash takes, the other is what neighbours are measured beside.
FILES = {"large": 4 << 30, "file": 1 << 30}
HASH_TIMEOUT = "600s"
# A hash takes seconds, so fewer rounds than other rows have.
ROUNDS_MAX = 3
BACKENDS = ["io_uring", "threads"]
# So that several runs fit beside a hash, which takes a second where nothing else is going on.
NEIGHBOURS_S_MAX = 0.25
PARTS = ["queue", "round_trip"]
# Of the memory that is resident: what a hash may add, whatever the size of its file.
GROWTH_BYTES_MAX = 8 << 20


class FileBenchError(Exception):
    """A row that must not be reported as a figure."""


def zeros_digest(size):
    """SHA-256 of that many zero bytes, as another implementation computes it."""
    digest, block = hashlib.sha256(), bytes(1 << 20)
    for _ in range(size >> 20):
        digest.update(block)
    return digest.hexdigest()


def digests():
    return {name: zeros_digest(size) for name, size in FILES.items()}


def neighbours(weft, duration_s):
    """Of tasks that do nothing, one after the other: p99 in the queue, and until answered."""
    done = subprocess.run(weft("bench", "--handler", "noop", "--mode", "unary", "--outstanding",
                               "1", "--duration", f"{duration_s}s", "--json"),
                          stdout=subprocess.PIPE, text=True, check=True)
    report = json.loads(done.stdout)
    return [report[part]["p99_ns"] for part in PARTS]


def start_hash(weft, name):
    return subprocess.Popen(weft("run", "file.hash", name, "--json", "--deadline",
                                 HASH_TIMEOUT), stdout=subprocess.PIPE, text=True)


def took_ns(hashing, wanted):
    """Of a hash that has ended, with the right digest."""
    answer = json.loads(hashing.communicate()[0])
    if base64.b64decode(answer.get("output", "")).decode() != wanted:
        raise FileBenchError(f"the digest is wrong: {answer}")
    return int(answer["execution_latency_ns"])


def check_memory(weft, pid, wanted):
    """Without neighbours, whose results the daemon keeps."""
    before, growth = resident_bytes(pid), 0
    hashing = start_hash(weft, "large")
    while hashing.poll() is None:
        growth = max(growth, resident_bytes(pid) - before)
        time.sleep(0.05)
    took_ns(hashing, wanted["large"])
    if growth > GROWTH_BYTES_MAX:
        raise FileBenchError(f"resident memory grew by {growth} bytes")
    return growth


def hash_beside(weft, wanted, duration_s):
    """Hashes the file once; answers what its neighbours saw meanwhile, and what it took."""
    seen = []
    hashing = start_hash(weft, "file")
    while hashing.poll() is None:
        seen.append(neighbours(weft, duration_s))
    ns = took_ns(hashing, wanted["file"])
    if len(seen) < 2:
        raise FileBenchError("the hash was over before its neighbours were measured")
    # It ended during the last.
    return [statistics.median(p99) for p99 in zip(*seen[:-1])], ns


def prepare(path, is_cached):
    """All of the file in the page cache, or nothing."""
    fd = os.open(path, os.O_RDONLY)
    if is_cached:
        block = bytearray(1 << 20)
        while os.readv(fd, [block]) > 0:
            pass
    else:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def file_rows(backend, daemon, rounds, duration_s, wanted):
    """wanted: the digests by name. daemon(settings) yields what makes a client's command, and the
    daemon's pid."""
    duration_s = min(duration_s, NEIGHBOURS_S_MAX)
    alone, beside, times = [], {True: [], False: []}, {True: [], False: []}
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder:
        for name, size in FILES.items():
            with open(os.path.join(folder, name), "wb") as file:
                file.truncate(size)
        settings = [f'handlers.file_root="{folder}"', f'io.backend="{backend}"']
        with daemon(settings) as (weft, pid):
            growth = check_memory(weft, pid, wanted)
            for _ in range(rounds):
                for is_cached in (True, False):
                    prepare(os.path.join(folder, "file"), is_cached)
                    alone.append(neighbours(weft, duration_s))
                    p99, ns = hash_beside(weft, wanted, duration_s)
                    beside[is_cached].append(p99)
                    times[is_cached].append(ns)
    for is_cached, runs in beside.items():
        rate = FILES["file"] / statistics.median(times[is_cached])
        for index, part in enumerate(PARTS):
            ours = [run[index] for run in runs]
            weft_ns = statistics.median(ours)
            peer_ns = statistics.median(run[index] for run in alone)
            yield {"name": f"hash_{backend}_{'cached' if is_cached else 'cold'}_{part}_p99",
                   "unit": "ns", "weft": weft_ns, "peer": peer_ns,
                   "peer_name": f"no hash ({rate:.2f} GB/s, +{growth >> 10} KiB)",
                   "floor": None, "ratio": round(weft_ns / peer_ns, 4), "min": min(ours),
                   "max": max(ours), "runs": rounds}
