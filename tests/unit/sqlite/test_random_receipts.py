"""Random receipts leave in SQLite what they leave in the model."""

from __future__ import annotations

from pathlib import Path

from batchwright.sinkkit.sqlite.ledger import SqliteLedgerBeside
from tests.support.memory import Database, MemoryStore
from tests.support.random_receipts import check_random_receipts
from tests.unit.sqlite.cases import sink_at

NUMBER = 1_000


def test_random_receipts_leave_in_sqlite_what_they_leave_in_the_model(tmp_path: Path, seed: int) -> None:
    with sink_at(tmp_path / "kb.db").open() as store:
        counted = check_random_receipts(store, seed, NUMBER)
    assert counted["stored"] > NUMBER / 3
    assert counted["refused"] > NUMBER / 20


def test_a_ledger_beside_a_sink_without_one_comes_to_the_same(tmp_path: Path, seed: int) -> None:
    database = Database()
    database.own_ledger = False
    beside = SqliteLedgerBeside.open(tmp_path / "ledger.db")
    try:
        counted = check_random_receipts(MemoryStore(database), seed, NUMBER, beside)
    finally:
        beside.close()
    assert counted["refused"] > NUMBER / 20
