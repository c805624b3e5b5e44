"""Records that a program brings: in one transaction, isolated, recorded, whichever ledger the target has."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from batchwright import BadRecords, Batch, BatchConfig, BatchProcessor, Ledger, ProcessedChunk, Receipt
from batchwright.engine.program.records import owned
from batchwright.sinkkit.sqlite.ledger import SqliteLedgerBeside
from tests.support.memory import MemoryPlugin, fail_for, fail_once
from tests.support.operations import Operations, write_documents
from tests.support.policies import quick


@pytest.fixture(params=[True, False], ids=["own ledger", "ledger beside"])
def plugin(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryPlugin:
    monkeypatch.chdir(tmp_path)
    plugin = MemoryPlugin()
    plugin.database.own_ledger = request.param
    return plugin


@pytest.fixture
def operations(plugin: MemoryPlugin, tmp_path: Path) -> Operations:
    return Operations(write_documents(tmp_path / "docs"), "memory://", [plugin])


def program(operations: Operations) -> BatchProcessor:
    """A processor as another process would have it: nothing is shared but the target and its ledger."""
    config = operations.config()
    return BatchProcessor(config, manager=operations.manager(), policy=quick(config))


def chunks(count: int, key: str = "mine.md", text: str = "Text") -> list[ProcessedChunk]:
    return [
        ProcessedChunk(f"{text} {n} of {key}", source_file=key, chunk_index=n, total_chunks=count)
        for n in range(count)
    ]


def stored(plugin: MemoryPlugin) -> list[ProcessedChunk]:
    return sorted(plugin.database.tables.rows.values(), key=lambda row: row.id)


def own(records: Sequence[ProcessedChunk]) -> list[ProcessedChunk]:
    """The records as they are stored."""
    return [owned(record, "chunks") for record in records]


def insert(operations: Operations, records: Sequence[ProcessedChunk]) -> int:
    with program(operations) as processor:
        return processor._insert_chunks(records)


def published(ledger: Ledger) -> dict[str, tuple[int, int]]:
    return {
        known.version.key: (known.version.records, known.rejected)
        for known in ledger.documents("chunks")
        if known.version.brought_by == "program"
    }


def test_halves_of_a_document_from_two_processes_make_it_whole(
    operations: Operations, plugin: MemoryPlugin
) -> None:
    records = chunks(5)
    operations.run()
    for part, whole in ((records[3:], False), (records[:2], False), (records[2:3], True)):
        assert insert(operations, part) == len(part)
        with operations.target() as target:
            assert published(target.relations[0].ledger) == ({"mine.md": (5, 0)} if whole else {})
            assert [version.key for version in target.relations[0].ledger.pending("chunks")] == (
                [] if whole else ["mine.md"]
            )
    assert [row for row in stored(plugin) if row.source_file == "mine.md"] == own(records)


def test_a_write_is_recorded_and_repeated_ones_change_nothing(
    operations: Operations, plugin: MemoryPlugin
) -> None:
    records = chunks(4)
    for part in (records[:2], records[:2], records[2:], records):
        assert insert(operations, part) == len(part)
    assert stored(plugin) == own(records)
    with operations.target() as target:
        assert published(target.relations[0].ledger) == {"mine.md": (4, 0)}
        assert target.relations[0].ledger.pending("chunks") == []


def test_versions_that_are_replaced_leave_nothing(operations: Operations, plugin: MemoryPlugin) -> None:
    for count in (4, 3, 2):
        insert(operations, chunks(count))
    assert stored(plugin) == own(chunks(2))
    insert(operations, chunks(3)[:1])
    assert len(stored(plugin)) == 3  # the one that is published stays until the next is whole
    insert(operations, chunks(3)[1:])
    assert stored(plugin) == own(chunks(3))
    assert operations.verify() == []


def test_a_repair_leaves_alone_what_a_program_stored_whole_or_in_part(
    operations: Operations, plugin: MemoryPlugin
) -> None:
    operations.run()
    insert(operations, chunks(4))
    insert(operations, chunks(4, "begun.md")[:2])
    before = dict(plugin.database.tables.rows)

    assert operations.verify() == []
    assert operations.repair() == []
    assert plugin.database.tables.rows == before


def test_rows_that_a_program_stored_and_that_are_lost_are_for_the_program_to_store_again(
    operations: Operations, plugin: MemoryPlugin
) -> None:
    records = chunks(4)
    insert(operations, records)
    del plugin.database.tables.rows[own(records)[1].id]
    (operations.folder / "mine.md").write_text("not what it was")

    [reason] = operations.repair()
    assert "a program stored it" in reason
    insert(operations, records)
    assert stored(plugin) == own(records)
    assert operations.verify() == []


def test_records_that_the_sink_cannot_hold_are_set_aside_and_the_others_stored(
    operations: Operations, plugin: MemoryPlugin
) -> None:
    plugin.database.before = fail_for(lambda chunk: chunk.chunk_index in (1, 6), lambda: ValueError("bad"))
    records = chunks(8)
    assert insert(operations, records) == 6
    assert stored(plugin) == own([record for record in records if record.chunk_index not in (1, 6)])
    with operations.target() as target:
        assert published(target.relations[0].ledger) == {"mine.md": (8, 2)}
        assert [(reject.position, reject.message) for reject in target.relations[0].ledger.rejects()] == [
            (1, "bad"), (6, "bad")
        ]  # fmt: skip
    assert operations.verify() == []

    plugin.database.before = fail_once()
    assert insert(operations, records) == 8
    with operations.target() as target:
        assert published(target.relations[0].ledger) == {"mine.md": (8, 0)}
        assert target.relations[0].ledger.rejects() == []


def test_records_that_the_sink_names_cost_two_writes(operations: Operations, plugin: MemoryPlugin) -> None:
    def refuse(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        reasons = {n: "NUL" for n, chunk in enumerate(batch.documents) if chunk.chunk_index == 2}
        if reasons:
            raise BadRecords(reasons)

    plugin.database.before = refuse
    assert insert(operations, chunks(8)) == 7
    assert [len(write) for write in plugin.database.writes if write] == [8, 7]


def test_an_error_that_says_retry_or_fail_is_raised_and_nothing_is_stored(
    operations: Operations, plugin: MemoryPlugin
) -> None:
    for error in (TimeoutError("slow"), RuntimeError("broken"), ConnectionError("gone")):
        plugin.database.before = fail_for(lambda chunk: True, lambda error=error: error)  # type: ignore[misc]
        with pytest.raises(type(error), match=str(error)):
            insert(operations, chunks(3))
        assert stored(plugin) == []


def test_a_lost_reply_is_no_error_where_the_ledger_knows_the_write(operations: Operations) -> None:
    [plugin] = operations.plugins
    assert isinstance(plugin, MemoryPlugin)
    plugin.database.after = fail_once(ConnectionError("the reply was lost"))
    if plugin.database.own_ledger:
        assert insert(operations, chunks(3)) == 3
    else:  # it was not recorded yet; again, it is
        with pytest.raises(ConnectionError):
            insert(operations, chunks(3))
        assert insert(operations, chunks(3)) == 3
    assert operations.verify() == []


def test_the_ledger_beside_is_asked_what_goes_and_told_what_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No receipt that the store gets says patched: versions are published, or begun, and old ones removed."""
    monkeypatch.chdir(tmp_path)
    plugin = MemoryPlugin()
    plugin.database.own_ledger = False
    receipts: list[Receipt] = []
    plugin.database.after = lambda batch, receipt: receipts.append(receipt)
    config = BatchConfig(input_dir=tmp_path, to="memory://", ledger=tmp_path / "ledger.db")
    with BatchProcessor(config, plugins=[plugin]) as processor:
        processor.insert_chunks(chunks(2))
        processor.insert_chunks(chunks(3)[:1])
        processor.insert_chunks(chunks(3)[1:])
    first, begun, second = receipts
    old, new = own(chunks(2))[0].document_id, own(chunks(3))[0].document_id
    assert [[p.version.document_id for p in receipt.publications] for receipt in receipts] == [
        [old],
        [],
        [new],
    ]
    assert [version.document_id for version in begun.begun] == [new]
    assert (first.removed, begun.removed, second.removed) == ((), (), (old,))
    assert all(receipt.patched == () for receipt in receipts)
    ledger = SqliteLedgerBeside.open(tmp_path / "ledger.db", "ledger")
    try:
        assert all(ledger.committed(receipt.batch_id) for receipt in receipts)
    finally:
        ledger.close()


_HALF = """
import sys
from batchwright import BatchConfig, BatchProcessor, ProcessedChunk
start, stop, to = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
records = [
    ProcessedChunk(f"Text {n}", source_file="mine.md", chunk_index=n, total_chunks=6) for n in range(6)
]
with BatchProcessor(BatchConfig(input_dir=".", to=to)) as processor:
    print(processor._insert_chunks(records[start:stop]))
"""


def test_two_real_processes_store_halves_of_a_document_at_the_same_time(tmp_path: Path) -> None:
    to = f"sqlite:///{tmp_path}/kb.db"
    halves = [
        subprocess.Popen(
            [sys.executable, "-c", _HALF, *bounds, to], stdout=subprocess.PIPE, text=True, cwd=tmp_path
        )
        for bounds in (("0", "3"), ("3", "6"))
    ]
    assert [half.communicate(timeout=60)[0] for half in halves] == ["3\n", "3\n"]
    assert [half.returncode for half in halves] == [0, 0]
    with Operations(tmp_path, to).target() as target:
        assert published(target.relations[0].ledger) == {"mine.md": (6, 0)}
        assert target.relations[0].ledger.pending("chunks") == []
        holdings = target.relations[0].inspect(lambda store: list(store.holdings()))
        assert [(h.rows, h.damaged) for h in holdings] == [(6, 0)]
