"""Verifying: what is done behind the sink's back is found, and repaired to the very rows there were."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from batchwright.contracts.receipts import RejectFilter
from batchwright.operations.corrected import Corrected
from batchwright.operations.replay import Fate
from batchwright.operations.verify import Fault
from batchwright.sinkkit.sql_ledger.tables import key_hash
from tests.support.dying import Killed, dying_behind_a_write
from tests.support.memory import MemoryPlugin, fail_for, fail_once
from tests.support.operations import Operations, write_documents

ORPHAN = "aaaaaaaa-aaaa-8aaa-aaaa-aaaa0000000"


@pytest.fixture
def loaded(tmp_path: Path) -> Operations:
    operations = Operations(write_documents(tmp_path / "docs"), f"sqlite:///{tmp_path}/kb.db")
    operations.run()
    return operations


@pytest.fixture
def database(loaded: Operations) -> Iterator[sqlite3.Connection]:
    path = loaded.to.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def rows(database: sqlite3.Connection) -> list[Any]:
    """All rows, but for `_seq`, which tells only when they came."""
    cursor = database.execute("SELECT * FROM knowledge_base_records ORDER BY _id")
    names = [column[0] for column in cursor.description]
    return [{name: row[n] for n, name in enumerate(names) if name != "_seq"} for row in cursor]


def ledger(database: sqlite3.Connection) -> list[Any]:
    return database.execute(
        "SELECT key, document_id, chunks, rejected FROM knowledge_base_documents"
    ).fetchall()


def test_nothing_is_wrong_after_a_run(loaded: Operations) -> None:
    assert loaded.verify() == []
    assert loaded.repair() == []


def test_every_kind_of_damage_is_found_and_repaired_row_by_row(
    loaded: Operations, database: sqlite3.Connection
) -> None:
    before, entries = rows(database), ledger(database)
    database.execute("DELETE FROM knowledge_base_records WHERE source_file = 'doc0.md'")
    database.execute("DELETE FROM knowledge_base_records WHERE source_file = 'doc1.md' AND chunk_index = 1")
    database.execute(
        "UPDATE knowledge_base_records SET chunk_text = 'x' WHERE source_file = 'doc2.md' AND chunk_index = 2"
    )
    columns = ", ".join(name for name in before[0] if name not in ("_id", "_document_id"))
    for number in (1, 2):
        database.execute(
            f"INSERT INTO knowledge_base_records (_id, _document_id, {columns}) "
            f"SELECT ?, ?, {columns} FROM knowledge_base_records LIMIT 1",
            (f"{ORPHAN}{number}", f"{ORPHAN}0"),
        )

    found = loaded.verify()

    assert [(finding.fault, finding.key) for finding in found] == [
        (Fault.LOST, "doc0.md"),
        (Fault.INCOMPLETE, "doc1.md"),
        (Fault.DAMAGED, "doc2.md"),
        (Fault.ORPHANED, ""),
    ]
    assert [(finding.rows - finding.expected, finding.damaged) for finding in found[1:]] == [
        (-1, 0), (0, 1), (2, 0)
    ]  # fmt: skip
    assert loaded.repair() == [""] * 4
    assert rows(database) == before
    assert ledger(database) == entries
    assert loaded.verify() == []
    assert loaded.run().account.records.written == 0


def test_a_text_that_was_restored_can_be_searched(loaded: Operations, database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM knowledge_base_records WHERE source_file = 'doc1.md'")
    loaded.repair()
    with loaded.target() as target:
        assert {hit.key for hit in target.relations[0].search('"Introduction 1"', 10)} == {"doc1.md"}


def test_a_file_that_has_changed_is_left_for_a_run(loaded: Operations, database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM knowledge_base_records WHERE source_file = 'doc1.md' AND chunk_index = 1")
    (loaded.folder / "doc1.md").write_text("# New\n", "utf-8")
    before = rows(database)

    [reason] = loaded.repair()

    assert "changed" in reason
    assert "run again" in reason
    assert rows(database) == before


def test_a_file_that_is_gone_is_said_to_be(loaded: Operations, database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM knowledge_base_records WHERE source_file = 'doc1.md'")
    (loaded.folder / "doc1.md").unlink()
    [reason] = loaded.repair()
    assert "has it no more" in reason


def test_other_settings_are_not_used_to_restore(loaded: Operations, database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM knowledge_base_records WHERE source_file = 'doc1.md'")
    [reason] = loaded.repair(chunk_max_tokens=128)
    assert "other settings" in reason
    assert loaded.faults() == [(Fault.LOST, "doc1.md")]


def test_rows_that_were_added_to_a_document_are_reported_and_left(
    loaded: Operations, database: sqlite3.Connection
) -> None:
    columns = ", ".join(name for name in rows(database)[0] if name != "_id")
    database.execute(
        f"INSERT INTO knowledge_base_records (_id, {columns}) "
        f"SELECT substr(_id, 1, 32) || 'ffff', {columns} FROM knowledge_base_records LIMIT 1"
    )
    assert [fault for fault, _ in loaded.faults()] == [Fault.SURPLUS]
    [reason] = loaded.repair()
    assert "by hand" in reason


def test_versions_that_are_begun_are_no_orphans(loaded: Operations, database: sqlite3.Connection) -> None:
    database.execute("DELETE FROM knowledge_base_documents WHERE key = 'doc1.md'")
    assert loaded.faults() == [(Fault.ORPHANED, "")]
    [version] = {row["_document_id"] for row in rows(database) if row["source_file"] == "doc1.md"}
    values = (
        "docs",
        key_hash("doc1.md"),
        "doc1.md",
        version,
        "hash",
        "settings",
        1,
        9,
        "run",
        "",
        "",
        "run id",
        0,
    )
    database.execute(f"INSERT INTO knowledge_base_pending VALUES ({', '.join('?' * 13)})", values)
    assert loaded.verify() == []


# --- with rejects, on the sink in memory ----------------------------------------------------------------


@pytest.fixture
def plugin() -> MemoryPlugin:
    return MemoryPlugin()


@pytest.fixture(params=[True, False], ids=["own ledger", "ledger beside"])
def memory(
    request: pytest.FixtureRequest, tmp_path: Path, plugin: MemoryPlugin, monkeypatch: pytest.MonkeyPatch
) -> Operations:
    monkeypatch.chdir(tmp_path)
    plugin.database.own_ledger = request.param
    plugin.database.before = fail_for(
        lambda chunk: "Introduction 1" in chunk.chunk_text, lambda: ValueError("bad")
    )
    operations = Operations(write_documents(tmp_path / "docs"), "memory://", [plugin])
    operations.run()
    return operations


def test_rejects_are_not_missing_and_stay_away_when_the_rest_is_restored(
    memory: Operations, plugin: MemoryPlugin
) -> None:
    before = dict(plugin.database.tables.rows)
    assert memory.verify() == []
    plugin.database.tables.rows = {key: row for key, row in before.items() if row.source_file != "doc1.md"}
    plugin.database.writes.clear()

    assert memory.repair() == [""]

    assert plugin.database.tables.rows == before
    assert memory.verify() == []
    with memory.target() as target:
        assert len(target.relations[0].ledger.rejects()) == 1


def test_only_what_is_missing_is_written(memory: Operations, plugin: MemoryPlugin) -> None:
    rows = plugin.database.tables.rows
    gone = [key for key, row in sorted(rows.items()) if row.source_file == "doc3.md"][1:3]
    for key in gone:
        del rows[key]
    plugin.database.writes.clear()

    memory.repair()

    assert [chunk.id for write in plugin.database.writes for chunk in write] == gone


def test_a_record_that_was_mended_is_not_overwritten(memory: Operations, plugin: MemoryPlugin) -> None:
    with memory.target() as target:
        [reject] = target.relations[0].ledger.rejects()
    assert reject.payload is not None
    [result] = memory.replay([Corrected(reject.id, {**reject.payload, "chunk_text": "corrected"})])
    assert result.fate is Fate.STORED
    rows = plugin.database.tables.rows
    before = dict(rows)
    del rows[next(key for key, row in rows.items() if row.source_file == "doc1.md" and key != reject.id)]
    plugin.database.before = fail_once()

    assert memory.repair() == [""]
    assert plugin.database.tables.rows == before


def test_what_cannot_be_restored_goes_to_the_rejects(memory: Operations, plugin: MemoryPlugin) -> None:
    rows = plugin.database.tables.rows
    for key in [key for key, row in rows.items() if row.source_file == "doc2.md"]:
        del rows[key]
    plugin.database.before = fail_for(lambda chunk: "2.1" in chunk.chunk_text, lambda: ValueError("bad"))

    [reason] = memory.repair()

    assert "1 record can't be stored" in reason
    with memory.target() as target:
        assert [
            reject.message for reject in target.relations[0].ledger.rejects(RejectFilter(key="doc2.md"))
        ] == ["bad"]
    assert memory.verify() == []


def test_a_repair_that_was_cut_short_is_finished_by_the_next(
    memory: Operations, plugin: MemoryPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(plugin.database.tables.rows)
    plugin.database.tables.rows = {}
    dying_behind_a_write(monkeypatch)
    with pytest.raises(Killed):
        memory.repair()
    memory.repair()
    assert plugin.database.tables.rows == before
    assert memory.verify() == []


def test_what_a_run_publishes_meanwhile_is_not_mistaken_for_a_fault(
    memory: Operations, plugin: MemoryPlugin
) -> None:
    def run_once() -> None:
        plugin.database.counted = lambda: None
        (memory.folder / "new.md").write_text("# New\n", "utf-8")
        (memory.folder / "doc3.md").write_text("# Changed\n", "utf-8")
        memory.run()

    plugin.database.counted = run_once
    faults = memory.faults()
    assert (memory.folder / "new.md").exists()
    assert (Fault.LOST, "new.md") not in faults
    assert all(fault is Fault.ORPHANED for fault, _ in faults)  # doc3.md's old rows: gone by now
