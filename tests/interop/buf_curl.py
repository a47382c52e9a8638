"""buf curl, an independent gRPC client that needs no code at all, for the cases that use it."""

import base64
import json
import os
import subprocess

from weft_daemon import PATIENCE_S, ROOT

BUF = str(ROOT / "deploy/tools/node_modules/.bin/buf")


def why_missing():
    return None if os.path.exists(BUF) else f"no {BUF}: run deploy/install-deps.sh"


def curl(daemon, method, request, *flags, over_socket=False, package="weft.v1"):
    """Calls daemon's method ("Service/Method" of the package) with a request in JSON, or several of
    them. Returns the finished process."""
    requests = request if isinstance(request, list) else [request]
    command = [BUF, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--emit-defaults"]
    command += ["--data", "@-", *flags]
    if over_socket:
        command += ["--unix-socket", daemon.socket]
    # Of an address on a unix socket only the path matters.
    host = "localhost" if over_socket else daemon.address
    command.append(f"http://{host}/{package}.{method}")
    # Its cache must not come from, or stay in, the home folder.
    environment = {**os.environ, "HOME": daemon.folder.name, "NO_PROXY": "*"}
    environment.update(XDG_CACHE_HOME=daemon.folder.name, BUF_CACHE_DIR=daemon.folder.name)
    return subprocess.run(
        command, input="\n".join(json.dumps(each) for each in requests), env=environment,
        capture_output=True, text=True, timeout=PATIENCE_S, check=False)


def spec(handler, payload=b"", **fields):
    """A TaskSpec in JSON."""
    return {"handler": handler, "payload": base64.b64encode(payload).decode(), **fields}


def answers(case, process):
    """The JSON messages that a call without error has printed."""
    case.assertEqual(process.returncode, 0, process.stderr)
    decoder, text, found = json.JSONDecoder(), process.stdout.strip(), []
    while text:
        message, end = decoder.raw_decode(text)
        found.append(message)
        text = text[end:].lstrip()
    return found


def answer(case, process):
    """The one JSON message of a unary call."""
    found = answers(case, process)
    case.assertEqual(len(found), 1, process.stdout)
    return found[0]
