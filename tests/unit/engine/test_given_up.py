"""Before a batch is given up: the ledger is asked, and a sink that answers gets one more try."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchwright import Batch, BatchProcessor, ProcessedChunk, Receipt
from batchwright.contracts.events import BatchFailed, BatchSplit, OutageStarted
from tests.support.listener import Listener
from tests.support.memory import Fault, MemoryPlugin, fail_once
from tests.support.quick_runs import quick_processor, short_documents


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    return short_documents(tmp_path / "docs", 4)


def make(docs: Path, plugin: MemoryPlugin, **settings: Any) -> tuple[BatchProcessor, Listener]:
    listener = Listener()
    values = {"batch_size": 2, "max_retries": 2, **settings}
    return quick_processor(docs, plugin, reporters=[listener], **values), listener


def fail_first(times: int, error: BaseException) -> Fault:
    """Fail the first writes of records; the sink answers probes all along."""
    left = [times]

    def fault(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if batch.documents and left[0]:
            left[0] -= 1
            raise error

    return fault


@pytest.mark.parametrize(
    "error", [RuntimeError("what"), ValueError("bad"), PermissionError("no"), TimeoutError("slow")]
)
def test_whatever_the_verdict_on_a_write_that_had_committed_its_records_are_written(
    docs: Path, plugin: MemoryPlugin, error: Exception
) -> None:
    plugin.database.after = fail_once(error)
    processor, listener = make(docs, plugin)
    result = processor.run()

    assert (result.state, result.account.batches_failed) == ("done", 0)
    assert (result.account.records.written, result.account.records.failed) == (4, 0)
    assert len(plugin.database.tables.rows) == 4
    assert [len(write) for write in plugin.database.writes] == [2, 2]  # nothing was written again
    assert [*listener.of(BatchFailed), *listener.of(BatchSplit)] == []


def test_a_ledger_that_cannot_be_asked_is_no_proof_that_the_batch_is_stored(
    docs: Path, plugin: MemoryPlugin
) -> None:
    def refuse(method: str) -> None:
        if method == "committed":
            raise PermissionError("not for you")

    plugin.database.asked = refuse
    plugin.database.after = fail_once(RuntimeError("what"))
    result = make(docs, plugin)[0].run()
    assert (result.state, result.account.records.failed) == ("failed", 2)
    result.account.check()


@pytest.mark.parametrize("error", [TimeoutError("slow"), ConnectionError("gone")])
def test_a_batch_whose_retries_are_used_up_gets_one_more_try_once_the_sink_answers(
    docs: Path, plugin: MemoryPlugin, error: Exception
) -> None:
    plugin.database.before = fail_first(3, error)  # the first try and both retries
    processor, listener = make(docs, plugin)
    result = processor.run()

    assert (result.state, result.account.batches_failed) == ("done", 0)
    assert result.account.records.written == 4
    assert listener.of(OutageStarted) == []


def test_there_is_one_more_try_and_no_second(docs: Path, plugin: MemoryPlugin) -> None:
    plugin.database.before = fail_first(4, ConnectionError("gone"))
    result = make(docs, plugin)[0].run()

    assert (result.state, result.account.batches_failed) == ("failed", 1)
    assert [len(write) for write in plugin.database.writes if write] == [2] * 4 + [2]


def test_what_the_ledger_is_asked_gets_one_more_try_as_well(docs: Path, plugin: MemoryPlugin) -> None:
    failures = [TimeoutError("slow")] * 3  # the first try and both retries

    def fail(method: str) -> None:
        if method == "finish_run" and failures:
            raise failures.pop()

    plugin.database.asked = fail
    result = make(docs, plugin)[0].run()
    assert result.state == "done"
    assert [run.state for run in plugin.database.tables.runs.values()] == ["done"]
