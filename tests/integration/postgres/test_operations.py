"""Replay, verify and plan on a real server: what is done behind the sink's back, and what it says itself."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest

from batchwright import Batch, ProcessedChunk, Receipt, SinkError
from batchwright.builtin.postgres.store import PostgresStore
from batchwright.operations.replay import Fate
from batchwright.operations.verify import Fault
from tests.integration.postgres.examples import query, sink_at, store_at
from tests.support.operations import Operations, write_documents
from tests.support.postgres_locks import held, waiting
from tests.support.two_runs import wait_until

ORPHAN = "aaaaaaaa-aaaa-8aaa-aaaa-aaaa0000000"


@pytest.fixture
def operations(tmp_path: Path, postgres_url: str) -> Operations:
    return Operations(write_documents(tmp_path / "docs"), postgres_url)


@pytest.fixture
def loaded(operations: Operations) -> Operations:
    operations.run()
    return operations


def rows(url: str) -> list[tuple[Any, ...]]:
    return query(url, "SELECT * FROM knowledge_base_records ORDER BY _id")


def entries(url: str) -> list[tuple[Any, ...]]:
    return query(url, "SELECT key, document_id, chunks, rejected FROM knowledge_base_documents ORDER BY 1")


def test_every_kind_of_damage_is_found_and_repaired_row_by_row(loaded: Operations) -> None:
    url = loaded.to
    before, documents = rows(url), entries(url)
    assert loaded.verify() == []
    query(url, "DELETE FROM knowledge_base_records WHERE source_file = 'doc0.md'")
    query(url, "DELETE FROM knowledge_base_records WHERE source_file = 'doc1.md' AND chunk_index = 1")
    query(
        url,
        "UPDATE knowledge_base_records SET chunk_text = 'x' "
        "WHERE source_file = 'doc2.md' AND chunk_index = 2",
    )
    columns = "chunk_text, chunk_hash, context_header, source_file, chunk_index, total_chunks"
    columns += ", chunk_token_count, metadata"
    insert = f"INSERT INTO knowledge_base_records (_id, _document_id, {columns}) "
    insert += f"SELECT %s, %s, {columns} FROM knowledge_base LIMIT 1"
    query(url, insert, f"{ORPHAN}1", f"{ORPHAN}0")

    assert loaded.faults() == [
        (Fault.LOST, "doc0.md"),
        (Fault.INCOMPLETE, "doc1.md"),
        (Fault.DAMAGED, "doc2.md"),
        (Fault.ORPHANED, ""),
    ]
    assert loaded.repair() == [""] * 4
    assert rows(url) == before
    assert entries(url) == documents
    assert loaded.verify() == []
    assert loaded.run().account.records.written == 0


def test_holdings_are_in_order_and_the_connection_is_free_afterwards(loaded: Operations) -> None:
    with loaded.target() as target:
        held = target.relations[0].inspect(lambda store: list(store.holdings()))
        assert [holding.document_id for holding in held] == sorted(holding.document_id for holding in held)
        assert sum(holding.rows for holding in held) == len(rows(loaded.to))
        target.relations[0].session.store().write(Batch([], 0), Receipt("another", "run", "kit"))
        assert target.relations[0].ledger.committed("another")


def test_a_connection_that_is_lost_while_all_rows_are_read_is_no_defect(loaded: Operations) -> None:
    """That takes most of the time, so it is where it happens: they are read again."""
    found: list[tuple[Fault, str]] = []
    query(loaded.to, "DELETE FROM knowledge_base_records WHERE chunk_text LIKE '%3.4%'")
    checking = threading.Thread(target=lambda: found.extend(loaded.faults()), daemon=True)
    with held(loaded.to, "LOCK knowledge_base_records IN ACCESS EXCLUSIVE MODE"):
        checking.start()
        wait_until(lambda: bool(waiting(loaded.to)), "the rows are being read")
        query(loaded.to, "SELECT pg_terminate_backend(%s)", waiting(loaded.to).pop())
    checking.join(60)
    assert found == [(Fault.INCOMPLETE, "doc3.md")]


def test_records_that_a_check_refused_land_once_it_is_gone(operations: Operations, tmp_path: Path) -> None:
    url, folder = operations.to, operations.folder
    Operations(folder, f"{url}?table=undisturbed").run()
    operations = Operations(folder, f"{url}?table=knowledge_base")
    with store_at(url):
        query(
            url, "ALTER TABLE knowledge_base_records ADD CONSTRAINT short CHECK (chunk_text NOT LIKE '%2.1%')"
        )
    override: dict[str, Any] = {"sqlstates": {"23514": "skip"}}
    assert operations.run(**override).account.records.rejected == 1
    assert operations.verify() == []
    [again] = operations.replay(**override)
    assert (again.fate, again.key) == (Fate.LEFT, "doc2.md")
    [[attempts]] = query(url, "SELECT attempts FROM knowledge_base_rejects")

    query(url, "ALTER TABLE knowledge_base_records DROP CONSTRAINT short")
    assert [result.fate for result in operations.replay()] == [Fate.STORED]

    assert attempts > 1
    assert operations.replay() == []
    assert rows(url) == query(url, "SELECT * FROM undisturbed_records ORDER BY _id")
    assert entries(url) == query(
        url, "SELECT key, document_id, chunks, rejected FROM undisturbed_documents ORDER BY 1"
    )
    assert operations.verify() == []


def test_a_replay_whose_connection_dies_behind_the_commit_stores_once(
    operations: Operations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batchwright.engine.store.retry.Schedule.wait", lambda *_: 0.0)
    url = operations.to
    with store_at(url):
        query(
            url, "ALTER TABLE knowledge_base_records ADD CONSTRAINT short CHECK (chunk_text NOT LIKE '%2.1%')"
        )
    operations.run(sqlstates={"23514": "skip"})
    query(url, "ALTER TABLE knowledge_base_records DROP CONSTRAINT short")
    write, writes = PostgresStore.write, []

    def write_and_lose_the_reply(
        store: PostgresStore, batch: Batch[ProcessedChunk], receipt: Receipt
    ) -> None:
        write(store, batch, receipt)
        writes.append(receipt.batch_id)
        raise ConnectionError("the reply was lost")

    monkeypatch.setattr(PostgresStore, "write", write_and_lose_the_reply)

    assert [result.fate for result in operations.replay()] == [Fate.STORED]

    assert len(writes) == 1
    assert query(url, "SELECT count(*) FROM knowledge_base_rejects") == [(0,)]
    assert query(url, "SELECT sum(rejected) FROM knowledge_base_documents") == [(0,)]
    monkeypatch.undo()
    assert operations.verify() == []


def test_a_plan_makes_nothing_and_comes_true(operations: Operations) -> None:
    relations = (
        "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public'"
    )
    plan, _ = operations.plan()
    assert query(operations.to, relations) == []
    account = operations.run().account
    assert (plan.added, plan.records, plan.batches) == (4, account.records.written, account.batches)
    before = query(operations.to, "SELECT * FROM knowledge_base_receipts")
    again, _ = operations.plan()
    assert (again.unchanged, again.records, again.batches) == (4, 0, 0)
    assert query(operations.to, "SELECT * FROM knowledge_base_receipts") == before


def test_a_command_for_what_was_loaded_makes_no_tables(operations: Operations) -> None:
    with pytest.raises(SinkError, match="nothing is loaded"):
        operations.verify()
    assert query(operations.to, "SELECT to_regclass('knowledge_base_runs')") == [(None,)]
    assert not sink_at(operations.to).exists()
    with store_at(operations.to):
        assert sink_at(operations.to).exists()


def test_a_server_that_is_away_is_no_defect(operations: Operations) -> None:
    info = psycopg.conninfo.conninfo_to_dict(operations.to)
    away = Operations(operations.folder, f"postgresql://user:hunter2@127.0.0.1:1/{info['dbname']}")
    with pytest.raises(SinkError, match="can't connect") as raised:
        away.verify()
    assert "hunter2" not in str(raised.value)
