"""Trying again: how long to wait, and when to give up."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from batchwright.contracts.failure import Decision
from batchwright.engine.store.calls import Deadline
from batchwright.errors import IncompleteDocument
from batchwright.model import ErrorRecoveryAction
from batchwright.values import dataclass

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Schedule:
    """When to try again after transient failures.

    Attributes:
        max_retries: Retries after the first attempt, at most.
        base: Seconds before the first retry; each later wait is twice the one before.
        cap: Seconds that no wait exceeds; None for no cap.
        jitter: Whether a wait is drawn evenly between 0 and what the schedule says ("full jitter").
    """

    max_retries: int = 3
    base: float = 1.0
    cap: float | None = None
    jitter: bool = False

    def wait(self, retry: int, asked: float | None = None) -> float:
        """Return the seconds before retry number `retry` (from 1); `asked` is what a verdict asked for."""
        if asked is not None:
            return max(0.0, asked)
        seconds = self.base * 2.0 ** min(retry - 1, 60)
        if self.cap is not None:
            seconds = min(seconds, self.cap)
        return random.uniform(0.0, seconds) if self.jitter else seconds  # noqa: S311 - no secret hangs on it


@dataclass(frozen=True, slots=True)
class Attempted(Generic[Value]):
    """How an `attempt` ended.

    Attributes:
        value: What the call returned, None after failure.
        error: The last error, None after success.
        decision: What the classifiers said of it, None after success.
        retries: Retries spent.
        seconds: How long the last call took.
        stopped: Whether the run was stopped while a retry was due: neither success nor failure.
        strained: Whether it failed for a reason that fewer records may help against, such as a time-out.
        timed_out: Whether it was given up because it timed out again and again.
    """

    value: Value | None = None
    error: Exception | None = None
    decision: Decision | None = None
    retries: int = 0
    seconds: float = 0.0
    stopped: bool = False
    strained: bool = False
    timed_out: bool = False


def is_transient(result: Attempted[Any]) -> bool:
    """Whether the error it ended with may pass."""
    return result.decision is not None and result.decision.action is ErrorRecoveryAction.RETRY


def is_about_data(result: Attempted[Any]) -> bool:
    """Whether leaving something out may help; no record of a version that is incomplete is bad."""
    skips = result.decision is not None and result.decision.action is ErrorRecoveryAction.SKIP
    return skips and not isinstance(result.error, IncompleteDocument)


def attempt(
    call: Callable[[], Value],
    *,
    decide: Callable[[Exception, int], Decision],
    schedule: Schedule,
    stop: threading.Event,
    deadline: Deadline | None = None,
    patience: float = 0.0,
    enough: Callable[[Exception], bool] = lambda _: False,
    on_retry: Callable[[Exception, Decision, int, float], None] = lambda *_: None,
) -> Attempted[Value]:
    """Call, and call again while the errors are transient and the schedule has retries left.

    Args:
        call: What to do.
        decide: Classifies an error; the second argument is the attempt that failed, from 1.
        schedule: When to try again.
        stop: Ends a wait at once when it is set.
        deadline: No wait outlasts it: where one would, there is no further retry.
        patience: Seconds of waits that a verdict asks for, in all. Within them such a wait uses up no retry,
            and puts the deadline off; beyond them it counts as any other.
        enough: Whether an error ends it although there are retries left.
        on_retry: Called before the wait for each retry: error, decision, attempt that failed, seconds.
    """
    retries, attempts, waited = 0, 0, 0.0
    while True:
        attempts += 1
        started = time.perf_counter()
        try:
            value = call()
        except Exception as error:  # noqa: BLE001 - which errors matter is for the classifiers to say
            seconds = time.perf_counter() - started
            decision = decide(error, attempts)
            if decision.action is not ErrorRecoveryAction.RETRY or enough(error):
                return Attempted(None, error, decision, attempts - 1, seconds)
            asked = decision.verdict.wait
            wait = schedule.wait(retries + 1, asked)
            if asked is not None and 0 < wait <= patience - waited:
                waited += wait
                if deadline is not None:
                    deadline.put_off(wait)
            else:
                left = deadline.remaining() if deadline else None
                if retries >= schedule.max_retries or (left is not None and wait >= left):
                    return Attempted(None, error, decision, attempts - 1, seconds)
                retries += 1
            on_retry(error, decision, attempts, wait)
            if stop.wait(wait):
                return Attempted(None, error, decision, attempts - 1, seconds, stopped=True)
        else:
            return Attempted(value, retries=attempts - 1, seconds=time.perf_counter() - started)
