"""A client of weft, the task server for microsecond work.

    with weft.Client("127.0.0.1:7411") as client:
        result = client.run("sha256", b"hello")
        print(result.output.decode(), result.execution_latency_ns)

A task that was admitted and then failed, expired or was cancelled is a result, not an exception;
look at result.success, result.state and result.error. What the daemon refuses, and calls that
break, are exceptions: see weft.WeftError.

Messages are those of proto/weft/v1, under their own names: weft.TaskSpec, weft.TaskResult and so
on. An enumerator may be given by its name ("PRIORITY_HIGH") and is read as a number:
weft.TaskState.Name(result.state) has its name.
"""

import importlib
import pathlib
import sys


def _find_google_rpc() -> None:
    """Takes google.rpc from the package that came with this one where no other is installed: two
    copies of one proto file cannot be loaded into one process."""
    try:
        importlib.import_module("google.rpc.error_details_pb2")
        return
    except ImportError:
        bundled = str(pathlib.Path(__file__).parent / "bundled")
    # Enough where "google" is a namespace package, as it is nearly everywhere.
    sys.path.append(bundled)
    importlib.invalidate_caches()
    google = importlib.import_module("google")
    if f"{bundled}/google" not in google.__path__:
        google.__path__.append(f"{bundled}/google")


_find_google_rpc()

# pylint: disable=wrong-import-position
from weft.v1.admin_service_pb2 import (  # noqa: E402
    Budget, CoreInfo, GetStatsResponse, HandlerInfo, ReloadConfigResponse, WatchStatsResponse,
)  # fmt: skip
from weft.v1.task_pb2 import (  # noqa: E402
    Priority, TaskError, TaskErrorCode, TaskResult, TaskSpec, TaskState, TaskSummary,
)  # fmt: skip
from weft.v1.task_service_pb2 import (  # noqa: E402
    CancelOutcome, CancelTaskResponse, GetTaskResponse, SubmitTaskResponse, TaskEvent,
    TaskEventKind, TaskFilter,
)  # fmt: skip
from weft.admin import Admin  # noqa: E402
from weft.client import Client  # noqa: E402
from weft.errors import (  # noqa: E402
    CallCancelled, DeadlineExceeded, FailedPrecondition, FieldViolation, InvalidArgument, NotFound,
    QuotaViolation, ResourceExhausted, Unavailable, WeftError,
)  # fmt: skip
from weft.requests import TaskFields, has_ended  # noqa: E402
from weft.retry import Retry  # noqa: E402
from weft.stream import StreamRow, TaskStream  # noqa: E402
from weft.submitter import Submitter  # noqa: E402
from weft.watch import StatsWatch, TaskWatch  # noqa: E402

__all__ = [
    "Admin", "Budget", "CallCancelled", "CancelOutcome", "CancelTaskResponse", "Client", "CoreInfo",
    "DeadlineExceeded", "FailedPrecondition", "FieldViolation", "GetStatsResponse",
    "GetTaskResponse", "HandlerInfo", "InvalidArgument", "NotFound", "Priority", "QuotaViolation",
    "ReloadConfigResponse", "ResourceExhausted", "Retry", "StatsWatch", "StreamRow",
    "SubmitTaskResponse", "Submitter", "TaskError", "TaskErrorCode", "TaskEvent", "TaskEventKind",
    "TaskFields", "TaskFilter", "TaskResult", "TaskSpec", "TaskState", "TaskStream", "TaskSummary",
    "TaskWatch", "Unavailable", "WatchStatsResponse", "WeftError", "has_ended",
]  # fmt: skip
