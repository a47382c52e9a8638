"""Looking at the daemon and steering it."""

from __future__ import annotations

from typing import Sequence

from weft import requests
from weft.connection import Connection
from weft.v1 import admin_service_pb2 as messages
from weft.watch import StatsWatch


class Admin:
    """AdminService; Client.admin. Any thread. timeout: seconds for the call with all its tries;
    None takes the client's."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._stub = connection.admin

    def stats(self, *, timeout: float | None = None) -> messages.GetStatsResponse:
        """What the executors did, what became of the tasks, and the fill of every bound."""
        request = messages.GetStatsRequest()
        return self._connection.call(self._stub.GetStats, request, harmless=True, timeout=timeout)

    def watch_stats(self, interval: float = 1.0, *, timeout: float | None = None) -> StatsWatch:
        """stats again and again, interval seconds apart (0.1 to 60), with what the handlers did in
        between. timeout: of the whole watch; None: no end."""
        request = messages.WatchStatsRequest(interval_ns=requests.nanoseconds(interval))
        return StatsWatch(self._stub.WatchStats(request, timeout=timeout))

    def handlers(self, *, timeout: float | None = None) -> Sequence[messages.HandlerInfo]:
        """The handlers a task may name, by name."""
        request = messages.ListHandlersRequest()
        return self._connection.call(self._stub.ListHandlers, request, harmless=True,
                                     timeout=timeout).handlers

    def cores(self, *, timeout: float | None = None) -> Sequence[messages.CoreInfo]:
        """The cores: where they are, what they do now, their budgets."""
        request = messages.ListCoresRequest()
        return self._connection.call(self._stub.ListCores, request, harmless=True,
                                     timeout=timeout).cores

    def set_budget(self, *, polls: int | None = None, microseconds: int | None = None,
                   core: int | None = None, timeout: float | None = None) -> Sequence[int]:
        """How much a core, or each core, runs in one turn: exactly one of polls and microseconds.
        Answers with the CPU numbers of the cores that have it now."""
        if (polls is None) == (microseconds is None):
            raise TypeError("give exactly one of polls and microseconds")
        budget = messages.Budget(polls=polls, microseconds=microseconds)
        request = messages.SetBudgetRequest(core=core, budget=budget)
        return self._connection.call(self._stub.SetBudget, request, harmless=True,
                                     timeout=timeout).cores

    def pause(self, handler: str, *, timeout: float | None = None) -> bool:
        """Refuses the handler's tasks from now on and holds those that are queued. False when it
        was paused before."""
        request = messages.PauseHandlerRequest(handler=handler)
        return self._connection.call(self._stub.PauseHandler, request, harmless=False,
                                     timeout=timeout).changed

    def resume(self, handler: str, *, timeout: float | None = None) -> bool:
        """Takes back pause, and a demotion. False when it was neither paused nor demoted."""
        request = messages.ResumeHandlerRequest(handler=handler)
        return self._connection.call(self._stub.ResumeHandler, request, harmless=False,
                                     timeout=timeout).changed

    def reload(self, *, timeout: float | None = None) -> messages.ReloadConfigResponse:
        """Reads the configuration again, all of it or nothing: InvalidArgument names every mistake.
        Answers with the keys that hold now and those that need a restart."""
        request = messages.ReloadConfigRequest()
        return self._connection.call(self._stub.ReloadConfig, request, harmless=False,
                                     timeout=timeout)

    def drain(self, *, timeout: float | None = None) -> int:
        """Ends the daemon as SIGTERM does. Answers, when the drain has begun, with the number of
        tasks in flight."""
        request = messages.DrainServerRequest()
        return self._connection.call(self._stub.DrainServer, request, harmless=False,
                                     timeout=timeout).in_flight
