"""One bad record costs one record: the price of finding bad ones, and that every other lands."""

from __future__ import annotations

from math import ceil, log2
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from batchwright import (
    BadRecords,
    Batch,
    IncompleteDocument,
    ProcessedChunk,
    Receipt,
)
from tests.support.memory import MemoryPlugin
from tests.support.quick_runs import quick_processor, short_documents


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return short_documents(tmp_path_factory.mktemp("isolation") / "docs", 64)


def load(documents: Path, plugin: MemoryPlugin, size: int) -> dict[str, int]:
    account = quick_processor(documents, plugin, batch_size=size).run().account
    return {"written": account.records.written, "rejected": account.records.rejected}


@given(bad=st.sets(st.integers(0, 63), max_size=64))
@example(bad={31, 32})
@example(bad={62, 63})
@example(bad=set(range(64)))
def test_halving_stays_within_the_promised_writes(documents: Path, bad: set[int]) -> None:
    plugin = MemoryPlugin()
    names = {f"{number:02}.md" for number in bad}

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if any(chunk.source_file in names for chunk in batch.documents):
            raise ValueError("bad record")

    plugin.database.before = refuse
    counts = load(documents, plugin, 64)

    assert counts == {"written": 64 - len(bad), "rejected": len(bad)}
    assert {r.key for r in plugin.database.tables.rejects.values()} == names
    writes = [write for write in plugin.database.writes if write]
    assert len(writes) <= 1 + 2 * len(bad) * ceil(log2(64))
    # what only publishes or keeps rejects rides along; at the very end it may take a write of its own, and
    # so where the next record fails as well: what rides along might be at fault
    assert len(plugin.database.writes) - len(writes) <= max(1, len(bad))


@given(bad=st.sets(st.integers(0, 63), min_size=1, max_size=64))
def test_records_that_the_sink_names_cost_no_halving(documents: Path, bad: set[int]) -> None:
    plugin = MemoryPlugin()
    names = {f"{number:02}.md" for number in bad}

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        reasons = {n: "NUL" for n, chunk in enumerate(batch.documents) if chunk.source_file in names}
        if reasons:
            raise BadRecords(reasons)

    plugin.database.before = refuse
    counts = load(documents, plugin, 64)

    assert counts == {"written": 64 - len(bad), "rejected": len(bad)}
    assert len(plugin.database.writes) <= 3


def test_an_incomplete_document_never_loses_its_records_to_the_rejects(documents: Path) -> None:
    plugin = MemoryPlugin()

    class BadData(Exception):
        sqlstate = "22P02"

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if batch.documents:
            raise IncompleteDocument("discarded by another run") from BadData()

    plugin.database.before = refuse
    assert load(documents, plugin, 64) == {"written": 0, "rejected": 0}
    assert not plugin.database.tables.rejects
    assert len([write for write in plugin.database.writes if write]) <= 1


@pytest.mark.parametrize("error", [RuntimeError("permanent"), ConnectionError("transient")])
def test_other_errors_never_halve(documents: Path, error: Exception) -> None:
    plugin = MemoryPlugin()

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if batch.documents:  # an empty batch is the probe: the sink itself is well
            raise error

    plugin.database.before = refuse
    load(documents, plugin, 64)

    assert {len(write) for write in plugin.database.writes if write} == {64}


def test_a_reject_says_where_why_and_who(documents: Path) -> None:
    plugin = MemoryPlugin()

    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if any(chunk.source_file == "07.md" for chunk in batch.documents):
            raise ValueError("too bad")

    plugin.database.before = refuse
    load(documents, plugin, 64)

    [reject] = plugin.database.tables.rejects.values()
    assert (reject.key, reject.position, reject.error) == ("07.md", 0, "ValueError")
    assert (reject.message, reject.decided_by, reject.attempts) == ("too bad", "classifier", 5)
    assert reject.payload is not None
    assert reject.payload["chunk_text"] == "Record 7.\n"


def test_a_named_bad_record_is_rejected_alike_alone_and_in_company(documents: Path) -> None:
    told = []
    for size in (1, 64):
        plugin = MemoryPlugin()

        def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
            reasons = {n: "NUL" for n, chunk in enumerate(batch.documents) if chunk.source_file == "07.md"}
            if reasons:
                raise BadRecords(reasons)

        plugin.database.before = refuse
        load(documents, plugin, size)
        told += [(reject.error, reject.message) for reject in plugin.database.tables.rejects.values()]
    assert told == [("ValueError", "NUL")] * 2
