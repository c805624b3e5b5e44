"""When a lease is live, doubtful, silent or dead, and what those do who want the collection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from batchwright.contracts.lease import Lease, Owner, Patience
from batchwright.engine.lease import LeaseTimes, Looker, Waiting, forget, give_up
from batchwright.engine.owner import this_process
from batchwright.errors import CollectionBusy, RunInterrupted

TIMES = LeaseTimes()
ME = this_process()
ELSEWHERE = Owner("elsewhere", 1, "another boot", "pid:[1]", 7)
OLD = Lease("fruit", "old", "their-run", ELSEWHERE, "2026-01-01T00:00:00+00:00", beat=5, age=1.0)
NEW = Lease("fruit", "new", "my-run", ME, "2026-01-02T00:00:00+00:00")


class Clock(threading.Event):
    """Time that passes when somebody waits, and what happens meanwhile, by the second."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.waits: list[float] = []
        self.events: list[tuple[float, Callable[[], None]]] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        assert len(self.waits) < 1_000, "for ever"
        self.waits.append(timeout)
        self.now += timeout
        for event in [event for event in self.events if event[0] <= self.now - 1_000]:
            self.events.remove(event)
            event[1]()
        return self.is_set()

    def at(self, second: float, happens: Callable[[], None]) -> None:
        self.events.append((second, happens))


class OneLease:
    """A ledger of one collection."""

    def __init__(self, clock: Clock, lease: Lease | None = None, *, beats: bool = False) -> None:
        self.held = lease
        self._clock = clock
        self._began = clock.now
        self._beats = beats
        self.swaps: list[tuple[str | None, float | None]] = []
        self.quicker: list[Lease] = []

    def lease(self, collection: str) -> Lease | None:
        assert collection == "fruit"
        if self.held is None:
            return None
        passed = self._clock.now - self._began
        if self._beats:
            return replace(self.held, beat=int(passed // 10), age=self.held.age + passed % 10)
        return replace(self.held, age=self.held.age + passed)

    def swap_lease(self, collection: str, token: str | None, lease: Lease | None, patience: Patience) -> bool:
        assert patience.writing == (TIMES.writes if token is None else TIMES.in_flight)
        if self.quicker:
            self.held = self.quicker.pop()
        if token != (self.held.token if self.held else None):
            return False
        self.swaps.append((token, patience.ending))
        self.held = lease
        return True


def _waiting(ledger: OneLease, clock: Clock) -> Waiting:
    return Waiting(lambda question: question(ledger), ME, TIMES, clock, lambda: clock.now)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_free_collection_is_taken_at_once(clock: Clock) -> None:
    ledger = OneLease(clock)
    _waiting(ledger, clock).take(NEW, wait=0)
    assert ledger.held == NEW
    assert ledger.swaps == [(None, None)], "whoever writes is left alone"
    assert clock.waits == []


def test_a_live_lease_is_left_alone_and_says_whose_it_is(clock: Clock) -> None:
    ledger = OneLease(clock, OLD)
    with pytest.raises(CollectionBusy) as caught:
        _waiting(ledger, clock).take(NEW, wait=0)
    error = caught.value
    assert (error.collection, error.run_id, error.since) == ("fruit", "their-run", OLD.since)
    assert error.held_by == "process 1 on elsewhere"
    assert "--wait" in str(error)
    assert clock.waits == [], "at once"
    assert ledger.held == OLD


def test_a_process_on_this_machine_that_has_ended_is_replaced_at_once(clock: Clock) -> None:
    if ME.boot_id is None:
        pytest.skip("this system doesn't tell about processes")
    ledger = OneLease(clock, replace(OLD, owner=replace(ME, pid=2**22 + 1)))
    _waiting(ledger, clock).take(NEW, wait=0)
    assert ledger.held == NEW
    assert ledger.swaps == [("old", TIMES.ending)], "who still writes for it is ended"
    assert clock.waits == []


def test_an_old_lease_is_looked_at_again_and_taken_if_it_stays_silent(clock: Clock) -> None:
    ledger = OneLease(clock, replace(OLD, age=61.0))
    _waiting(ledger, clock).take(NEW, wait=0)
    assert ledger.held == NEW
    assert clock.waits == [TIMES.again]


def test_an_old_lease_that_is_heard_of_again_is_live(clock: Clock) -> None:
    ledger = OneLease(clock, replace(OLD, age=61.0))
    clock.at(5, lambda: setattr(ledger, "held", replace(OLD, beat=6, age=-9.0)))
    with pytest.raises(CollectionBusy):
        _waiting(ledger, clock).take(NEW, wait=0)


def test_waiting_rides_over_a_run_that_died_elsewhere(clock: Clock) -> None:
    ledger = OneLease(clock, replace(OLD, age=0.0))
    _waiting(ledger, clock).take(NEW, wait=90)
    assert ledger.held == NEW
    assert 60 <= clock.now - 1_000 <= 80


def test_waiting_for_a_live_run_ends_when_it_ends(clock: Clock) -> None:
    ledger = OneLease(clock, replace(OLD, age=0.0), beats=True)
    clock.at(200, lambda: setattr(ledger, "held", None))
    _waiting(ledger, clock).take(NEW, wait=300)
    assert ledger.held == NEW
    assert clock.now - 1_000 == pytest.approx(200, abs=1)


def test_waiting_for_a_live_run_ends_when_the_time_is_up(clock: Clock) -> None:
    ledger = OneLease(clock, replace(OLD, age=0.0), beats=True)
    with pytest.raises(CollectionBusy):
        _waiting(ledger, clock).take(NEW, wait=300)
    assert clock.now - 1_000 == pytest.approx(300, abs=1)


def test_waiting_ends_when_the_run_is_asked_to_stop(clock: Clock) -> None:
    ledger = OneLease(clock, OLD, beats=True)
    clock.at(20, clock.set)
    with pytest.raises(RunInterrupted):
        _waiting(ledger, clock).take(NEW, wait=300)
    assert clock.now - 1_000 < 22


def test_of_two_that_take_a_lease_the_quicker_has_it(clock: Clock) -> None:
    ledger = OneLease(clock)
    ledger.quicker = [replace(OLD, token="quick")]
    with pytest.raises(CollectionBusy) as caught:
        _waiting(ledger, clock).take(NEW, wait=0)
    assert caught.value.token == "quick"


def test_a_lease_that_was_taken_although_nobody_could_say_so_is_ours(clock: Clock) -> None:
    ledger = OneLease(clock, NEW)
    _waiting(ledger, clock).take(NEW, wait=0)
    assert ledger.swaps == []


def test_a_program_frees_what_a_dead_run_left_and_no_other(clock: Clock) -> None:
    ledger = OneLease(clock, replace(OLD, age=61.0))
    _waiting(ledger, clock).free("fruit", wait=0)
    assert ledger.held is None
    _waiting(ledger, clock).free("fruit", wait=0)
    with pytest.raises(CollectionBusy):
        _waiting(OneLease(clock, OLD), clock).free("fruit", wait=0)


def test_a_token_of_this_process_whose_run_has_ended_is_free(clock: Clock) -> None:
    ledger = OneLease(clock, replace(OLD, token="mine", owner=ME))
    with pytest.raises(CollectionBusy):
        _waiting(ledger, clock).take(NEW, wait=0)
    give_up("mine")
    try:
        _waiting(ledger, clock).take(NEW, wait=0)
    finally:
        forget("mine")
    assert ledger.held == NEW


@pytest.mark.parametrize("age", [-3_600.0, 61.0])
def test_a_clock_that_was_set_back_keeps_no_lease_alive(clock: Clock, age: float) -> None:
    looker = Looker(ME, TIMES, lambda: clock.now)
    assert looker.look(replace(OLD, age=age)) == "doubtful"
    clock.now += TIMES.again - 1
    assert looker.look(replace(OLD, age=age + 14)) == "doubtful"
    clock.now += 1
    assert looker.look(replace(OLD, age=age + 15)) == "silent"


def test_two_looks_at_different_leases_say_nothing(clock: Clock) -> None:
    looker = Looker(ME, TIMES, lambda: clock.now)
    for token in ("first", "second"):
        assert looker.look(replace(OLD, token=token, age=100)) == "doubtful"
        clock.now += TIMES.again


def test_the_error_is_the_same_for_everybody() -> None:
    values: dict[str, Any] = {"run_id": "r", "held_by": "process 1 on x", "since": "2026"}
    assert "'fruit'" in str(CollectionBusy("fruit", **values))
    assert "another run is loading it" in str(CollectionBusy("fruit"))
