"""Rows that are stored many together: the same as one by one, and apart where something is the matter."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from batchwright import Batch, BatchConfig, BatchProcessor, Receipt, Reporter, RunResult
from batchwright.builtin.sqlite.store import SqliteStore
from batchwright.contracts.account import DocumentState
from batchwright.contracts.events import DocumentFinished, Event
from batchwright.contracts.receipts import DocumentVersion, Publication
from batchwright.contracts.row_publications import RowPublications, columns_of
from batchwright.contracts.rows import Row, RowColumns, ids_of
from batchwright.engine.delivery.assembler import Assembler
from batchwright.engine.delivery.buffer import Buffer
from batchwright.engine.delivery.row_block import RowBlock
from batchwright.engine.delivery.work import Work
from batchwright.model import document_id
from tests.support.tables import rows

ROWS = 700


def block(first: int, count: int) -> RowBlock:
    numbers = range(first, first + count)
    ids = [document_id("fruit", str(number)) for number in numbers]
    keys, sizes = [str(number) for number in numbers], [number % 7 + 1 for number in numbers]
    records = RowColumns(ids, [keys, [number * 2 for number in numbers]], sizes)
    publications = RowPublications(
        keys, ids, ["hash"] * count, sizes, ["fruit.csv"] * count, "settings", "run"
    )
    return RowBlock(records, publications, ["" if number % 3 else "run" for number in numbers])


def test_rows_in_columns_are_rows() -> None:
    some = block(5, 4).records
    expected = [Row(document_id("fruit", str(n)), (str(n), n * 2), n % 7 + 1) for n in range(5, 9)]
    assert [*some] == expected
    assert [some[place] for place in (0, 3, -1)] == [expected[0], expected[3], expected[-1]]
    assert [*some[1:3]] == expected[1:3]
    assert [*RowColumns.joined([some[:1], some[1:]])] == expected


def test_publications_in_columns_are_publications() -> None:
    some = block(5, 4).publications
    expected = [
        Publication(
            DocumentVersion(
                str(n), document_id("fruit", str(n)), "hash", "settings", n % 7 + 1, 1, item="fruit.csv"
            )
        )
        for n in range(5, 9)
    ]
    assert [*some] == expected
    assert [some[0], some[-1], *some[1:3]] == [expected[0], expected[-1], *expected[1:3]]
    assert [*map(tuple, some.columns)] == columns_of(expected)


@pytest.mark.parametrize("most", [None, 25])
def test_parts_are_cut_from_documents_and_rows_alike(seed: int, most: int | None) -> None:
    pick, assembler, wanted, cut = random.Random(seed), Assembler(), list[str](), list[str]()
    for first in range(0, 1_000, 20):
        some = block(first, 20)
        items: list[Work | RowBlock] = [some] if pick.random() < 0.6 else [*some.works()]
        for item in items:
            assembler.add(item)
        wanted += ids_of(some.records)
        while assembler.records > 40:
            ahead = ids_of(assembler.next(size := pick.randrange(1, 50)))
            part = assembler.cut(size, most)
            found = ids_of(part.records())
            assert part.size == len(found) <= size
            assert part.documents()[0] == len(found)
            assert [*found] == [*ahead][: len(found)] or most
            assert most is None or part.size == 1 or sum(one.size for one in part.records()) <= most
            assert ids_of(part.apart().records()) == [*found]
            cut += found
    cut += ids_of(assembler.cut(1_000, None).records())
    assert sorted(cut) == sorted(wanted)
    assert assembler.records == 0


def test_a_writer_gets_as_many_rows_as_it_asks_for() -> None:
    buffer = Buffer(10**6)
    buffer.put(block(0, 10))
    buffer.put(block(10, 10))
    buffer.end()
    sizes = [[len(one.records) for one in buffer.get(count)] for count in (4, 9, 9)]  # type: ignore[arg-type]
    assert sizes == [[4], [6, 3], [7]]


class Listener(Reporter):  # type: ignore[type-arg]  # it has no options
    """Asks for each document of some states."""

    name = "listener"

    def __init__(self, states: Collection[DocumentState]) -> None:
        self.each_document = frozenset(states)
        self.keys: list[str] = []

    def handle(self, event: Event) -> None:
        if isinstance(event, DocumentFinished):
            self.keys.append(event.key)


def load(folder: Path, **more: Any) -> RunResult:
    path = folder / "fruit.csv"
    if not path.exists():
        path.write_text("id,name\n" + "".join(f"{number:04},fruit\n" for number in range(ROWS)))
    to = f"sqlite:///{folder}/kb.db"
    config = BatchConfig(
        source=path, to=to, key="id", batch_size=50, workers=1, reporters=(), max_rejects=None
    )
    return BatchProcessor(config, **more).run()


def failing(monkeypatch: pytest.MonkeyPatch, fault: Callable[[Batch[Any]], None]) -> None:
    write = SqliteStore.write

    def wrong(self: SqliteStore, batch: Batch[Any], receipt: Receipt) -> None:
        if batch.documents:
            fault(batch)
        write(self, batch, receipt)

    monkeypatch.setattr(SqliteStore, "write", wrong)


def test_a_reporter_that_asks_for_each_document_gets_each(tmp_path: Path) -> None:
    listener = Listener(["added"])
    load(tmp_path, reporters=[listener])
    assert listener.keys == [f"{number:04}" for number in range(ROWS)]


def test_a_row_that_cannot_be_stored_costs_itself_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(batch: Batch[Any]) -> None:
        if any(row.values[0] == "0123" for row in batch.documents):
            raise ValueError("not this one")

    failing(monkeypatch, fault)
    account = load(tmp_path).account
    account.check()
    assert (account.documents.added, account.documents.refused) == (ROWS - 1, 1)
    assert (account.records.written, account.records.rejected) == (ROWS - 1, 1)
    [reject] = rows(f"sqlite:///{tmp_path}/kb.db", "fruit_rejects")
    assert reject["key"] == "0123"


@pytest.mark.parametrize("error", [RuntimeError, SystemExit])
def test_rows_that_a_failure_leaves_are_accounted_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    left = [5]

    def fault(_: Batch[Any]) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise error("no more")

    with monkeypatch.context() as patch:
        failing(patch, fault)
        listener = Listener(["not_attempted", "failed"])
        result = load(tmp_path, reporters=[listener])
        account = result.account
    assert result.exit_code == 1
    account.check()
    assert account.documents.added == account.records.written == 250
    assert account.documents.failed + account.documents.not_attempted == account.documents_seen - 250
    assert len(listener.keys) == len({*listener.keys}) == account.documents_seen - 250
    after = load(tmp_path).account
    assert (after.documents.added, after.documents.unchanged) == (ROWS - 250, 250)
