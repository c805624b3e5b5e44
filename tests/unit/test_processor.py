"""The report's names, one by one: what they return, how long they wait, what they never do."""

from __future__ import annotations

import logging
import sqlite3
import threading
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from batchwright import (
    Account,
    Batch,
    BatchConfig,
    BatchProcessor,
    BatchProgress,
    BatchResult,
    ErrorRecoveryAction,
    Failure,
    ProcessedChunk,
    Receipt,
    RecordType,
    Sink,
    SinkOptions,
    Store,
    Verdict,
    hookimpl,
)
from batchwright.engine.program.records import owned
from tests.support.memory import MemoryPlugin
from tests.support.programs import BATCH, chunks


@pytest.fixture
def processor(tmp_path: Path) -> BatchProcessor:
    return BatchProcessor(BatchConfig(input_dir=tmp_path))


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    seen: list[float] = []
    mine, real = threading.current_thread(), threading.Event.wait

    def wait(self: threading.Event, timeout: float | None = None) -> bool:
        if timeout is None or threading.current_thread() is not mine:
            return real(self, timeout)
        seen.append(timeout)
        return False

    monkeypatch.setattr(threading.Event, "wait", wait)
    return seen


def test_the_actions_have_the_reports_values() -> None:
    assert [action.value for action in ErrorRecoveryAction] == ["retry", "skip", "fail"]


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (TimeoutError("slow"), ErrorRecoveryAction.RETRY),
        (ConnectionError("gone"), ErrorRecoveryAction.RETRY),
        (ValueError("bad"), ErrorRecoveryAction.SKIP),
        (TypeError("bad"), ErrorRecoveryAction.SKIP),
        (sqlite3.IntegrityError("UNIQUE"), ErrorRecoveryAction.FAIL),
        (RuntimeError("what"), ErrorRecoveryAction.FAIL),
    ],
)
def test_handle_error_classifies_logs_and_notes(
    processor: BatchProcessor, error: Exception, action: ErrorRecoveryAction, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "batchwright"):
        assert processor.handle_error(error, BATCH) is action
    assert "batch 3" in caplog.text
    assert str(error) in caplog.text
    [noted] = processor.get_progress().errors
    assert str(error) in noted
    assert processor.get_progress().has_errors


def test_a_batch_that_works_is_not_retried(processor: BatchProcessor) -> None:
    result = processor.process_batch_with_retry(BATCH, lambda batch: 5)
    assert result == BatchResult(True, 0, None, 5, 3)


def test_transient_errors_wait_1_2_4_seconds_then_give_up(
    processor: BatchProcessor, waits: list[float]
) -> None:
    calls: list[Batch[Any]] = []

    def fail(batch: Batch[Any]) -> int:
        calls.append(batch)
        raise TimeoutError("always")

    result = processor.process_batch_with_retry(BATCH, fail, max_retries=3)

    assert waits == [1.0, 2.0, 4.0]
    assert len(calls) == 4
    assert result == BatchResult(False, 3, "always", 0, 3)


def test_a_retry_that_works_is_a_success(processor: BatchProcessor, waits: list[float]) -> None:
    errors = [TimeoutError("once")]

    def work(batch: Batch[Any]) -> int:
        if errors:
            raise errors.pop()
        return 7

    assert processor.process_batch_with_retry(BATCH, work, max_retries=2) == BatchResult(True, 1, None, 7, 3)
    assert waits == [1.0]


@pytest.mark.parametrize("error", [ValueError("bad"), sqlite3.IntegrityError("bad"), KeyError("bad")])
def test_skip_and_fail_are_neither_retried_nor_raised(processor: BatchProcessor, error: Exception) -> None:
    calls = []

    def work(batch: Batch[Any]) -> int:
        calls.append(batch)
        raise error

    result = processor.process_batch_with_retry(BATCH, work)
    assert (result.success, result.retry_count, len(calls)) == (False, 0, 1)
    assert result.error is not None
    assert "bad" in result.error


def test_progress_starts_at_nothing(processor: BatchProcessor) -> None:
    assert processor.get_progress() == BatchProgress()
    assert processor.get_progress().percent_complete == 0.0


@pytest.mark.parametrize("figures", [(-1, 10, 32), (0, -1, 32), (0, 10, -1)])
def test_figures_below_zero_are_refused_and_leave_the_progress_as_it_is(
    processor: BatchProcessor, figures: tuple[int, int, int]
) -> None:
    processor.track_progress(0, 10, 32)
    before = processor.get_progress()
    with pytest.raises(ValueError, match="must be at least 0"):
        processor.track_progress(*figures)
    assert processor.get_progress() == before


def test_a_number_of_rows_that_the_driver_does_not_know_counts_as_none(processor: BatchProcessor) -> None:
    assert processor.process_batch_with_retry(BATCH, lambda batch: -1) == BatchResult(True, 0, None, 0, 3)


@pytest.mark.parametrize("answer", [None, "7", 7.0, True])
def test_a_callable_that_says_no_number_failed(processor: BatchProcessor, answer: Any) -> None:
    result = processor.process_batch_with_retry(BATCH, lambda batch: answer)
    assert (result.success, result.retry_count, result.documents_processed) == (False, 0, 0)
    assert f"the processor returned {type(answer).__name__}; it has to return how many" in str(result.error)


def test_track_progress_adds_up(processor: BatchProcessor) -> None:
    for index in range(3):
        processor.track_progress(index, 10, 32)
    progress = processor.get_progress()
    assert (progress.batches_completed, progress.batches_total) == (3, 10)
    assert (progress.documents_processed, progress.current_batch_index) == (96, 2)
    assert progress.percent_complete == 30.0
    assert progress.start_time is not None


def test_get_progress_returns_an_independent_copy(processor: BatchProcessor) -> None:
    processor.track_progress(0, 10, 32)
    first = processor.get_progress()
    first.errors.append("mine")
    first.batches_completed = 9
    assert processor.get_progress().errors == []
    assert processor.get_progress().batches_completed == 1


def test_a_result_can_not_be_altered() -> None:
    with pytest.raises(FrozenInstanceError):
        BatchResult(True).success = False  # type: ignore[misc]


def test_making_a_processor_connects_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    BatchProcessor(BatchConfig(input_dir=tmp_path))
    BatchProcessor(BatchConfig(input_dir=tmp_path, to="postgresql://nobody@127.0.0.1:1/none"))
    assert list(tmp_path.iterdir()) == []


class Gateway:
    """Knows what error 4711 means."""

    name = "gateway"

    @hookimpl
    def classify_error(self, failure: Failure) -> Verdict | None:
        if "4711" in str(failure.error):
            return Verdict(ErrorRecoveryAction.RETRY, "the gateway is busy", wait=30.0)
        return None


def test_a_plugin_is_asked_before_the_built_in(tmp_path: Path, waits: list[float]) -> None:
    processor = BatchProcessor(BatchConfig(input_dir=tmp_path), plugins=[Gateway()])
    assert processor.handle_error(ValueError("4711"), BATCH) is ErrorRecoveryAction.RETRY
    assert processor.handle_error(ValueError("42"), BATCH) is ErrorRecoveryAction.SKIP

    def work(batch: Batch[Any]) -> int:
        raise RuntimeError("error 4711")

    processor.process_batch_with_retry(BATCH, work, max_retries=2)
    assert waits == [30.0, 30.0]


def test_the_settings_override_an_sqlstate(tmp_path: Path) -> None:
    import psycopg.errors

    config = BatchConfig(input_dir=tmp_path, sqlstates={"23505": ErrorRecoveryAction.SKIP})
    processor = BatchProcessor(config)
    assert processor.handle_error(psycopg.errors.UniqueViolation(), BATCH) is ErrorRecoveryAction.SKIP
    assert processor.handle_error(psycopg.errors.NotNullViolation(), BATCH) is ErrorRecoveryAction.FAIL


def test_inserted_chunks_become_visible_when_their_document_is_whole(tmp_path: Path) -> None:
    plugin = MemoryPlugin()
    processor = BatchProcessor(BatchConfig(input_dir=tmp_path, to="memory://"), plugins=[plugin])
    records = chunks(5)

    assert processor.insert_chunks(records[:3]).account.records.written == 3
    assert plugin.database.tables.published() == {}
    assert processor.insert_chunks(records[3:]).account.records.written == 2
    assert plugin.database.tables.published() == {"mine.md": [owned(record, "chunks") for record in records]}


def test_inserting_again_doubles_nothing(tmp_path: Path) -> None:
    plugin = MemoryPlugin()
    processor = BatchProcessor(BatchConfig(input_dir=tmp_path, to="memory://"), plugins=[plugin])
    records = chunks(4)
    for part in (records[:2], records[:2], records[2:], records):
        processor.insert_chunks(part)
    assert plugin.database.tables.published() == {"mine.md": [owned(record, "chunks") for record in records]}
    assert processor.insert_chunks([]).account == Account()


class KeyOptions(SinkOptions):
    api_key: SecretStr


def test_a_secret_option_of_a_sink_is_masked_wherever_an_error_repeats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class KeySink(Sink[KeyOptions]):
        name, schemes, options_type = "keyed", ("keyed",), KeyOptions

        def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Store:
            return KeyStore(self.options)

    class KeyStore(Store):
        def __init__(self, options: KeyOptions) -> None:
            self.options = options

        def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
            if batch.documents:
                raise ValueError(f"refused canary: {self.options.api_key.get_secret_value()}")

    class Plugin:
        @hookimpl
        def register_sinks(self) -> list[type[KeySink]]:
            return [KeySink]

    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.md").write_text("Some words.\n")
    config = BatchConfig(input_dir=tmp_path, to="keyed://", sink={"keyed": {"api_key": "c4n4ry"}})
    processor = BatchProcessor(config, plugins=[Plugin()])
    assert processor.run().account.records.rejected == 1
    assert processor.get_progress().errors == ["batch 0: ValueError: refused canary: ***"]
    assert "c4n4ry" not in caplog.text
    assert not [path for path in tmp_path.rglob("*.db*") if b"c4n4ry" in path.read_bytes()]


def test_a_run_that_was_stopped_is_not_at_a_hundred_percent(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.md").write_text("Some words.\n")
    config = BatchConfig(input_dir=tmp_path, to="memory://", batch_size=1)
    processor = BatchProcessor(config, plugins=[MemoryPlugin()])
    assert processor.run(on_stored=lambda batch: processor.stop()).state == "interrupted"
    assert 0.0 < processor.get_progress().percent_complete < 100.0
    assert processor.run().state == "done"
    assert processor.get_progress().percent_complete == 100.0


def test_a_run_leaves_alone_what_a_program_inserts(tmp_path: Path) -> None:
    (tmp_path / "found.md").write_text("found")
    plugin = MemoryPlugin()
    config = BatchConfig(input_dir=tmp_path, to="memory://", prune=True, prune_limit=1.0, collection="shared")
    processor = BatchProcessor(config, plugins=[plugin])
    whole, begun = chunks(3, "whole.md"), chunks(4, "begun.md")
    processor.insert_chunks(whole)
    processor.insert_chunks(begun[:2])

    account = processor.run().account
    assert (account.documents.added, account.documents.total, account.removed) == (1, 1, 0)
    processor.insert_chunks(begun[2:])
    published = plugin.database.tables.published()
    assert published["whole.md"] == [owned(chunk, "shared") for chunk in whole]
    assert published["begun.md"] == [owned(chunk, "shared") for chunk in begun]
