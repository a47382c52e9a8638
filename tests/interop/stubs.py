"""Python modules made from proto/ when a test runs, in a temporary folder: nothing of weft's own
client is used, and nothing generated is kept."""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import types

from weft_daemon import ROOT

GOOGLE = os.environ.get(
    "WEFT_GOOGLE_PROTO_ROOT", str(ROOT / "deploy/tools/node_modules/google-proto-files"))
OURS = ("weft/v1/task.proto", "weft/v1/task_service.proto", "weft/v1/admin_service.proto",
        "grpc/health/v1/health.proto", "grpc/reflection/v1alpha/reflection.proto",
        "grpc/channelz/v1/channelz.proto")
GOOGLES = ("google/rpc/code.proto", "google/rpc/status.proto", "google/rpc/error_details.proto")
MODULES = {
    "task": "weft.v1.task_pb2",
    "tasks": "weft.v1.task_service_pb2",
    "tasks_grpc": "weft.v1.task_service_pb2_grpc",
    "admin": "weft.v1.admin_service_pb2",
    "admin_grpc": "weft.v1.admin_service_pb2_grpc",
    "health": "grpc.health.v1.health_pb2",
    "health_grpc": "grpc.health.v1.health_pb2_grpc",
    "reflection": "grpc.reflection.v1alpha.reflection_pb2",
    "reflection_grpc": "grpc.reflection.v1alpha.reflection_pb2_grpc",
    "channelz": "grpc.channelz.v1.channelz_pb2",
    "channelz_grpc": "grpc.channelz.v1.channelz_pb2_grpc",
    "status": "google.rpc.status_pb2",
    "details": "google.rpc.error_details_pb2",
}


def why_missing():
    """What keeps this machine from making stubs; None when nothing does."""
    try:
        importlib.import_module("grpc")
        importlib.import_module("google.protobuf")
    except ImportError as error:
        return f"{error}: run deploy/install-deps.sh and use /usr/bin/python3"
    for program in ("protoc", "grpc_python_plugin"):
        if shutil.which(program) is None:
            return f"no {program}: run deploy/install-deps.sh"
    if not os.path.exists(os.path.join(GOOGLE, GOOGLES[0])):
        return f"no {GOOGLES[0]} below {GOOGLE}: run deploy/install-deps.sh"
    return None


def compile_protos(*arguments):
    subprocess.run(["protoc", "-I", str(ROOT / "proto"), "-I", GOOGLE, *arguments], check=True)


def load():
    """Returns a namespace with the modules of MODULES."""
    folder = tempfile.TemporaryDirectory(prefix="weft-stubs-")
    compile_protos(f"--python_out={folder.name}", *GOOGLES, *OURS)
    compile_protos(f"--grpc_out={folder.name}", *OURS,
            "--plugin=protoc-gen-grpc=" + shutil.which("grpc_python_plugin"))
    sys.path.insert(0, folder.name)
    # The installed packages of these names are there first; ours are added to them.
    for package in ("google", "grpc"):
        importlib.import_module(package).__path__.append(os.path.join(folder.name, package))
    loaded = {name: importlib.import_module(module) for name, module in MODULES.items()}
    return types.SimpleNamespace(folder=folder, **loaded)
