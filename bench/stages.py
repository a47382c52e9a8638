"""Where the CPU time of a task goes in the running weftd: perf samples its threads under full load,
and each sample counts for the stage of a task's way whose code it met. Needs perf (linux-perf).

The kernel's samples are told apart by their system call; of what is linked from elsewhere, gRPC,
protobuf and the C library are a stage each. Functions that the compiler put into others count for
those. One CPU, so that the Door's part and the core's are of one thread."""

import collections
import re
import subprocess
import sys

# A sample is of the first stage whose words its function, or the kernel's call, holds.
STAGES = [
    ("receive (kernel)", r"sys_(recvmsg|recvfrom|read|readv)$"),
    ("write (kernel)", r"sys_(sendmsg|sendto|write|writev)$"),
    ("wait for work (kernel)", r"sys_(epoll_\w+|futex|poll|ppoll|io_uring_enter)$"),
    ("other kernel", r"^\[kernel\]"),
    ("protobuf", r"^\[libprotobuf|google::protobuf|weft::v1::"),
    ("gRPC, both ways", r"^\[lib(grpc|gpr|absl|cares|upb|re2|address|ssl|crypto)|grpc|absl::"),
    ("C library", r"^\[(libc|libm|libstdc\+\+|ld-linux)|malloc|^operator (new|delete)"),
    ("serialise", r"ResultColumns|ColumnBuffer|ColumnChunks|WriteRow|MeasureRow|RowBuffer"
                  r"|WriteResult|WriteTaskResult|Varint|ToProto"),
    ("parse", r"ColumnReader|RowReader|MessageReader|ReadTaskSpec|StreamReader|SliceReader"),
    ("answer", r"OnEnded|OnCompletion|Gather|Dispatcher<.*>::Collect|MakeResult|SetTimes"
               r"|CountEnded|Remember|OnRowResult|OnResult|ExecutionWindow|Retention"
               r"|ReleaseSlot|TaskTable::(Release|End|MarkEnded)|RefreshLoad|Waiter|Learn"),
    ("admit", r"Dispatcher<.*>::(Submit|Begin|Route|Refuse\w*|CheckDeadline|Choose)|Admission"
              r"|Router|TaskTable|StreamCall|TaskCall|RunCall|LiveRow|RowPath|PayloadBlock"),
    ("hand over", r"Core<.*>::(Post|WakeIfParked)|Inbox<.*>::Push|Dispatcher<.*>::Flush"),
    ("hand back", r"Outbox|Core<.*>::(Drain|Tell|RingDoor)"),
    ("queue", r"TakeMessages|Inbox|ReadyQueue|Core<.*>::(Take|NextTask)"),
    ("run", r"Core<|Runner|Fiber|Handler|Context|LiveTask"),
    ("rounds", r"Door|CompletionSource|Rpc|Call|Guest|QueueEvent"),
]
OTHER = "other"
SYSTEM_CALL = re.compile(r"^(?:__)?(?:x64_|arm64_|do_|se_)*(sys_\w+)$")


class StageError(Exception):
    """No profile is to be had."""


def profile(pid, seconds, folder):
    """Samples as lists of (symbol, object), the innermost first, of all threads of the process."""
    data = f"{folder}/perf.data"
    record = subprocess.run(
        ["perf", "record", "-e", "cpu-clock", "-F", "5000", "-g", "-p", str(pid), "-o", data, "--",
         "sleep", str(seconds)], capture_output=True, text=True)  # fmt: skip
    if record.returncode != 0:
        raise StageError(f"perf record ended with {record.returncode}: {record.stderr.strip()}")
    script = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym,dso"],
                            capture_output=True, text=True, check=True)  # fmt: skip
    for block in script.stdout.split("\n\n"):
        frames = [frame_of(line) for line in block.splitlines() if line.strip()]
        if frames:
            yield frames


def frame_of(line):
    address_and_symbol, _, place = line.strip().rpartition(" (")
    symbol = address_and_symbol.partition(" ")[2]
    return symbol, place.rstrip(")").rpartition("/")[2]


def words_of(frames):
    """What the stages' words are looked for in."""
    symbol, place = frames[0]
    if place.startswith("[") or "vmlinux" in place or place.endswith(".ko"):
        for name, _ in frames:
            call = SYSTEM_CALL.match(name)
            if call:
                return f"[kernel] {call.group(1)}"
        return "[kernel]"
    return symbol if place.startswith("weftd") else f"[{place}] {symbol}"


def shares(samples):
    """Stage to its share of all samples, and the functions of none."""
    counts = collections.Counter()
    unknown = collections.Counter()
    for frames in samples:
        words = words_of(frames)
        stage = next((name for name, rule in STAGES if re.search(rule, words)), OTHER)
        counts[stage] += 1
        if stage == OTHER:
            unknown[words] += 1
    total = sum(counts.values())
    if total == 0:
        raise StageError("perf took no sample")
    return {name: counts[name] / total for name in [*dict(STAGES), OTHER]}, unknown


def stage_rows(name, samples, cpu_ns_per_task):
    """One row for each stage: nanoseconds of CPU a task."""
    parts, unknown = shares(samples)
    for stage, share in parts.items():
        figure = share * cpu_ns_per_task
        yield {"name": f"{name}: {stage}", "unit": "ns", "weft": figure, "peer": None,
               "peer_name": None, "floor": None, "ratio": None, "min": figure, "max": figure,
               "runs": 1}
    for words, count in unknown.most_common(5):
        print(f"{name}: no stage for {words} ({count} samples)", file=sys.stderr)
