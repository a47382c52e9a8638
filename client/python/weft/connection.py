"""One connection to one daemon, made at the first call and again when it breaks."""

from __future__ import annotations

import grpc

from weft import errors, retry
from weft.v1 import admin_service_pb2_grpc, task_service_pb2_grpc

OPTIONS = (
    ("grpc.max_receive_message_length", 256 * 1024 * 1024),
    ("grpc.max_send_message_length", 256 * 1024 * 1024),
    # Calls are tried again by weft.retry, which knows what is safe.
    ("grpc.enable_retries", 0),
    # http_proxy in the environment must not reroute calls to the loopback.
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 50),
    # How long one attempt may take: a service manager may only now start the daemon.
    ("grpc.min_reconnect_backoff_ms", 10_000),
    ("grpc.max_reconnect_backoff_ms", 2000),
    # Otherwise all channels of a process to one address share one connection.
    ("grpc.use_local_subchannel_pool", 1),
)


def check_timeout(timeout: float) -> float:
    """Any positive number of seconds."""
    if not timeout > 0:
        raise ValueError(f"timeout is {timeout}, must be more than 0")
    return timeout


class Connection:
    """Any thread."""

    def __init__(self, target: str, timeout: float, retry_options: retry.Retry):
        self.timeout = check_timeout(timeout)
        self._retry = retry_options
        self.channel = grpc.insecure_channel(target, options=OPTIONS)
        self.tasks = task_service_pb2_grpc.TaskServiceStub(self.channel)
        self.admin = admin_service_pb2_grpc.AdminServiceStub(self.channel)

    def call(self, method, request, *, harmless: bool, timeout: float | None = None):
        """Calls a unary method and tries again as weft.Retry says. harmless: doing it twice is the
        same as doing it once. timeout: of all tries together."""
        def attempt(left: float):
            try:
                return method(request, timeout=left)
            except grpc.RpcError as error:
                raise errors.from_rpc_error(error) from error

        limit = self.timeout if timeout is None else check_timeout(timeout)
        return retry.call_with_retry(attempt, self._retry, limit, harmless)

    def tries(self, timeout: float | None) -> retry.Tries:
        """For a caller that goes through the tries itself."""
        limit = self.timeout if timeout is None else check_timeout(timeout)
        return retry.Tries(self._retry, limit)
