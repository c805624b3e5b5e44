"""Runs of one processor: one at a time, each with its own end."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from batchwright import (
    Batch,
    BatchConfig,
    BatchProcessor,
    BatchwrightError,
    ErrorRecoveryAction,
    Failure,
    ProcessedChunk,
    Receipt,
    Reporter,
    ReporterOptions,
    RunResult,
    Stop,
    Verdict,
    hookimpl,
)
from batchwright.contracts.events import Event, InputCounted, RunFinished, RunStarted
from tests.support.listener import Listener
from tests.support.memory import MemoryPlugin, fail_once
from tests.support.programs import BATCH, chunks

# --- runs of one processor ------------------------------------------------------------------------------


@pytest.fixture
def loading(tmp_path: Path) -> tuple[BatchProcessor, MemoryPlugin]:
    (tmp_path / "a.md").write_text("Some words.\n")
    plugin = MemoryPlugin()
    return BatchProcessor(BatchConfig(input_dir=tmp_path, to="memory://"), plugins=[plugin]), plugin


def test_leaving_a_processor_does_not_stop_its_next_run(
    loading: tuple[BatchProcessor, MemoryPlugin],
) -> None:
    processor, _ = loading
    with processor:
        pass
    assert processor.run().state == "done"
    with processor:
        assert processor._insert_chunks(chunks(2)) == 2
    assert processor.run().account.documents.unchanged == 1
    assert processor._insert_chunks(chunks(2, "other.md")) == 2


def test_leaving_a_processor_ends_what_is_running(loading: tuple[BatchProcessor, MemoryPlugin]) -> None:
    processor, plugin = loading
    at_work = threading.Event()

    def fail(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        at_work.set()
        raise TimeoutError("slow")

    plugin.database.before = fail
    results: list[RunResult] = []
    thread = threading.Thread(target=lambda: results.append(processor.run()))
    with processor:
        thread.start()
        assert at_work.wait(10)
    thread.join(10)
    [result] = results
    assert (result.state, result.reason) == ("interrupted", "the processor was closed")


def test_stopping_while_nothing_runs_stops_nothing(loading: tuple[BatchProcessor, MemoryPlugin]) -> None:
    processor, _ = loading
    processor.stop()
    assert processor.process_batch_with_retry(BATCH, lambda batch: 1).success
    assert processor.run().state == "done"


def test_a_stop_that_is_handed_in_ends_that_run_alone(loading: tuple[BatchProcessor, MemoryPlugin]) -> None:
    processor, _ = loading
    stop = Stop()
    stop.request("not today")
    result = processor.run(stop=stop)
    assert (result.state, result.reason) == ("interrupted", "not today")
    assert processor.run().state == "done"


def test_of_two_runs_at_once_the_second_raises_and_leaves_the_first_alone(
    loading: tuple[BatchProcessor, MemoryPlugin],
) -> None:
    processor, plugin = loading
    at_work, go_on = threading.Event(), threading.Event()

    def wait(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        at_work.set()
        assert go_on.wait(10)

    plugin.database.before = wait
    results: list[RunResult] = []
    thread = threading.Thread(target=lambda: results.append(processor.run()))
    thread.start()
    try:
        assert at_work.wait(10)
        with pytest.raises(BatchwrightError, match="running already"):
            processor.run()
    finally:
        go_on.set()
        thread.join(10)
    assert [result.state for result in results] == ["done"]
    assert processor.run().account.documents.unchanged == 1


@pytest.mark.parametrize("is_fresh", [True, False])
def test_an_input_without_documents_is_reported_from_start_to_finish(tmp_path: Path, is_fresh: bool) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    plugin, listener = MemoryPlugin(), Listener()
    plugin.database.opens = 0 if is_fresh else 1  # whether the sink says it exists
    config = BatchConfig(input_dir=folder, to="memory://")
    result = BatchProcessor(config, plugins=[plugin], reporters=[listener]).run()

    assert [type(event) for event in listener.events] == [RunStarted, InputCounted, RunFinished]
    started, counted, finished = listener.events
    assert isinstance(started, RunStarted)
    assert isinstance(finished, RunFinished)
    assert started.run_id == finished.run_id == result.run_id
    assert counted == InputCounted(0, 0)
    assert (finished.state, finished.account, finished.reason) == ("done", result.account, "")
    assert result.account.documents.total == result.account.records.total == 0
    assert bool(plugin.database.tables.runs) is not is_fresh  # a fresh target stays untouched
    assert (plugin.database.opens == 0) is is_fresh


class Phases:
    """Notes in which phases errors are classified."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int | None]] = []

    @hookimpl
    def classify_error(self, failure: Failure) -> Verdict:
        self.seen.append((failure.phase, failure.batch.batch_index if failure.batch else None))
        return Verdict(ErrorRecoveryAction.RETRY, wait=0.0)


def test_the_phase_of_a_failure_is_the_callers_and_not_in_the_batchs_metadata(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("Some words.\n")
    plugin, phases = MemoryPlugin(), Phases()
    processor = BatchProcessor(BatchConfig(input_dir=tmp_path, to="memory://"), plugins=[plugin, phases])
    errors = [TimeoutError("once")]

    def work(batch: Batch[Any]) -> int:
        if errors:
            raise errors.pop()
        return 1

    batch: Batch[Any] = Batch([], 7, {"phase": "ledger"})
    assert processor.process_batch_with_retry(batch, work).success
    assert processor.handle_error(ValueError(), batch) is ErrorRecoveryAction.RETRY
    assert phases.seen == [("process", 7), ("process", 7)]
    assert batch.metadata == {"phase": "ledger"}

    phases.seen.clear()
    opening = [TimeoutError("opening")]

    def open_again() -> None:
        if opening:
            raise opening.pop()

    plugin.database.on_open = open_again
    plugin.database.before = fail_once(TimeoutError("writing"))
    assert processor.run().state == "done"
    assert phases.seen == [("open", None), ("write", 0)]


class Wandering(Reporter[ReporterOptions]):
    """Changes the working directory of the whole process."""

    name = "wandering"

    def __init__(self, to: Path) -> None:
        super().__init__(ReporterOptions())
        self.to = to

    def handle(self, event: Event) -> None:
        os.chdir(self.to)


def test_a_run_ends_in_the_file_that_it_began_in_whoever_changes_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("here/docs", "there"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "here/docs/a.md").write_text("Some words.\n")
    monkeypatch.chdir(tmp_path / "here")
    config = BatchConfig(source="docs", to="sqlite:///kb.db", workers=1, reporters=())
    result = BatchProcessor(config, reporters=[Wandering(tmp_path / "there")]).run()
    assert (result.state, result.account.documents.added) == ("done", 1)
    assert (tmp_path / "here/kb.db").exists()
    assert list((tmp_path / "there").iterdir()) == []
