"""Runs that end oddly: nothing is lost, nothing is half published, and the account still adds up."""

from __future__ import annotations

import gc
import weakref
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from batchwright import (
    BadRecords,
    Batch,
    BatchConfig,
    BatchProcessor,
    BatchTooLarge,
    ProcessedChunk,
    Receipt,
    SinkError,
)
from batchwright.contracts.events import BatchStarted, DocumentsFinished
from tests.support.listener import Listener
from tests.support.memory import MemoryPlugin, fail_for, fail_once
from tests.support.quick_runs import quick_processor


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Two documents of six chunks each; chunk 3 of the second says "1.3"."""
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(2):
        parts = (f"## Part {part}\n\n{'word ' * 40}{number}.{part}\n\n" for part in range(6))
        (folder / f"doc{number}.md").write_text("".join(parts))
    return folder


processor = partial(quick_processor, chunk_max_tokens=64, batch_size=7)


def naming(text: str) -> Any:
    """A fault that names the records with this text."""

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        reasons = {n: "NUL" for n, chunk in enumerate(batch.documents) if text in chunk.chunk_text}
        if reasons:
            raise BadRecords(reasons)

    return refuse


def rows(plugin: MemoryPlugin) -> dict[str, int]:
    return {name: len(chunks) for name, chunks in plugin.database.tables.published().items()}


def test_a_document_is_published_with_its_last_rows_though_its_last_record_is_bad(
    docs: Path, plugin: MemoryPlugin
) -> None:
    naming_the_last, also_bad = naming("1.5"), fail_for(lambda c: "1.0" in c.chunk_text, ValueError)
    early = []

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        naming_the_last(batch, receipt)
        also_bad(batch, receipt)
        for publication in receipt.publications:
            version = publication.version.document_id
            here = sum(chunk.document_id == version for chunk in batch.documents)
            if plugin.database.tables.count(version) + here != publication.rows:
                early.append(publication)

    plugin.database.before = refuse
    result = processor(docs, plugin, batch_size=100).run()

    assert (result.state, early) == ("done", [])
    assert (result.account.records.written, result.account.records.rejected) == (10, 2)
    assert rows(plugin) == {"doc0.md": 6, "doc1.md": 4}


def test_what_is_carried_to_the_end_and_can_not_be_stored_fails_the_run(
    docs: Path, plugin: MemoryPlugin
) -> None:
    bad = fail_for(lambda c: "1.5" in c.chunk_text, ValueError)

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        bad(batch, receipt)
        if receipt.rejects:
            raise TimeoutError("slow")

    plugin.database.before = refuse
    result = processor(docs, plugin).run()

    assert (result.state, result.account.batches_failed) == ("failed", 1)
    assert (result.account.records.failed, result.account.documents.failed) == (1, 1)

    plugin.database.before = bad
    assert processor(docs, plugin).run().state == "done"
    assert len(plugin.database.tables.rejects) == 1


def test_a_reject_that_is_lost_with_its_batch_takes_its_document_along(
    docs: Path, plugin: MemoryPlugin
) -> None:
    bad = naming("1.0")  # the only record of the second document in the first batch

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        bad(batch, receipt)
        if batch.batch_index == 0 and batch.documents:
            raise TimeoutError("slow")

    plugin.database.before = refuse
    result = processor(docs, plugin).run()

    assert (rows(plugin), plugin.database.tables.rejects) == ({}, {})
    assert result.account.documents.failed == 2

    plugin.database.before = bad
    assert processor(docs, plugin).run().state == "done"
    assert rows(plugin) == {"doc0.md": 6, "doc1.md": 5}
    assert len(plugin.database.tables.rejects) == 1


def test_a_version_that_was_published_after_all_keeps_its_rows(docs: Path, plugin: MemoryPlugin) -> None:
    processor(docs, plugin).run()
    version = plugin.database.tables.known["doc0.md"].version
    plugin.database.tables.pending[version.document_id] = version  # as after a commit that came through late

    processor(docs, plugin).run()

    assert rows(plugin) == {"doc0.md": 6, "doc1.md": 6}


def test_what_an_earlier_run_rejected_and_this_one_stored_is_no_reject(
    docs: Path, plugin: MemoryPlugin
) -> None:
    first = processor(docs, plugin, batch_size=2)
    plugin.database.before = fail_for(lambda c: "0.1" in c.chunk_text, ValueError)
    plugin.database.after = lambda batch, receipt: first.stop() if batch.batch_index == 1 else None
    first.run()
    assert len(plugin.database.tables.rejects) == 1

    plugin.database.before = plugin.database.after = fail_once()
    result = processor(docs, plugin, batch_size=2).run()

    assert (result.account.records.written, result.account.records.rejected) == (12, 0)
    assert plugin.database.tables.rejects == {}


@pytest.mark.parametrize("batch_size", [2, 100])
def test_what_an_earlier_run_stored_and_this_one_rejects_goes_with_the_next(
    docs: Path, plugin: MemoryPlugin, batch_size: int
) -> None:
    first = processor(docs, plugin, batch_size=2)
    plugin.database.after = lambda batch, receipt: first.stop() if batch.batch_index == 1 else None
    first.run()
    plugin.database.after = fail_once()
    plugin.database.before = fail_for(lambda c: "0.1" in c.chunk_text, ValueError)

    assert processor(docs, plugin, batch_size=batch_size).run().state == "failed"  # it counts a row too many
    assert processor(docs, plugin, batch_size=batch_size).run().state == "done"

    assert rows(plugin) == {"doc0.md": 5, "doc1.md": 6}
    assert len(plugin.database.tables.rejects) == 1


def test_halves_of_a_batch_that_was_too_large_are_tried_before_they_are_halved(
    docs: Path, plugin: MemoryPlugin
) -> None:
    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if len(batch.documents) > 6:
            raise BatchTooLarge("at most 6")

    plugin.database.before = refuse
    assert processor(docs, plugin, batch_size=12).run().state == "done"
    assert [len(write) for write in plugin.database.writes] == [12, 6, 6]


def test_the_sizer_is_told_of_a_batch_that_was_too_large(docs: Path, plugin: MemoryPlugin) -> None:
    for number in range(2, 12):
        (docs / f"doc{number:02}.md").write_text((docs / "doc1.md").read_text())

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if len(batch.documents) > 20:
            raise BatchTooLarge("at most 20")

    plugin.database.before = refuse
    processor(docs, plugin, batch_size=None, adaptive=True).run()

    sizes = [len(write) for write in plugin.database.writes]
    refused = [number for number, size in enumerate(sizes) if size > 20]
    assert refused
    assert all(sizes[number + 3] <= 20 for number in refused if number + 3 < len(sizes))


def test_the_reject_of_a_document_goes_when_it_can_be_read_again_or_is_gone(
    docs: Path, plugin: MemoryPlugin
) -> None:
    processor(docs, plugin).run()
    document = docs / "doc0.md"
    as_it_was = document.read_bytes()
    document.write_bytes(b"\xe9")
    (docs / "gone.md").write_bytes(b"\xe9")
    (docs / "still.md").write_bytes(b"\xe9")
    processor(docs, plugin).run()
    assert len(plugin.database.tables.rejects) == 3

    document.write_bytes(as_it_was)
    (docs / "gone.md").unlink()
    processor(docs, plugin).run()

    assert {reject.key for reject in plugin.database.tables.rejects.values()} == {"still.md"}


def test_documents_without_records_do_not_pile_up(tmp_path: Path, plugin: MemoryPlugin) -> None:
    for number in range(30):
        (tmp_path / f"empty{number}.md").write_bytes(b"")
        (tmp_path / f"unreadable{number}.md").write_bytes(b"\xe9")
    result = processor(tmp_path, plugin, {"at_once": 10}).run()

    receipts = plugin.database.tables.receipts.values()
    assert (result.state, result.account.documents.added, result.account.documents.failed) == ("done", 30, 30)
    assert max(len(receipt.publications) for receipt in receipts) <= 10 + 7
    assert max(len(receipt.rejects) for receipt in receipts) <= 10


def test_documents_that_failed_are_let_go_of_before_the_next_batch(docs: Path, plugin: MemoryPlugin) -> None:
    plugin.database.before = fail_for(lambda c: c.source_file == "doc0.md", lambda: ConnectionError("gone"))
    listener = Listener()
    result = processor(docs, plugin, reporters=[listener], batch_size=2).run()

    left: list[int] = []
    for event in listener.events:
        if isinstance(event, BatchStarted):
            left.append(0)
        elif isinstance(event, DocumentsFinished) and event.state == "not_attempted":
            left[-1] += event.records
    # the rest of the document, once the next batch was stored: so the sink was not at fault
    assert left == [0, 4, 0, 0]
    assert (result.account.records.failed, result.account.records.not_attempted) == (2, 4)


def test_a_processor_that_is_done_with_closes_the_sink_it_inserted_into(
    docs: Path, plugin: MemoryPlugin
) -> None:
    chunk = ProcessedChunk("text", source_file="a.md", chunk_index=0, total_chunks=1)
    inserting = processor(docs, plugin)
    inserting.insert_chunks([chunk])
    kept = weakref.ref(inserting)
    del inserting
    gc.collect()
    assert kept() is None
    assert (plugin.database.opens, plugin.database.closes) == (1, 1)

    with processor(docs, plugin) as inserting:
        inserting.insert_chunks([chunk])
    assert (plugin.database.opens, plugin.database.closes) == (2, 2)


class Mute(Exception):
    """An exception that can't even say what it is about."""

    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize("error", [Mute(), SystemExit(3), GeneratorExit()])
def test_whatever_a_sink_raises_the_run_ends_with_an_account(tmp_path: Path, error: BaseException) -> None:
    (tmp_path / "a.md").write_text("a")
    plugin = MemoryPlugin()
    plugin.database.before = fail_once(error)
    processor = BatchProcessor(BatchConfig(input_dir=tmp_path, to="memory://"), plugins=[plugin])
    try:
        state = processor.run().state
    except SinkError:
        state = "failed"
    assert state == "failed"
    assert [run.state for run in plugin.database.tables.runs.values()] == ["failed"]
    assert processor.run().account.documents.added == 1
