"""Random receipts leave in Postgres what they leave in SQLite, and so in the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from batchwright.contracts.sink import Inspectable, Store
from batchwright.errors import IncompleteDocument
from batchwright.model import Batch
from tests.integration.postgres.examples import store_at
from tests.support.model import Tables, apply
from tests.support.random_receipts import RandomReceipts
from tests.unit.sqlite.cases import sink_at as sqlite_at


@pytest.mark.parametrize("number", [150, pytest.param(1_000, marks=pytest.mark.slow)])
def test_random_receipts_leave_in_postgres_what_they_leave_in_sqlite(
    postgres_url: str, tmp_path: Path, seed: int, number: int
) -> None:
    receipts, tables = RandomReceipts(seed), Tables()
    with store_at(postgres_url, full_text=False) as postgres, sqlite_at(tmp_path / "kb.db").open() as sqlite:
        for step in range(number):
            chunks, receipt = receipts.next(tables)
            _outcome(lambda: apply(tables, receipt, chunks))  # noqa: B023 - called at once
            batch = Batch(list(chunks), step)
            outcomes = [_outcome(lambda: store.write(batch, receipt)) for store in (postgres, sqlite)]  # noqa: B023
            assert outcomes[0] == outcomes[1], (seed, step, receipt)
            assert _state(postgres) == _state(sqlite), (seed, step, receipt)


def _outcome(work: Any) -> type[Exception] | None:
    try:
        work()
    except IncompleteDocument as error:
        return type(error)
    return None


def _state(store: Store) -> Any:
    ledger = store.ledger
    assert ledger is not None
    assert isinstance(store, Inspectable)
    names = [collection.name for collection in ledger.collections()]
    documents = [(name, known.version, known.rejected) for name in names for known in ledger.documents(name)]
    known = [(ledger.pending(name), ledger.items(name), ledger.cursor(name)) for name in names]
    return documents, known, list(store.holdings()), ledger.rejects()
