"""What goes wrong, as exceptions that carry all that the daemon said."""

from __future__ import annotations

import dataclasses

import grpc
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "weft"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


@dataclasses.dataclass(frozen=True)
class FieldViolation:
    """One field of the request, such as "spec.handler", and what is wrong with it."""

    field: str
    description: str


@dataclasses.dataclass(frozen=True)
class QuotaViolation:
    """The name of a bound that is reached, such as "executor.max_queue_depth", and how."""

    bound: str
    description: str


class WeftError(Exception):
    """A call without an answer, or a row without a result.

    code: the gRPC code.
    message: one sentence for a person.
    reason: what the daemon calls it, such as "QUEUE_FULL"; empty when the daemon did not decide:
        the connection broke, or gRPC itself refused.
    field_violations: of INVALID_ARGUMENT, which fields.
    quota: of RESOURCE_EXHAUSTED, which bounds.
    retry_after: seconds after which trying again can help; None: it does not.

    UNAVAILABLE and RESOURCE_EXHAUSTED with a reason are refusals: nothing of the task was kept.
    """

    def __init__(self, status: status_pb2.Status):
        self.code: grpc.StatusCode = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
        self.message: str = status.message
        self.reason: str = ""
        self.metadata: dict[str, str] = {}
        self.field_violations: list[FieldViolation] = []
        self.quota: list[QuotaViolation] = []
        self.retry_after: float | None = None
        for detail in status.details:
            self._take(detail)
        super().__init__(self._text())

    def _take(self, detail) -> None:
        info = error_details_pb2.ErrorInfo()
        bad_request = error_details_pb2.BadRequest()
        quota = error_details_pb2.QuotaFailure()
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(info) and info.domain == DOMAIN:
            self.reason, self.metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad_request):
            self.field_violations += [FieldViolation(each.field, each.description)
                                      for each in bad_request.field_violations]
        elif detail.Unpack(quota):
            self.quota += [QuotaViolation(each.subject, each.description)
                           for each in quota.violations]
        elif detail.Unpack(retry):
            self.retry_after = retry.retry_delay.ToNanoseconds() / 1e9

    def _text(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.code.name}{reason}: {self.message}"


class InvalidArgument(WeftError):
    """The request is wrong and stays so; field_violations says where."""


class NotFound(WeftError):
    """No task of that number, or not any more, or no handler of that name."""


class ResourceExhausted(WeftError):
    """A bound is reached, quota says which."""


class FailedPrecondition(WeftError):
    """Not possible in the state that the daemon is in."""


class Unavailable(WeftError):
    """The daemon drains, the handler is paused, or there is no connection (then without reason)."""


class DeadlineExceeded(WeftError):
    """The call's deadline passed. A task of RunTask or StreamTasks is cancelled by that."""


class CallCancelled(WeftError):
    """The call was closed on this side."""


_KINDS: dict[grpc.StatusCode, type[WeftError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.CANCELLED: CallCancelled,
}


def from_status(status: status_pb2.Status) -> WeftError:
    """The exception for a row's status."""
    return _KINDS.get(_CODES.get(status.code), WeftError)(status)


def from_rpc_error(error: grpc.RpcError) -> WeftError:
    """The exception for a call that ended with an error."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return from_status(status_pb2.Status.FromString(value))
    return of(error.code(), error.details() or "")


def of(code: grpc.StatusCode, message: str) -> WeftError:
    """An exception that the daemon has said nothing about."""
    return from_status(status_pb2.Status(code=code.value[0], message=message))
