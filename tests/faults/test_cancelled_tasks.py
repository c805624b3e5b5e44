"""`await processor.arun()`: a task cancelled at random points leaves nothing running, and loses nothing."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from batchwright import BatchConfig, BatchProcessor, BatchwrightError, ConfigError, RunResult
from batchwright.builtin.postgres.store import PostgresStore
from batchwright.builtin.sqlite.store import SqliteStore
from batchwright.contracts.events import BatchWritten, Event, RunFinished
from batchwright.contracts.reporter import Reporter, ReporterOptions
from tests.support.corpus import write_corpus
from tests.support.loads import Watcher, config_of
from tests.support.slow import SlowSizer
from tests.support.tables import published, rows

ROUNDS = 12


class Acting(Reporter[ReporterOptions]):
    """Acts once, at the event of this number."""

    name = "acting"

    def __init__(self, at: int, act: Callable[[], object]) -> None:
        super().__init__(ReporterOptions())
        self.left = at
        self._act = act

    def handle(self, event: Event) -> None:
        self.left -= 1
        if self.left == 0:
            self._act()


@pytest.fixture
def corpus(tmp_path: Path, seed: int) -> Path:
    return write_corpus(tmp_path / "docs", seed)


@pytest.fixture(autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    gc.collect()
    deadline = time.monotonic() + 5  # threads of calls that were given back end by themselves
    while left := [t.name for t in threading.enumerate() if t not in before]:
        assert time.monotonic() < deadline, f"left running: {left}"
        time.sleep(0.02)
    assert multiprocessing.active_children() == []


def running() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("batchwright-")]


def over() -> bool:
    """Whether no run is going on; a connection may still be closing."""
    return not any(name.startswith(("batchwright-task", "batchwright-writer")) for name in running())


async def started(
    config: BatchConfig, at: int = 1, plugins: Sequence[object] = ()
) -> tuple[BatchProcessor, asyncio.Task[RunResult], bool]:
    """Begin a run; return when it is at its event `at`, or over, and whether it is over."""
    loop, there = asyncio.get_running_loop(), asyncio.Event()
    reporter = Acting(at, lambda: loop.call_soon_threadsafe(there.set))
    processor = BatchProcessor(config, reporters=[reporter], plugins=plugins)
    task = asyncio.create_task(processor.arun())
    waiting = asyncio.create_task(there.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    return processor, task, task.done()


def test_runs_that_are_cancelled_at_random_points_add_up_to_one(
    corpus: Path, url: str, seed: int, tmp_path: Path
) -> None:
    chance, whole = random.Random(seed), f"sqlite:///{tmp_path}/whole.db"
    BatchProcessor(config_of(corpus, whole), reporters=[counting := Watcher()]).run()

    async def interfere() -> bool:
        config = config_of(corpus, url, workers=1 if url.startswith("sqlite") else 2)
        slow = SlowSizer(chance.randrange(2**32), 0.01)
        _, task, is_over = await started(config, chance.randint(1, len(counting.events)), [slow])
        if is_over:
            assert (await task).state == "done"
            return False
        for _ in range(chance.randint(1, 3)):  # to be impatient changes nothing
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        assert over()
        return True

    assert sum(asyncio.run(interfere()) for _ in range(ROUNDS)) > 0
    assert asyncio.run(BatchProcessor(config_of(corpus, url)).arun()).state == "done"
    assert published(url) == published(whole)
    assert asyncio.run(BatchProcessor(config_of(corpus, url)).arun()).account.records.written == 0
    assert {row["state"] for row in rows(url, "knowledge_base_runs")} <= {"done", "interrupted"}


def test_the_batch_in_flight_is_stored_before_the_task_ends(
    corpus: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch begins before the task is cancelled; its rows are there when CancelledError is raised."""
    kind: Any = SqliteStore if url.startswith("sqlite") else PostgresStore
    write = kind.write

    async def cancel_in_a_batch() -> None:
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def held_up(*arguments: Any) -> None:
            loop.call_soon_threadsafe(begun.set)
            time.sleep(0.1)  # the task is cancelled meanwhile
            write(*arguments)

        monkeypatch.setattr(kind, "write", held_up)
        watcher = Watcher()
        task = asyncio.create_task(BatchProcessor(config_of(corpus, url), reporters=[watcher]).arun())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert watcher.seen(BatchWritten) == 1

    asyncio.run(cancel_in_a_batch())
    assert len(rows(url, "knowledge_base_records")) == 7


def test_a_timeout_stops_the_run_and_is_a_timeout(corpus: Path, url: str) -> None:
    async def hurry() -> None:
        loop, slow = asyncio.get_running_loop(), SlowSizer(1, 0.3)
        async with asyncio.timeout(None) as limit:
            reporter = Acting(4, lambda: loop.call_soon_threadsafe(limit.reschedule, loop.time()))
            await BatchProcessor(config_of(corpus, url), reporters=[reporter], plugins=[slow]).arun()

    with pytest.raises(TimeoutError):
        asyncio.run(hurry())
    assert over()


def test_a_task_group_waits_for_the_run_that_it_cancels(corpus: Path, url: str) -> None:
    ended: list[bool] = []

    async def fail(begun: asyncio.Event) -> None:
        await begun.wait()
        raise ValueError("of a sibling")

    async def load(begun: asyncio.Event) -> None:
        loop, slow = asyncio.get_running_loop(), SlowSizer(1, 0.3)
        reporter = Acting(4, lambda: loop.call_soon_threadsafe(begun.set))
        try:
            await BatchProcessor(config_of(corpus, url), reporters=[reporter], plugins=[slow]).arun()
        finally:
            ended.append(over())

    async def both() -> None:
        begun = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(load(begun))
            group.create_task(fail(begun))

    with pytest.raises(ExceptionGroup, match="unhandled") as caught:
        asyncio.run(both())
    assert [str(error) for error in caught.value.exceptions] == ["of a sibling"]
    assert ended == [True]


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="signals of POSIX")
@pytest.mark.parametrize("times", [1, 2])
def test_asyncio_run_that_is_interrupted_ends_the_run_first(corpus: Path, url: str, times: int) -> None:
    def interrupt() -> None:
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.02)

    processor = BatchProcessor(
        config_of(corpus, url), reporters=[Acting(4, interrupt)], plugins=[SlowSizer(1, 0.3)]
    )
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(processor.arun())
    assert over()
    assert {row["state"] for row in rows(url, "knowledge_base_runs")} == {"interrupted"}


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="signals of POSIX")
def test_a_run_that_is_interrupted_where_it_was_called_has_not_died(corpus: Path, url: str) -> None:
    """As in the cell of a notebook: the ledger says how it ended, and the next run is like any other."""
    acting, watcher = Acting(4, lambda: os.kill(os.getpid(), signal.SIGINT)), Watcher()
    processor = BatchProcessor(
        config_of(corpus, url), reporters=[acting, watcher], plugins=[SlowSizer(1, 0.3)]
    )
    with pytest.raises(KeyboardInterrupt):
        processor.run()
    assert over()
    assert [row["state"] for row in rows(url, "knowledge_base_runs")] == ["interrupted"]
    last = watcher.events[-1]
    assert isinstance(last, RunFinished)
    assert (last.state, last.exit_code) == ("interrupted", 130)


def test_reading_processes_end_with_the_task(corpus: Path, tmp_path: Path) -> None:
    async def cancel() -> None:
        config = config_of(corpus, f"sqlite:///{tmp_path}/kb.db", readers=2)
        _, task, _ = await started(config, 5, [SlowSizer(1, 0.3)])
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert multiprocessing.active_children() == []


def test_a_loop_that_dies_takes_the_run_with_it(corpus: Path, tmp_path: Path) -> None:
    loop, begun = asyncio.new_event_loop(), asyncio.Event()
    processor = BatchProcessor(
        config_of(corpus, f"sqlite:///{tmp_path}/kb.db"),
        reporters=[Acting(4, lambda: loop.call_soon_threadsafe(begun.set))],
        plugins=[SlowSizer(1, 0.3)],
    )
    run = processor.arun()
    task = loop.create_task(run)
    loop.run_until_complete(begun.wait())
    loop.close()
    run.close()
    deadline = time.monotonic() + 20
    while not over():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # that it is pending is the point
    assert {row["state"] for row in rows(processor.config.to, "knowledge_base_runs")} == {"interrupted"}


# --- beside other things ------------------------------------------------------------------------------


def test_the_event_loop_goes_on_meanwhile_and_two_processors_run_at_once(
    corpus: Path, tmp_path: Path
) -> None:
    async def both() -> tuple[int, list[RunResult]]:
        ticks, ended = 0, asyncio.Event()

        async def tick() -> None:
            nonlocal ticks
            while not ended.is_set():
                ticks += 1
                await asyncio.sleep(0.005)

        ticking = asyncio.create_task(tick())
        results = await asyncio.gather(
            *(
                BatchProcessor(
                    config_of(corpus, f"sqlite:///{tmp_path}/{n}.db"), plugins=[SlowSizer(n, 0.05)]
                ).arun()
                for n in range(2)
            )
        )
        ended.set()
        await ticking
        return ticks, results

    ticks, results = asyncio.run(both())
    assert [result.state for result in results] == ["done", "done"]
    assert ticks > 5


def test_a_second_run_of_one_processor_raises_and_leaves_the_first_alone(corpus: Path, url: str) -> None:
    async def twice() -> RunResult:
        processor, first, _ = await started(config_of(corpus, url), 3, [SlowSizer(1, 0.05)])
        with pytest.raises(BatchwrightError, match="running already"):
            await processor.arun()
        with pytest.raises(BatchwrightError, match="running already"):
            processor.run()
        return await first

    assert asyncio.run(twice()).state == "done"


def test_after_it_was_cancelled_the_same_processor_runs_again(corpus: Path, url: str) -> None:
    async def again() -> RunResult:
        processor, task, _ = await started(config_of(corpus, url), 4, [SlowSizer(1, 0.05)])
        task.cancel()
        await asyncio.wait({task})
        return await processor.arun()

    assert asyncio.run(again()).state == "done"


def test_leaving_with_stops_a_run_in_a_task_and_not_the_next(corpus: Path, url: str) -> None:
    async def leave() -> tuple[RunResult, RunResult]:
        processor, task, _ = await started(config_of(corpus, url), 4, [SlowSizer(1, 0.05)])
        with processor:
            pass
        return await task, await processor.arun()

    first, second = asyncio.run(leave())
    assert (first.state, first.reason) == ("interrupted", "the processor was closed")
    assert second.state == "done"


def test_run_may_be_called_where_a_loop_is_running_as_in_a_notebook(corpus: Path, tmp_path: Path) -> None:
    async def cell() -> RunResult:
        return BatchProcessor(config_of(corpus, f"sqlite:///{tmp_path}/kb.db")).run()

    assert asyncio.run(cell()).state == "done"


def test_an_error_of_the_run_is_raised_where_it_is_awaited(corpus: Path, tmp_path: Path) -> None:
    config = config_of(corpus, f"sqlite:///{tmp_path}/kb.db", sink={"sqlite": {"tabel": "x"}})
    with pytest.raises(ConfigError, match="did you mean table"):
        asyncio.run(BatchProcessor(config).arun())
