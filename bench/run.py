#!/usr/bin/env python3
"""Runs weft beside its peers in alternating rounds and writes the medians and their ratio.

Each RPC row drives the released weftd with the released `weft bench`, then bench/load's bare server
with the same client, again and again. A row in which weftd's own per-core counters differ from the
answers its client received is an error, not a figure.
"""

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import files
import footprint
import stages

READY_TIMEOUT_S = 20
STOP_TIMEOUT_S = 30
PEER_NAME = "bare gRPC server"
PEERS = ("nats", "redis", "gearman")
PEERS_OUTSTANDING = (64, 1024)
# What is silent for so long is asleep everywhere.
SILENCES_MS = (1060, 1090)
SILENT_CALLS = 100
SILENT_CALL_MAX_NS = 5_000_000
# Of these it is told where a task's time goes.
STAGE_ROWS = ("unary_64_tcp", "stream_rows_64", "stream_columns_1024")

# arguments of `weft bench`; the value taken from its report; unit; how the CPUs are shared.
# "socket": unix, else TCP; "value": cpu, the server's CPU time a call, else what the unit says;
# "settings": of weftd.
RPC_ROWS = [
    {"name": "unary_1_tcp_p50", "unit": "ns", "placement": "apart",
     "bench": ["--mode", "unary", "--outstanding", "1"]},
    {"name": "unary_64_tcp", "unit": "1/s", "placement": "apart",
     "bench": ["--mode", "unary", "--outstanding", "64"]},
    {"name": "unary_64_unix", "unit": "1/s", "placement": "apart", "socket": "unix",
     "bench": ["--mode", "unary", "--outstanding", "64"]},
    {"name": "unary_64_floating", "unit": "1/s", "placement": "floating",
     "bench": ["--mode", "unary", "--outstanding", "64"]},
    {"name": "unary_1_unix_p50", "unit": "ns", "placement": "apart", "socket": "unix",
     "bench": ["--mode", "unary", "--outstanding", "1"]},
    {"name": "unary_1_onecpu_p50", "unit": "ns", "placement": "together",
     "bench": ["--mode", "unary", "--outstanding", "1"]},
    {"name": "server_cpu_per_unary", "unit": "ns", "placement": "apart", "value": "cpu",
     "settings": ['executor.idle="sleep"'],
     "bench": ["--mode", "unary", "--outstanding", "64"]},
    {"name": "stream_single_tcp", "unit": "1/s", "placement": "apart",
     "bench": ["--mode", "stream", "--outstanding", "32", "--batch", "1"]},
    {"name": "stream_rows_64", "unit": "1/s", "placement": "apart",
     "bench": ["--mode", "stream", "--outstanding", "8", "--batch", "64"]},
    {"name": "stream_columns_1024", "unit": "1/s", "placement": "apart",
     "bench": ["--mode", "columns", "--outstanding", "8", "--batch", "1024"]},
    {"name": "client_coalesced", "unit": "1/s", "placement": "apart",
     "bench": ["--mode", "coalesced", "--outstanding", "4096"]},
]


class BenchError(Exception):
    """A row that must not be reported as a figure."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def placement(kind):
    """CPU lists of server and client, and the words for them."""
    cpus = sorted(os.sched_getaffinity(0))
    if kind == "floating":
        return None, None, f"all floating on {len(cpus)}"
    if kind == "together" or len(cpus) == 1:
        return str(cpus[0]), str(cpus[0]), f"server and client on {cpus[0]}"
    return str(cpus[0]), str(cpus[1]), f"server on {cpus[0]}, client on {cpus[1]}"


def pinned(cpus, command):
    """None: wherever the command likes."""
    if cpus is None:
        return command
    return ["taskset", "-c", cpus] + command


@contextlib.contextmanager
def process(command, log_path, **options):
    with open(log_path, "wb") as log:
        child = subprocess.Popen(command, stderr=log, **options)
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def tail(path):
    with open(path, errors="replace") as log:
        return " | ".join(log.read().splitlines()[-5:])


@contextlib.contextmanager
def weftd(options, cpus, folder, more_settings=()):
    """A daemon on fresh ports; yields its target, the address of its metrics and its pid."""
    port, web_port = free_port(), free_port()
    target = f"127.0.0.1:{port}"
    settings = [f'rpc.listen=["{target}"]', f'rpc.unix_socket="{folder}/weftd.sock"',
                f'web.listen="127.0.0.1:{web_port}"', f'executor.idle="{options.idle}"',
                *more_settings]
    command = [os.path.join(options.bin, "weftd")]
    for setting in settings:
        command += ["--set", setting]
    log = os.path.join(folder, "weftd.log")
    with process(pinned(cpus, command), log, stdout=subprocess.DEVNULL) as child:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while client(options, ["health"], target, check=False).returncode != 0:
            if child.poll() is not None:
                raise BenchError(f"weftd ended with {child.returncode}: {tail(log)}")
            if time.monotonic() > deadline:
                raise BenchError(f"weftd was not ready after {READY_TIMEOUT_S} s: {tail(log)}")
            time.sleep(0.05)
        yield target, f"http://127.0.0.1:{web_port}/metrics", child.pid


@contextlib.contextmanager
def bare_server(options, cpus, folder):
    """The bare server; yields its target and its pid."""
    log = os.path.join(folder, "bare.log")
    command = [os.path.join(options.bin, "weft_bare_server"), "--unix-socket",
               f"{folder}/bare.sock"]
    with process(pinned(cpus, command), log, stdout=subprocess.PIPE, text=True) as child:
        words = child.stdout.readline().split()
        if len(words) != 2 or words[0] != "port":
            raise BenchError(f"the bare server did not start: {tail(log)}")
        yield f"127.0.0.1:{words[1]}", child.pid


def client(options, arguments, target, cpus=None, check=True):
    command = [os.path.join(options.bin, "weft")] + arguments + ["--target", target]
    if cpus is not None:
        command = pinned(cpus, command)
    done = subprocess.run(command, capture_output=True, text=True)
    if check and done.returncode != 0:
        raise BenchError(f"{' '.join(command)} ended with {done.returncode}: "
                         f"{done.stderr.strip()} {done.stdout.strip()[-300:]}")
    return done


def cpu_ns(pid):
    """User and system time that the process has had."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def load(options, row, target, pid, cpus, duration_s):
    """One run of `weft bench`; answers the value and the number of answers."""
    arguments = ["bench", "--handler", "noop", "--duration", f"{duration_s}s", "--json"]
    cpu_before = cpu_ns(pid)
    report = json.loads(client(options, arguments + row["bench"], target, cpus).stdout)
    answers = int(report["succeeded"])
    if answers != int(report["sent"]) or int(report["unmatched"]) != 0:
        raise BenchError(f"{report['sent']} tasks were sent and {answers} succeeded: "
                         f"{report['first_error']}")
    if row.get("value") == "cpu":
        return (cpu_ns(pid) - cpu_before) / answers, answers
    if row["unit"] == "ns":
        return report["round_trip"]["p50_ns"], answers
    return report["tasks_per_second"], answers


def executed(options, target):
    stats = json.loads(client(options, ["stats", "--json"], target).stdout)
    return sum(int(core["tasks_executed"]) for core in stats["cores"])


def load_weft(options, row, target, pid, cpus, duration_s):
    """As load, and the daemon's own counters must agree with the answers."""
    before = executed(options, target)
    value, answers = load(options, row, target, pid, cpus, duration_s)
    counted = executed(options, target) - before
    if counted != answers:
        raise BenchError(f"weftd executed {counted} tasks, its client received {answers} answers")
    return value


def rpc_row(options, row):
    server_cpus, client_cpus, words = placement(row["placement"])
    ours, peers = [], []
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder, \
            weftd(options, server_cpus, folder, row.get("settings", ())) as \
            (weft_target, _, weft_pid), \
            bare_server(options, server_cpus, folder) as (bare_target, bare_pid):
        if row.get("socket") == "unix":
            weft_target, bare_target = f"unix:{folder}/weftd.sock", f"unix:{folder}/bare.sock"
        weft = weft_target, weft_pid, client_cpus
        bare = bare_target, bare_pid, client_cpus
        load_weft(options, row, *weft, options.warm_up)
        load(options, row, *bare, options.warm_up)
        for _ in range(options.rounds):
            ours.append(load_weft(options, row, *weft, options.duration))
            peers.append(load(options, row, *bare, options.duration)[0])
        idle = effective_idle(options, folder)
    weft, peer = statistics.median(ours), statistics.median(peers)
    return {"name": row["name"], "unit": row["unit"], "weft": weft, "peer": peer,
            "peer_name": PEER_NAME, "floor": None, "ratio": round(weft / peer, 4),
            "min": min(ours), "max": max(ours), "runs": len(ours), "cpus": words,
            "idle": idle}


def rpc_rows(options):
    measures = [(row["name"], row["unit"], lambda row=row: rpc_row(options, row))
                for row in RPC_ROWS]
    measures.append(("unary_64_scraped", "1/s", lambda: scrape_row(options)))
    measures += [(f"idle_{pause}ms_max", "ns", lambda pause=pause: silence_row(options, pause))
                 for pause in SILENCES_MS]
    for name, unit, measure in measures:
        print(f"running {name} ...", file=sys.stderr, flush=True)
        try:
            yield measure()
        except BenchError as error:
            yield {"name": name, "unit": unit, "error": str(error)}


def effective_idle(options, folder):
    """What weftd really does: it sleeps where it shares a CPU with a core."""
    with open(os.path.join(folder, "weftd.log"), encoding="utf-8") as log:
        told = re.findall(r" cores .*\bidle=(\w+)", log.read())
    return told[0] if told else options.idle


class Scraper(threading.Thread):
    """Gets the page once a second while it is on."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.url, self.scrapes, self.is_on = url, 0, threading.Event()

    def run(self):
        while True:
            self.is_on.wait()
            with urllib.request.urlopen(self.url) as answer:
                answer.read()
            self.scrapes += 1
            time.sleep(1)


def scrape_row(options):
    """weftd under full unary load with a scraper, against itself without one."""
    row = {"unit": "1/s", "bench": ["--mode", "unary", "--outstanding", "64"]}
    server_cpus, client_cpus, words = placement("apart")
    scraped, alone = [], []
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder, \
            weftd(options, server_cpus, folder) as (target, page, pid):
        load_weft(options, row, target, pid, client_cpus, options.warm_up)
        duration, scraper = max(2.0, options.duration), Scraper(page)
        scraper.start()
        for _ in range(options.rounds):
            scraper.is_on.set()
            scraped.append(load_weft(options, row, target, pid, client_cpus, duration))
            scraper.is_on.clear()
            alone.append(load_weft(options, row, target, pid, client_cpus, duration))
        if scraper.scrapes < 2 * options.rounds:
            raise BenchError(f"{scraper.scrapes} scrapes in {options.rounds} rounds")
        idle = effective_idle(options, folder)
    weft, peer = statistics.median(scraped), statistics.median(alone)
    return {"name": "unary_64_scraped", "unit": "1/s", "weft": weft, "peer": peer,
            "peer_name": "weftd, not scraped", "floor": None, "ratio": round(weft / peer, 4),
            "min": min(scraped), "max": max(scraped), "runs": len(scraped), "cpus": words,
            "idle": idle}


def silence_row(options, pause_ms):
    """The longest of 100 calls, each after so much silence; both servers at the same time."""
    server_cpus, client_cpus, words = placement("apart")
    arguments = ["bench", "--handler", "noop", "--mode", "unary", "--outstanding", "1", "--pause",
                 f"{pause_ms}ms", "--duration", f"{SILENT_CALLS * pause_ms}ms", "--json"]
    longest = {}
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder, \
            weftd(options, server_cpus, folder) as (weft_target, _, _), \
            bare_server(options, server_cpus, folder) as (bare_target, _):

        def measure(target):
            longest[target] = json.loads(client(options, arguments, target, client_cpus).stdout)

        threads = [threading.Thread(target=measure, args=(target,))
                   for target in (weft_target, bare_target)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        idle = effective_idle(options, folder)
    if len(longest) != 2:
        raise BenchError("a client failed")
    weft, peer = (longest[target]["round_trip"]["max_ns"] for target in (weft_target, bare_target))
    return {"name": f"idle_{pause_ms}ms_max", "unit": "ns", "weft": weft, "peer": peer,
            "peer_name": PEER_NAME, "floor": None, "ratio": round(weft / peer, 4), "min": None,
            "max": weft, "runs": 1, "cpus": words, "idle": idle, "target": SILENT_CALL_MAX_NS,
            "reached": weft <= SILENT_CALL_MAX_NS}


def file_rows(options):
    """The neighbours of a hash of 4 GiB, on each backend."""
    core, client_cpus, _ = placement("apart")
    words = f"core on {core}, client on {client_cpus}"

    @contextlib.contextmanager
    def daemon(settings):
        with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder, \
                weftd(options, None, folder, [*settings, f"executor.cores=[{core}]"]) as \
                (target, _, pid):
            command = pinned(client_cpus, [os.path.join(options.bin, "weft")])
            yield lambda *arguments: [*command, *arguments, "--target", target], pid

    wanted = files.digests()
    rounds = min(options.rounds, files.ROUNDS_MAX)
    for backend in files.BACKENDS:
        print(f"running file.hash through {backend} ...", file=sys.stderr, flush=True)
        try:
            for row in files.file_rows(backend, daemon, rounds, options.duration, wanted):
                yield {**row, "cpus": words, "idle": options.idle}
        except (files.FileBenchError, BenchError, subprocess.CalledProcessError) as error:
            yield {"name": f"hash_{backend}", "unit": "ns", "error": str(error)}


def footprint_rows(options):
    """Of a daemon with the defaults, on all CPUs."""
    rounds = min(options.rounds, 3)

    @contextlib.contextmanager
    def daemon():
        with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder, \
                weftd(options, None, folder) as (_, _, pid):
            yield pid, os.path.join(folder, "weftd.log")

    print("running footprint ...", file=sys.stderr, flush=True)
    try:
        for row in footprint.footprint_rows(daemon, rounds):
            yield {**row, "cpus": "all", "idle": options.idle}
    except (footprint.FootprintError, BenchError) as error:
        yield {"name": "footprint", "unit": "ns", "error": str(error)}


@contextlib.contextmanager
def peer_server(name, folder):
    """A peer of Debian's on a port of its own, keeping nothing on disk; yields the port."""
    port = free_port()
    command = {
        "nats": ["nats-server", "-a", "127.0.0.1", "-p", str(port)],
        "redis": ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "",
                  "--appendonly", "no", "--dir", folder],
        "gearman": ["gearmand", "--listen", "127.0.0.1", "--port", str(port), "--log-file",
                    os.path.join(folder, "gearmand.log")],
    }[name]
    if shutil.which(command[0]) is None:
        raise BenchError(f"{command[0]} is not installed: deploy/install-deps.sh --peers")
    log = os.path.join(folder, f"{name}.log")
    with process(command, log, stdout=subprocess.DEVNULL) as child:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            if child.poll() is not None or time.monotonic() > deadline:
                raise BenchError(f"{command[0]} does not listen: {tail(log)}")
            time.sleep(0.05)
        yield port


def peer_load(options, name, port, outstanding):
    """Tasks a second through a peer, with a client and a worker of its own library."""
    command = [os.path.join(options.bin, "weft_peer_load"), name, "--port", str(port),
               "--outstanding", str(outstanding), "--duration", str(options.duration)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(done.stderr.strip())
    return json.loads(done.stdout)["tasks_per_second"]


def peer_row(options, name, outstanding):
    """Single tasks of one thread, so many under way, everything floating."""
    row = {"unit": "1/s", "bench": ["--mode", "coalesced", "--outstanding", str(outstanding)]}
    ours, peers = [], []
    with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder, \
            weftd(options, None, folder) as (target, _, pid), peer_server(name, folder) as port:
        load_weft(options, row, target, pid, None, options.warm_up)
        for _ in range(options.rounds):
            ours.append(load_weft(options, row, target, pid, None, options.duration))
            peers.append(peer_load(options, name, port, outstanding))
        idle = effective_idle(options, folder)
    weft, peer = statistics.median(ours), statistics.median(peers)
    return {"name": f"{name}_{outstanding}", "unit": "1/s", "weft": weft, "peer": peer,
            "peer_name": name, "floor": None, "ratio": round(weft / peer, 4), "min": min(ours),
            "max": max(ours), "runs": len(ours), "cpus": "all floating", "idle": idle,
            "target": peer, "reached": weft > peer}


def peer_rows(options):
    """What a user would take instead, as Debian has it."""
    for name in PEERS:
        for outstanding in PEERS_OUTSTANDING:
            print(f"running {name} with {outstanding} ...", file=sys.stderr, flush=True)
            try:
                yield peer_row(options, name, outstanding)
            except BenchError as error:
                yield {"name": f"{name}_{outstanding}", "unit": "1/s", "error": str(error)}


def stage_rows(options):
    """Everything of weftd on one CPU, so that its CPU time is the task's way."""
    for row in RPC_ROWS:
        if row["name"] not in STAGE_ROWS:
            continue
        server_cpus, client_cpus, words = placement(row["placement"])
        print(f"running stages of {row['name']} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="weft-bench-") as folder, \
                weftd(options, server_cpus, folder) as (target, _, pid):
            load_weft(options, row, target, pid, client_cpus, options.warm_up)
            seconds = 3 * options.duration
            answered = []
            client_thread = threading.Thread(target=lambda: answered.append(
                load(options, {**row, "value": "cpu"}, target, pid,
                     client_cpus, seconds + 1)))
            client_thread.start()
            samples = list(stages.profile(pid, seconds, folder))
            client_thread.join()
            if not answered:
                yield {"name": row["name"], "unit": "ns", "error": "the client failed"}
                continue
            for stage in stages.stage_rows(row["name"], samples, answered[0][0]):
                yield {**stage, "cpus": words, "idle": options.idle}


def core_rows(options):
    """Of the core, then of what stands in its place behind the seam."""
    yield from printed_rows(options, "weft_core_bench")
    yield from printed_rows(options, "weft_executor_bench")


def printed_rows(options, program):
    """The rows that a program prints, one JSON object a line."""
    binary = os.path.join(options.bin, program)
    if not os.path.exists(binary):
        yield {"name": program, "unit": "ns", "error": f"{binary} is not built"}
        return
    print(f"running {program} ...", file=sys.stderr, flush=True)
    done = subprocess.run([binary], stdout=subprocess.PIPE, text=True)
    has_error = False
    for line in done.stdout.splitlines():
        if not line.startswith("{"):
            continue
        row = {"peer": None, "peer_name": None, "floor": None, "ratio": None, "min": None,
               "max": None, "runs": 1, "cpus": "chosen by the bench", "idle": "spin"}
        row.update(json.loads(line))
        has_error |= "error" in row
        yield row
    if done.returncode != 0 and not has_error:
        yield {"name": program, "unit": "ns", "error": f"{binary} ended with {done.returncode}"}


def figure(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.1f}"


def target(row):
    """The limit that a row is held against and whether it was met; empty for rows without one."""
    if row.get("target") is None:
        return ""
    return f"{figure(row['target'])} {'yes' if row['reached'] else 'NO'}"


def print_table(rows):
    layout = "{:<36} {:>5} {:>13} {:>13} {:>8} {:>9} {:>13} {:>13} {:>16}  {}"
    print(layout.format("row", "unit", "weft", "peer", "ratio", "floor", "min", "max", "target",
                        "peer; CPUs; idle"))
    for row in rows:
        if "error" in row:
            print(f"{row['name']:<36} error: {row['error']}")
            continue
        ratio = "-" if row["ratio"] is None else f"{row['ratio']:.3f}"
        print(layout.format(row["name"], row["unit"], figure(row["weft"]), figure(row["peer"]),
                            ratio, figure(row["floor"]), figure(row["min"]), figure(row["max"]),
                            target(row),
                            f"{row['peer_name'] or '-'}; {row['cpus']}; {row['idle']}"))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", help="write the rows here")
    parser.add_argument("--only", choices=["rpc", "core", "files", "footprint", "peers", "stages"],
                        help="only these rows")
    parser.add_argument("--rounds", type=int, default=11, help="rounds of ours and peer (11)")
    parser.add_argument("--duration", type=float, default=1.0, help="seconds a run (1)")
    parser.add_argument("--warm-up", type=float, default=0.5, help="seconds before rounds (0.5)")
    parser.add_argument("--idle", default="adaptive", choices=["spin", "adaptive", "sleep"],
                        help="executor.idle of weftd (adaptive, its default)")
    parser.add_argument("--bin", required=True, help="folder of weftd, weft and the peers")
    parser.add_argument("--no-build", action="store_true", help="run what is built")
    return parser.parse_args()


def main():
    options = parse_arguments()
    rows = []
    kinds = {"rpc": rpc_rows, "core": core_rows, "files": file_rows, "footprint": footprint_rows,
             "peers": peer_rows, "stages": stage_rows}
    for kind, measure in kinds.items():
        # The peers' servers and perf are not there by themselves.
        if options.only == kind or (options.only is None and kind not in ("peers", "stages")):
            rows += measure(options)
    print_table(rows)
    if options.json:
        with open(options.json, "w") as out:
            json.dump(rows, out, indent=1)
            out.write("\n")
    return 1 if any("error" in row for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
