"""What weftd takes when nobody asks it for anything: start, memory, CPU time."""

import os
import re
import statistics
import time

# Idle CPU time is counted in ticks of 10 ms.
IDLE_S = 5
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class FootprintError(Exception):
    """A row that must not be reported as a figure."""


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) << 10


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def one_round(daemon):
    """daemon() yields the pid and the path of the log of a daemon that is ready."""
    with daemon() as (pid, log):
        before = cpu_seconds(pid)
        time.sleep(IDLE_S)
        with open(log, encoding="utf-8") as lines:
            took = re.findall(r"ready in (\d+) ms", lines.read())
        if not took:
            raise FootprintError("the log does not tell how long the start took")
        used = (cpu_seconds(pid) - before) / IDLE_S * 100
        return int(took[0]) * 1e6, resident_bytes(pid), used


def footprint_rows(daemon, rounds):
    columns = list(zip(*[one_round(daemon) for _ in range(rounds)]))
    for name, unit, values in zip(["start_to_ready", "idle_resident", "idle_cpu"],
                                  ["ns", "bytes", "%"], columns):
        yield {"name": name, "unit": unit, "weft": statistics.median(values), "peer": None,
               "peer_name": None, "floor": None, "ratio": None, "min": min(values),
               "max": max(values), "runs": rounds}
