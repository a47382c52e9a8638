"""When to try a call again, and after how long."""

from __future__ import annotations

import dataclasses
import random
import time
from typing import Callable, Sequence, TypeVar

import grpc

from weft.errors import WeftError

Answer = TypeVar("Answer")


@dataclasses.dataclass(frozen=True)
class Retry:
    """How calls are tried again. A refusal that came with a retry_after kept nothing of the task
    and is always safe to try again, no sooner than that. A connection that broke says nothing about
    what the daemon did, so it is tried again only for calls that may be repeated; with
    broken_calls=True also for run, submit, submit_many, cancel and the calls of Admin that change
    something: a task may then run twice."""

    # Tries of one call, the first included; 1 switches trying again off.
    attempts: int = 4
    # Seconds before the second try when the daemon gave no delay; doubles with each try.
    initial_backoff: float = 0.01
    max_backoff: float = 1.0
    broken_calls: bool = False

    def __post_init__(self):
        if self.attempts < 1:
            raise ValueError(f"attempts is {self.attempts}, must be at least 1")

    def allows(self, error: WeftError, harmless: bool) -> bool:
        """Whether another try is safe and can help."""
        temporary = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
        if error.code not in temporary:
            return False
        if error.reason:
            return error.retry_after is not None
        # gRPC itself answers RESOURCE_EXHAUSTED for a message that is too large, now and ever.
        if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return False
        return harmless or self.broken_calls

    def delay(self, error: WeftError, next_try: int, chance: float) -> float:
        """Seconds before try number next_try (the second is 2). The daemon's delay is a lower
        bound; chance, in [0, 1), spreads clients that were refused together."""
        backoff = min(self.initial_backoff * 2 ** (next_try - 2), self.max_backoff)
        if error.retry_after:
            return error.retry_after + backoff * chance
        return backoff * (0.5 + chance / 2)


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """Time, sleep and chance, so that tests need none of them."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


REAL = Surroundings()


class Tries:
    """Counts the tries of one call and says how long to wait before the next. For both the blocking
    and the asyncio client, which only sleep differently."""

    def __init__(self, retry: Retry, timeout: float, surroundings: Surroundings = REAL):
        self._retry, self._surroundings = retry, surroundings
        self._deadline = surroundings.now() + timeout
        self._next_try = 2

    def left(self) -> float:
        """Seconds until the deadline, which all tries share."""
        return max(self._deadline - self._surroundings.now(), 0.0)

    def allows(self, error: WeftError, harmless: bool = False) -> bool:
        """Whether another try is safe and can help."""
        return self._retry.allows(error, harmless)

    def delay_after(self, failed: Sequence[WeftError]) -> float | None:
        """Seconds to wait before trying again what failed with these errors, all of them allowed;
        None: give up."""
        if not failed or self._next_try > self._retry.attempts:
            return None
        chance = self._surroundings.chance()
        delay = max(self._retry.delay(error, self._next_try, chance) for error in failed)
        self._next_try += 1
        return delay if delay < self.left() else None


def call_with_retry(attempt: Callable[[float], Answer], retry: Retry, timeout: float,
                    harmless: bool, surroundings: Surroundings = REAL) -> Answer:
    """Runs attempt, which is given the seconds that are left, until it succeeds or must not be
    tried again, was tried often enough, or a wait would pass the deadline."""
    tries = Tries(retry, timeout, surroundings)
    while True:
        try:
            return attempt(tries.left())
        except WeftError as error:
            delay = tries.delay_after([error] if tries.allows(error, harmless) else [])
            if delay is None:
                raise
            surroundings.sleep(delay)
