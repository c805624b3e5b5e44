"""A sink that is down, hangs, or floods: batches are held, given up in time, or the run is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from batchwright import Batch, BatchProcessor, ProcessedChunk, Receipt
from batchwright.contracts.events import OutageEnded, OutageStarted
from tests.support.listener import Listener
from tests.support.memory import MemoryPlugin
from tests.support.quick_runs import quick_processor, short_documents


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return short_documents(tmp_path / "docs", 40)


def make(
    docs: Path, plugin: MemoryPlugin, policy: Mapping[str, Any] = MappingProxyType({}), **settings: Any
) -> tuple[BatchProcessor, Listener]:
    listener = Listener()
    values = {"batch_size": 4, **settings}
    return quick_processor(docs, plugin, {"wait": 0.01, **policy}, [listener], **values), listener


@pytest.mark.parametrize("workers", [1, 3])
def test_an_outage_holds_batches_and_fails_none(docs: Path, workers: int) -> None:
    plugin = MemoryPlugin()
    until = [0.0]

    def down(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if batch.batch_index == 3 and not until[0]:
            until[0] = time.monotonic() + 0.6
        if time.monotonic() < until[0]:
            raise ConnectionError("refused")

    plugin.database.before = down
    processor, listener = make(docs, plugin, workers=workers)
    result = processor.run()

    assert result.state == "done"
    assert (result.account.records.written, result.account.batches_failed) == (40, 0)
    assert len(listener.of(OutageStarted)) == len(listener.of(OutageEnded)) == 1


def test_an_outage_that_lasts_ends_the_run_to_be_resumed(docs: Path) -> None:
    plugin = MemoryPlugin()

    def down(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if len(plugin.database.tables.rows) >= 12:
            raise ConnectionError("refused")

    plugin.database.before = down
    processor, _ = make(docs, plugin, max_outage=0.3)
    result = processor.run()

    assert result.state == "interrupted"
    assert "max_outage" in result.reason
    assert (result.account.records.written, result.account.records.failed) == (12, 0)

    plugin.database.before = lambda batch, receipt: None
    assert processor.run().account.documents.added == 28


def test_stopping_ends_an_outage_at_once(docs: Path) -> None:
    plugin = MemoryPlugin()
    processor, _ = make(docs, plugin)

    def down(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        raise ConnectionError("refused")

    plugin.database.before = down
    threading.Timer(0.4, processor.stop, ["enough"]).start()
    result = processor.run()
    assert (result.state, result.reason) == ("interrupted", "enough")
    assert result.account.records.failed == 0


def test_a_write_that_hangs_for_ever_costs_its_piece_of_the_batch_alone(docs: Path) -> None:
    plugin = MemoryPlugin()
    released = threading.Event()

    def hang(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if any(chunk.source_file == "21.md" for chunk in batch.documents):
            released.wait(60)

    plugin.database.before = hang
    processor, _ = make(docs, plugin, {"grace": 0.1}, batch_timeout=0.4)
    result = processor.run()
    held = dict(plugin.database.tables.published())
    released.set()

    assert result.state == "failed"
    assert result.account.batches_failed == 1
    assert (result.account.records.written, result.account.records.failed) == (37, 3)
    assert set(held) == {f"{n:02}.md" for n in range(40) if n not in (21, 22, 23)}


def test_a_late_success_is_not_stored_twice(docs: Path) -> None:
    plugin = MemoryPlugin()
    hung: list[str] = []

    def hang_once(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if batch.batch_index == 2 and not hung:
            hung.append(receipt.batch_id)
            time.sleep(0.5)

    plugin.database.before = hang_once
    processor, _ = make(docs, plugin, {"grace": 0.05}, batch_timeout=0.2)
    result = processor.run()
    time.sleep(0.6)

    assert (result.state, result.account.records.written) == ("done", 40)
    assert sum(len(chunks) for chunks in plugin.database.tables.published().values()) == 40


@pytest.mark.parametrize("limit", [5, 0.125])
def test_a_flood_of_rejects_fails_the_run_and_keeps_those_found(docs: Path, limit: float) -> None:
    plugin = MemoryPlugin()

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if any(int(chunk.source_file[:2]) >= 10 for chunk in batch.documents):
            raise ValueError("bad")

    plugin.database.before = refuse
    processor, _ = make(docs, plugin, max_rejects=limit)
    result = processor.run()

    assert result.state == "failed"
    assert "6 rejects are more than max_rejects" in result.reason
    assert len(plugin.database.tables.rejects) == result.account.records.rejected == 6


def test_rejects_up_to_the_limit_are_no_flood(docs: Path) -> None:
    plugin = MemoryPlugin()

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if any(chunk.source_file in ("03.md", "04.md") for chunk in batch.documents):
            raise ValueError("bad")

    plugin.database.before = refuse
    result = make(docs, plugin, max_rejects=2)[0].run()
    assert (result.state, result.account.records.rejected) == ("done", 2)
