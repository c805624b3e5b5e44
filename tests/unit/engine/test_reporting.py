"""Reporters that raise, hang, or are slow, and what they get of a run."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar, copy_context

import pytest

from batchwright import Account, Reporter, ReporterOptions
from batchwright.contracts.events import BatchWritten, Event, RunFinished
from batchwright.engine import dispatch, reporting
from batchwright.engine.dispatch import Dispatcher

WRITTEN = [BatchWritten(index, 1) for index in range(20)]
THE_END = RunFinished("run", "done", Account(), "")


class Noting(Reporter[ReporterOptions]):
    """Notes what it gets, and does what a subclass does at the third event."""

    name = "noting"

    def __init__(self) -> None:
        super().__init__(ReporterOptions())
        self.seen: list[Event] = []
        self.closed = 0

    def handle(self, event: Event) -> None:
        self.seen.append(event)
        if len(self.seen) == 3:
            self.third()

    def third(self) -> None: ...

    def close(self) -> None:
        self.closed += 1


def raiser(error: BaseException) -> Noting:
    class Raising(Noting):
        name = "raising"

        def third(self) -> None:
            raise error

    return Raising()


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "PATIENCE", 0.3)


def run(*reporters: Noting) -> Dispatcher:
    dispatcher = Dispatcher(reporters)
    for event in (*WRITTEN, THE_END):
        dispatcher.emit(event)
    dispatcher.close()
    return dispatcher


@pytest.mark.parametrize(
    "error",
    [ZeroDivisionError("oops"), SystemExit(0), KeyboardInterrupt(), GeneratorExit(), BaseException("bare")],
    ids=lambda error: type(error).__name__,
)
def test_a_reporter_that_raised_gets_the_final_event_and_nothing_before(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = raiser(error), Noting()
    with caplog.at_level(logging.WARNING, "batchwright"):
        dispatcher = run(bad, good)
    assert bad.seen == [*WRITTEN[:3], THE_END]
    assert good.seen == [*WRITTEN, THE_END]
    assert (bad.closed, good.closed) == (1, 1)
    [fault] = dispatcher.faults()
    assert (fault.name, fault.kind) == ("raising", "reporter")
    assert fault.what.startswith(f"raised {type(error).__name__}")
    assert len(caplog.messages) == 1


def test_a_reporter_that_hangs_gets_nothing_more_and_the_others_all(let_go: threading.Event) -> None:
    class Hanging(Noting):
        name = "hanging"

        def third(self) -> None:
            let_go.wait(60)

    bad, good = Hanging(), Noting()
    began = time.monotonic()
    dispatcher = run(bad, good)
    assert time.monotonic() - began < 10
    assert (bad.seen, bad.closed) == (WRITTEN[:3], 0)
    assert (good.seen, good.closed) == ([*WRITTEN, THE_END], 1)
    [fault] = dispatcher.faults()
    assert fault.what == "hangs: 'handle' has not returned for 0.3 s; it gets nothing more of this run"
    let_go.set()
    time.sleep(0.1)
    assert bad.seen == WRITTEN[:3], "it came back, and went on"


def test_a_reporter_that_hangs_holds_up_the_run_once_however_much_there_is(let_go: threading.Event) -> None:
    class Hanging(Noting):
        def third(self) -> None:
            let_go.wait(60)

    dispatcher = Dispatcher([Hanging()])
    began = time.monotonic()
    for index in range(5 * reporting.ROOM):
        dispatcher.emit(BatchWritten(index, 1))
    dispatcher.close()
    assert time.monotonic() - began < 5


def test_a_close_that_hangs_ends(let_go: threading.Event) -> None:
    class Lingering(Noting):
        def close(self) -> None:
            let_go.wait(60)

    dispatcher = run(Lingering(), Noting())
    [fault] = dispatcher.faults()
    assert fault.what.startswith("hangs: 'close' has not returned")


def test_a_reporter_too_far_behind_at_the_end_gets_the_final_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "PATIENCE", 5.0)
    monkeypatch.setattr(dispatch, "LAST_CALLS", 2.0)

    class Slow(Noting):
        def handle(self, event: Event) -> None:
            super().handle(event)
            time.sleep(0.2)

    slow = Slow()
    dispatcher = run(slow)
    [fault] = dispatcher.faults()
    assert "too far behind at the run's end" in fault.what
    assert len(slow.seen) < len(WRITTEN)
    assert (slow.seen[-1], slow.closed) == (THE_END, 1)


def test_a_slow_reporter_gets_every_event_in_order_and_few_wait_for_it() -> None:
    class Slow(Noting):
        def handle(self, event: Event) -> None:
            super().handle(event)
            time.sleep(0.001)

    slow = Slow()
    dispatcher = Dispatcher([slow])
    events = [BatchWritten(index, 1) for index in range(3 * reporting.ROOM)]
    for event in events:
        dispatcher.emit(event)
    assert len(events) - len(slow.seen) <= 2 * reporting.ROOM + 1
    dispatcher.close()
    assert slow.seen == events
    assert not dispatcher.faults()


def test_events_from_many_threads_reach_a_reporter_one_at_a_time() -> None:
    class Careful(Noting):
        inside = 0

        def handle(self, event: Event) -> None:
            self.inside += 1
            assert self.inside == 1
            super().handle(event)
            self.inside -= 1

    careful = Careful()
    dispatcher = Dispatcher([careful])

    def emit() -> None:
        for event in WRITTEN:
            dispatcher.emit(event)

    threads = [threading.Thread(target=emit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    dispatcher.close()
    assert len(careful.seen) == 8 * len(WRITTEN)
    assert not dispatcher.faults()


def test_a_reporter_s_thread_ends_when_it_is_closed_and_begins_again_for_a_late_event() -> None:
    before = threading.active_count()
    reporter = Noting()
    dispatcher = Dispatcher([reporter])
    dispatcher.emit(WRITTEN[0])
    dispatcher.close()
    assert threading.active_count() == before
    dispatcher.emit(THE_END)
    dispatcher.close()
    assert reporter.seen == [WRITTEN[0], THE_END]
    assert threading.active_count() == before


def test_an_async_handler_is_named_and_not_silently_ignored() -> None:
    class Modern(Noting):
        async def handle(self, event: Event) -> None:  # type: ignore[override]  # its fault
            self.seen.append(event)

    [fault] = run(Modern()).faults()
    assert "called, not awaited" in fault.what


def test_who_emits_does_not_wait_for_a_reporter_that_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "_GATHER", 3.0)
    reporter = Noting()
    dispatcher = Dispatcher([reporter])
    began = time.monotonic()
    for index in range(4 * reporting.ROOM):
        dispatcher.emit(BatchWritten(index, 1))
    dispatcher.close()
    assert time.monotonic() - began < 3
    assert len(reporter.seen) == 4 * reporting.ROOM


def test_a_reporter_sees_the_context_of_the_program_whichever_thread_emits() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="")
    seen: list[str] = []

    class Looking(Noting):
        def handle(self, event: Event) -> None:
            seen.append(variable.get())

        def close(self) -> None:
            seen.append(variable.get())

    def program() -> None:
        variable.set("the program's")
        dispatcher = Dispatcher([Looking()])
        for event in WRITTEN[:2]:
            writer = threading.Thread(target=dispatcher.emit, args=(event,))
            writer.start()
            writer.join()
        dispatcher.close()

    copy_context().run(program)
    assert seen == ["the program's"] * 3


def test_a_reporter_for_which_no_thread_can_be_started_is_left_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As where a container limits its processes; whoever emits must neither fail nor wait."""

    def refused(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    noting = Noting()
    dispatcher = Dispatcher([noting])
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refused)
        for event in [*WRITTEN * 50, THE_END]:
            dispatcher.emit(event)
        dispatcher.close()
    assert noting.seen == []
    assert [fault.what for fault in dispatcher.faults()] == [
        "can't start new thread; it gets nothing more of this run"
    ]
