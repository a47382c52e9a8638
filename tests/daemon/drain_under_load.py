#!/usr/bin/python3
"""Proves that SIGTERM under load loses nothing: starts weftd, loads it with `weft bench`, sends
SIGTERM in the middle, and demands that the daemon exits 0 within its limit, that every accepted
task reached its client with a terminal result, that every refusal was UNAVAILABLE, and that the
client's totals equal the counts in the daemon's last log line.

    drain_under_load.py WEFTD WEFT [--rounds N] [--mode submit|unary|stream ...]
"""

import argparse
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

DRAIN_LIMIT_S = 10
PATIENCE_S = 30
OUTCOMES = ("accepted", "succeeded", "failed", "cancelled", "expired")


class Fault(Exception):
    """Something a drain promises did not hold."""


def wait_for(log_path, daemon, text):
    """Waits until the daemon's log holds text; returns the log."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with open(log_path, encoding="utf-8") as log:
            content = log.read()
        if text in content:
            return content
        if daemon.poll() is not None:
            break
        time.sleep(0.005)
    raise Fault(f"no {text!r} in the daemon's log:\n{content}")


def start_daemon(weftd, folder):
    log_path = os.path.join(folder, "log")
    socket = os.path.join(folder, "weftd.sock")
    settings = ['rpc.listen=["127.0.0.1:0"]', 'web.listen=""', f'rpc.unix_socket="{socket}"']
    settings.append(f"daemon.drain_limit_s={DRAIN_LIMIT_S}")
    command = [weftd]
    for setting in settings:
        command += ["--set", setting]
    with open(log_path, "wb") as log:
        daemon = subprocess.Popen(command, stdout=log, stderr=log)
    content = wait_for(log_path, daemon, " ready in ")
    return daemon, log_path, re.search(r"listening rpc=(127\S+)", content).group(1)


def start_bench(weft, target, mode, ids_path):
    command = [weft, "bench", "--mode", mode, "--handler", "spin", "--payload", "20us"]
    command += ["--duration", "60s", "--json", "--target", target]
    command += ["--outstanding", "4" if mode == "stream" else "32"]
    if mode == "stream":
        command += ["--batch", "16"]
    if mode == "submit":
        command += ["--ids-out", ids_path]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def await_load(weft, target, bench):
    """Waits until the daemon has accepted tasks of the bench."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and bench.poll() is None:
        asked = subprocess.run([weft, "stats", "--json", "--target", target],
                               capture_output=True, text=True, timeout=PATIENCE_S)
        if asked.returncode == 0 and int(json.loads(asked.stdout)["tasks"]["accepted"]) > 0:
            return
    raise Fault("the bench brought no load")


def last_counts(log_path):
    with open(log_path, encoding="utf-8") as log:
        line = log.read().splitlines()[-1]
    if " drained " not in line:
        raise Fault(f"the daemon's last line is no count of a drain: {line}")
    return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}


def check_ids(path, totals):
    """Every accepted id is listed once, with the terminal state its client was told."""
    with open(path, encoding="utf-8") as file:
        rows = [line.split() for line in file]
    if len(rows) != totals["accepted"] or len({row[0] for row in rows}) != len(rows):
        raise Fault(f"{len(rows)} ids are listed, {totals['accepted']} were accepted")
    states = {name: f"TASK_STATE_{name.upper()}" for name in OUTCOMES[1:]}
    odd = [row for row in rows if row[1] not in states.values()]
    if odd:
        raise Fault(f"accepted tasks without a terminal result: {odd[:3]}")
    for name, state in states.items():
        listed = sum(row[1] == state for row in rows)
        if listed != totals[name]:
            raise Fault(f"{listed} ids are listed as {name}, {totals[name]} were counted")


def check(report, counts, mode):
    totals = {name: int(report[name]) for name in OUTCOMES}
    refused = {code: int(count) for code, count in report["refused"].items()}
    if report["lost"]:
        raise Fault(f"lost: {report['lost']} ({report['first_error']})")
    if int(report["unmatched"]) != 0:
        raise Fault(f"{report['unmatched']} answers match nothing that was sent")
    # The bench has far less outstanding than any queue holds, so none of them is ever full.
    if set(refused) - {"UNAVAILABLE"}:
        raise Fault(f"refused with {refused}")
    for name in OUTCOMES:
        if totals[name] != counts[name]:
            raise Fault(f"{name}: the client has {totals[name]}, the daemon {counts[name]}")
    if sum(refused.values()) != counts["refused"]:
        raise Fault(f"refused: the client has {refused}, the daemon {counts['refused']}")
    if int(report["sent"]) != totals["accepted"] + counts["refused"]:
        raise Fault(f"{report['sent']} were sent: {totals['accepted']} accepted, {refused} refused")
    if counts["in_flight"] != 0:
        raise Fault(f"{counts['in_flight']} tasks were in flight at the end")
    if totals["accepted"] != sum(totals[name] for name in OUTCOMES[1:]):
        raise Fault(f"{mode}: the outcomes do not add up to what was accepted: {totals}")
    return totals, refused


def run_round(options, mode, random_source):
    with tempfile.TemporaryDirectory(prefix="weft-drain-") as folder:
        daemon, log_path, target = start_daemon(options.weftd, folder)
        ids_path = os.path.join(folder, "ids")
        bench = start_bench(options.weft, target, mode, ids_path)
        try:
            await_load(options.weft, target, bench)
            # So that the signal meets the load at another point each time.
            time.sleep(random_source.uniform(0.2, 0.6))
            began = time.monotonic()
            daemon.send_signal(signal.SIGTERM)
            output, errors = bench.communicate(timeout=PATIENCE_S)
            code = daemon.wait(timeout=PATIENCE_S)
            took_s = time.monotonic() - began
            if code != 0:
                raise Fault(f"the daemon exited with {code}")
            if took_s > DRAIN_LIMIT_S + 3:
                raise Fault(f"the drain took {took_s:.1f} s")
            if not output:
                raise Fault(f"weft bench reported nothing: {errors}")
            totals, refused = check(json.loads(output), last_counts(log_path), mode)
            if totals["accepted"] == 0:
                raise Fault("nothing was accepted, so nothing was shown")
            if mode == "submit":
                check_ids(ids_path, totals)
        finally:
            for process in (bench, daemon):
                if process.poll() is None:
                    process.kill()
                    process.wait()
    print(f"ok  {mode:6}  accepted {totals['accepted']}, refused {sum(refused.values())}, "
          f"drained in {took_s * 1000:.0f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weftd")
    parser.add_argument("weft")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mode", nargs="+", default=["submit", "unary", "stream"])
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    random_source = random.Random(options.seed)
    faults = 0
    for number in range(options.rounds):
        mode = options.mode[number % len(options.mode)]
        try:
            run_round(options, mode, random_source)
        except Fault as fault:
            faults += 1
            print(f"FAULT  {mode}, round {number}: {fault}", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
