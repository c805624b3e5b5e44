"""When a call is tried again, and how long the waits are."""

from __future__ import annotations

import threading
import time

import pytest

from batchwright import ErrorRecoveryAction, Verdict
from batchwright.contracts.failure import Decision
from batchwright.engine.store.retry import Attempted, Schedule, attempt


class Script:
    """A call that fails as scripted, and a record of the waits."""

    def __init__(self, *errors: Exception, verdict: Verdict | None = None) -> None:
        self.errors = list(errors)
        self.calls = 0
        self.waits: list[float] = []
        self.verdict = verdict or Verdict(ErrorRecoveryAction.RETRY)
        self.stop = threading.Event()

    def call(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def run(self, schedule: Schedule) -> Attempted[str]:
        return attempt(
            self.call,
            decide=lambda error, number: Decision(self.verdict, "script"),
            schedule=schedule,
            stop=self.stop,
            on_retry=lambda error, decision, number, wait: self.waits.append(wait),
        )


def test_the_waits_are_1_2_4_seconds() -> None:
    assert [Schedule().wait(n) for n in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, 8.0]


def test_a_cap_bounds_the_waits_and_jitter_stays_below() -> None:
    assert Schedule(cap=3.0).wait(10) == 3.0
    assert all(0.0 <= Schedule(jitter=True).wait(3) <= 4.0 for _ in range(100))
    assert len({Schedule(jitter=True).wait(3) for _ in range(10)}) > 1


def test_a_wait_that_the_verdict_asks_for_goes_first() -> None:
    script = Script(TimeoutError(), verdict=Verdict(ErrorRecoveryAction.RETRY, wait=0.0))
    assert script.run(Schedule()).retries == 1
    assert script.waits == [0.0]


def test_success_after_retries() -> None:
    script = Script(TimeoutError(), TimeoutError())
    result = script.run(Schedule(base=0.0))
    assert (result.value, result.error, result.retries, script.calls) == ("done", None, 2, 3)


def test_retries_run_out() -> None:
    script = Script(*[TimeoutError(str(n)) for n in range(9)])
    result = script.run(Schedule(max_retries=2, base=0.0))
    assert (str(result.error), result.retries, script.calls) == ("2", 2, 3)


@pytest.mark.parametrize("action", [ErrorRecoveryAction.SKIP, ErrorRecoveryAction.FAIL])
def test_other_verdicts_are_not_retried(action: ErrorRecoveryAction) -> None:
    script = Script(ValueError(), verdict=Verdict(action))
    assert script.run(Schedule()).retries == 0
    assert script.calls == 1


def test_a_stop_ends_a_wait_at_once() -> None:
    script = Script(TimeoutError())
    threading.Timer(0.05, script.stop.set).start()
    started = time.monotonic()
    result = script.run(Schedule(base=60.0))
    assert result.stopped
    assert time.monotonic() - started < 30
