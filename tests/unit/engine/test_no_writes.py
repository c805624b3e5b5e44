"""A sink that answers but takes no writes: which failure is the batch's own, and which the sink's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from batchwright import Batch, BatchProcessor, ProcessedChunk, Receipt
from batchwright.contracts.events import BatchFailed, OutageEnded, OutageStarted
from tests.support.listener import Listener
from tests.support.memory import Fault, MemoryPlugin
from tests.support.quick_runs import quick_processor, short_documents


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return short_documents(tmp_path / "docs", 40)


def make(docs: Path, plugin: MemoryPlugin, **settings: Any) -> tuple[BatchProcessor, Listener]:
    listener = Listener()
    values = {"batch_size": 4, "max_retries": 1, "workers": 1, **settings}
    return quick_processor(docs, plugin, {"wait": 0.005}, [listener], **values), listener


def disk_full() -> psycopg.Error:
    error = psycopg.errors.DiskFull("could not extend file: No space left on device")
    error.sqlstate = "53100"
    return error


def refusing(when: Callable[[Batch[ProcessedChunk]], bool], error: Callable[[], Exception]) -> Fault:
    """Fail writes of records; what has none, such as a probe or a receipt, gets through."""

    def fault(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if batch.documents and when(batch):
            raise error()

    return fault


def sizes(plugin: MemoryPlugin) -> set[int]:
    return {len(write) for write in plugin.database.writes if write}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("adaptive", [False, True])
def test_a_full_disk_holds_batches_until_there_is_room_and_fails_none(
    docs: Path, plugin: MemoryPlugin, workers: int, adaptive: bool
) -> None:
    until = [0.0]

    def full(batch: Batch[ProcessedChunk]) -> bool:
        if len(plugin.database.tables.rows) >= 12 and not until[0]:
            until[0] = time.monotonic() + 0.5
        return time.monotonic() < until[0]

    plugin.database.before = refusing(full, disk_full)
    processor, listener = make(docs, plugin, workers=workers, adaptive=adaptive)
    result = processor.run()

    assert result.state == "done"
    assert (result.account.records.written, result.account.batches_failed) == (40, 0)
    assert len(listener.of(OutageStarted)) == len(listener.of(OutageEnded)) == 1
    assert "No space left" in listener.of(OutageStarted)[0].error
    result.account.check()


@pytest.mark.parametrize("workers", [1, 3])
def test_a_disk_that_stays_full_interrupts_the_run_and_burns_no_batch(
    docs: Path, plugin: MemoryPlugin, workers: int
) -> None:
    plugin.database.before = refusing(lambda _: len(plugin.database.tables.rows) >= 12, disk_full)
    processor, listener = make(docs, plugin, workers=workers, max_outage=0.3)
    result = processor.run()

    assert (result.state, result.account.batches_failed) == ("interrupted", 0)
    assert "max_outage" in result.reason
    assert (result.account.records.written, result.account.records.failed) == (12, 0)
    assert listener.of(BatchFailed) == []
    assert sizes(plugin) == {4}  # smaller ones don't help
    result.account.check()

    plugin.database.before = lambda batch, receipt: None
    assert make(docs, plugin)[0].run().account.documents.added == 28


@pytest.mark.parametrize("workers", [1, 3])
def test_a_batch_after_which_another_is_stored_failed_on_its_own(
    docs: Path, plugin: MemoryPlugin, workers: int
) -> None:
    plugin.database.before = refusing(
        lambda batch: "08.md" in {c.source_file for c in batch.documents}, disk_full
    )
    processor, listener = make(docs, plugin, workers=workers)
    result = processor.run()

    assert (result.state, result.account.batches_failed) == ("failed", 1)
    assert (result.account.records.written, result.account.records.failed) == (36, 4)
    assert listener.of(OutageStarted) == []


def test_the_last_batch_fails_as_no_other_shows_what_is_wrong(docs: Path, plugin: MemoryPlugin) -> None:
    plugin.database.before = refusing(lambda batch: batch.documents[0].source_file == "36.md", disk_full)
    processor, listener = make(docs, plugin)
    result = processor.run()
    assert (result.state, result.account.records.failed) == ("failed", 4)
    assert listener.of(OutageStarted) == []

    plugin.database.before = lambda batch, receipt: None
    assert make(docs, plugin)[0].run().account.documents.added == 4


def test_two_batches_in_a_row_are_held_whatever_the_class_of_their_errors(
    docs: Path, plugin: MemoryPlugin
) -> None:
    until = [0.0]

    def odd(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if not batch.documents or batch.documents[0].source_file < "08.md":
            return
        until[0] = until[0] or time.monotonic() + 0.4
        if time.monotonic() < until[0]:
            if batch.documents[0].source_file == "08.md":
                raise ConnectionError("reset by peer")
            raise disk_full()

    plugin.database.before = odd
    processor, listener = make(docs, plugin)
    result = processor.run()
    assert (result.state, result.account.records.written) == ("done", 40)
    assert len(listener.of(OutageStarted)) == 1


def test_a_document_is_not_published_without_the_part_of_it_that_is_held(
    tmp_path: Path, plugin: MemoryPlugin
) -> None:
    paragraphs = "\n\n".join(f"# Part {n}\n\nParagraph {n}." for n in range(10))
    for name in ("a.md", "b.md", "c.md"):
        (tmp_path / name).write_text(paragraphs)
    until = [0.0]

    def full(batch: Batch[ProcessedChunk]) -> bool:
        if len(plugin.database.tables.rows) >= 4 and not until[0]:
            until[0] = time.monotonic() + 0.3
        return time.monotonic() < until[0]

    plugin.database.before = refusing(full, disk_full)
    result = make(tmp_path, plugin, chunk_max_tokens=16)[0].run()
    assert (result.state, result.account.documents.added) == ("done", 3)
    result.account.check()
    published = plugin.database.tables.published()
    assert {len(rows) for rows in published.values()} == {result.account.records.written // 3}


def test_stopping_ends_the_wait_for_room_at_once(docs: Path, plugin: MemoryPlugin) -> None:
    plugin.database.before = refusing(lambda _: True, disk_full)
    processor, _ = make(docs, plugin)
    threading.Timer(0.4, processor.stop, ["enough"]).start()
    began = time.monotonic()
    result = processor.run()
    assert (result.state, result.reason) == ("interrupted", "enough")
    assert result.account.batches_failed == 0
    assert time.monotonic() - began < 5


def test_a_batch_that_is_bad_as_well_is_isolated_once_there_is_room(docs: Path, plugin: MemoryPlugin) -> None:
    until = [0.0]

    def odd(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if not batch.documents:
            return
        until[0] = until[0] or time.monotonic() + 0.3
        if time.monotonic() < until[0]:
            raise disk_full()
        if any(chunk.source_file == "05.md" for chunk in batch.documents):
            raise ValueError("bad")

    plugin.database.before = odd
    result = make(docs, plugin)[0].run()
    assert (result.state, result.account.records.written, result.account.records.rejected) == ("done", 39, 1)
    result.account.check()


# --- time-outs --------------------------------------------------------------------------------------


def timed_out(sqlstate: str) -> psycopg.Error:
    error = psycopg.OperationalError("canceling statement due to statement timeout")
    error.sqlstate = sqlstate
    return error


@pytest.mark.parametrize(
    ("settings", "sqlstate"),
    [
        ({"batch_size": 20}, "57014"),
        ({"batch_size": 20}, "25P04"),
        ({"adaptive": True, "batch_size": None}, "57014"),
    ],
)
def test_a_batch_that_times_out_twice_is_cut_and_its_size_never_asked_for_again(
    docs: Path, plugin: MemoryPlugin, settings: dict[str, Any], sqlstate: str
) -> None:
    plugin.database.before = refusing(lambda batch: len(batch.documents) > 3, lambda: timed_out(sqlstate))
    processor, listener = make(docs, plugin, **settings)
    result = processor.run()

    assert (result.state, result.account.records.written) == ("done", 40)
    assert listener.of(OutageStarted) == []
    too_large = [len(write) for write in plugin.database.writes if len(write) > 3]
    assert all(too_large.count(size) == 2 for size in too_large)


# --- what the other side asks for -------------------------------------------------------------------


class Busy(Exception):
    """What a client of a web service raises."""

    status_code = 429

    def __init__(self, wait: float) -> None:
        super().__init__("too many requests")
        self.retry_after = wait


def test_a_wait_that_is_asked_for_uses_up_neither_retries_nor_the_batch_s_time(
    docs: Path, plugin: MemoryPlugin
) -> None:
    left = [6]

    def busy(batch: Batch[ProcessedChunk]) -> bool:
        left[0] -= 1
        return left[0] >= 0

    plugin.database.before = refusing(busy, lambda: Busy(0.1))
    processor, listener = make(docs, plugin, max_retries=0, batch_timeout=0.3)
    result = processor.run()
    assert (result.state, result.account.records.written) == ("done", 40)
    assert listener.of(OutageStarted) == []


def test_waits_that_are_asked_for_are_bounded_by_max_outage(docs: Path, plugin: MemoryPlugin) -> None:
    plugin.database.before = refusing(lambda _: True, lambda: Busy(0.1))
    began = time.monotonic()
    result = make(docs, plugin, max_retries=0, max_outage=0.5)[0].run()
    assert (result.state, result.account.records.failed) == ("interrupted", 0)
    assert time.monotonic() - began < 10
