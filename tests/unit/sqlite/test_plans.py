"""No statement of the ledger reads a whole table, with or without statistics."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from itertools import chain, combinations
from typing import Any

import pytest

from batchwright.builtin.sqlite.store import SqliteStore
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Collection, ItemVersion, Receipt, RejectFilter, Run
from batchwright.model import Batch, ProcessedChunk
from batchwright.sinkkit.sql_ledger.steps.receipt import ReceiptSteps
from batchwright.testing.embedded import MODEL, embedded, key_of, put, vectors_of
from batchwright.testing.records import Sample, batch, reject, sample
from tests.unit.sqlite.cases import receipt, store_at

DOCUMENTS = 3_000
COLLECTIONS = 10

HARMLESS = {"r", "v", "k", "kinds", "sqlite_master", "knowledge_base_collections", "m"}
"""What may be read whole: a statement's values, classes of errors, names of tables, collections, models."""

SCAN = re.compile(r"SCAN (?!CONSTANT ROW|\d+ CONSTANT ROWS)(\S+)")
EVERYTHING = {
    "runs": r"SCAN \S+_runs USING INDEX \S+_runs_by_start",  # and ends after the first
    "reject_count": r"SCAN \S+_rejects USING COVERING INDEX .*",
}
"""What is to be read in the order of an index, by the method of the ledger."""


@pytest.fixture(params=[False, True], ids=["no statistics", "after ANALYZE"], scope="module")
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteStore]:
    with store_at(tmp_path_factory.mktemp("plans") / "kb.db") as store:
        if request.param:
            _fill(store)
        yield store


def _fill(store: SqliteStore) -> None:
    """Put some thousand rows into each table, and let SQLite count them."""
    for own, name in enumerate(("kit", *(f"collection {number}" for number in range(COLLECTIONS - 1)))):
        numbers = range(own, DOCUMENTS, COLLECTIONS)
        samples = [sample(f"{number:04}.md", 1, collection=name) for number in numbers]
        rejects = []
        for number, one in zip(numbers, samples, strict=True):
            values = {
                "error": f"E{number % 7}",
                "sqlstate": f"22{number % 90:03}",
                "run_id": f"run {number % 9}",
                "collection": name,
            }
            rejects.append(reject(one.chunks[0], id=f"r{number:04}", **values))
            rejects.append(reject(id=f"u{number:04}", key=one.version.key, collection=name))
        made = receipt(
            collection=name,
            publications=tuple(one.publication() for one in samples[::2]),
            begun=tuple(one.version for one in samples[1::2]),
            rejects=tuple(rejects),
            items=tuple(ItemVersion(f"{number:04}.csv", "etag", "csv1", 7) for number in numbers),
        )
        store.write(batch([one.chunks[0] for one in samples]), made)
    with store._file.transaction() as connection:
        runs = [
            (f"run {number}", f"{number:04}", f"collection {number % COLLECTIONS}", "docs", "done", "{}")
            for number in range(DOCUMENTS)
        ]
        connection.executemany(
            "INSERT INTO knowledge_base_runs (run_id, started_at, collection, source, state, account) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            runs,
        )
        receipts = [(f"many {number}", "run", number, 1, "now") for number in range(DOCUMENTS)]
        connection.executemany("INSERT INTO knowledge_base_receipts VALUES (?, ?, ?, ?, ?)", receipts)
        connection.execute("ANALYZE")


def _full(store: SqliteStore, count: int) -> tuple[Batch[ProcessedChunk], Receipt]:
    """A batch and a legal receipt with so many things in each of its lists."""

    def samples(name: str, chunks: int, **values: Any) -> list[Sample]:
        return [sample(name.format(number), chunks, **values) for number in range(1, 1 + count)]

    whole, patched = samples("{:04}.md", 2, content="2"), samples("p{}", 1, brought_by="program")
    begun, continued, discarded = (
        samples(name, 2, content=f"{count}") for name in ("begun {}", "continued {}", "discarded {}")
    )
    store.write(batch([]), receipt(begun=tuple(one.version for one in (*continued, *discarded))))
    made = receipt(
        begun=tuple(one.version for one in begun),
        continued=tuple(one.id for one in continued),
        publications=tuple(one.publication() for one in whole),
        patched=tuple(one.version for one in patched),
        deleted=tuple((one.version.key, one.id) for one in samples("1{:03}.md", 1)),
        discarded=tuple(one.id for one in discarded),
        orphaned=tuple(one.id for one in samples("nowhere {}", 1)),
        rejects=tuple(reject(one.chunks[0]) for one in begun),
        resolved=tuple(f"r{number:04}" for number in range(1, 1 + count)),
        noted=tuple(one.version for one in samples("2{:03}.md", 1)),
        items=tuple(ItemVersion(f"{number:04}.csv", "etag 2", "csv1", 7) for number in range(count)),
        items_gone=tuple(f"1{number:03}.csv" for number in range(count)),
        cursor=str(count),
    )
    chunks = [chunk for one in (*whole, *patched) for chunk in one.chunks]
    return batch([*chunks, *(one.chunks[0] for one in continued)]), made


@pytest.mark.parametrize("count", [1, 100])
def test_a_write_reads_no_table_whole(store: SqliteStore, count: int) -> None:
    rows, made = _full(store, count)
    plans = _plans(store, lambda: store.write(rows, made))
    steps = ReceiptSteps(made, "now", locks=False)
    assert len(plans) >= len({step.text for step in (*steps.before_rows(), *steps.after_rows())})
    assert _scans(plans) == []


def test_a_write_that_purges_reads_no_table_whole(store: SqliteStore) -> None:
    vectors = vectors_of(store)
    one, other = sample("purged.md", ["about walruses"]), sample("stays.md", ["about pears"])
    put(vectors, ["about walruses", "about pears"])
    for each in (one, other):
        store.write(batch(each.chunks), receipt(publications=(each.publication(),), embedded=embedded(each)))
    with store._file.transaction() as connection:
        rows = [(1, f"{number:032}".encode(), "2026") for number in range(DOCUMENTS)]
        connection.executemany("INSERT OR IGNORE INTO knowledge_base_unused VALUES (?, ?, ?)", rows)
    gone = receipt(deleted=((one.version.key, one.id),), purge=True)
    plans = _plans(store, lambda: store.write(batch([]), gone))
    by_mark = "USING INDEX knowledge_base_purged"  # which has nothing else in it
    assert [line for line in _scans(plans) if by_mark not in line] == []
    assert vectors.missing(MODEL, [key_of("about walruses"), key_of("about pears")]) == {
        key_of("about walruses")
    }
    store.write(batch([]), receipt(deleted=((other.version.key, other.id),)))


def _filters() -> Iterator[dict[str, object]]:
    values: dict[str, object] = {
        "collection": "kit",
        "run_id": "run 1",
        "key": "0001.md",
        "error": "E1",
        "unreadable": True,
    }
    values |= {"ids": ["r0001", "u0002"], "after": "r0000"}
    return (dict(some) for some in chain(*(combinations(values.items(), n) for n in range(len(values) + 1))))


@pytest.mark.parametrize("filters", list(_filters()), ids=" ".join)
def test_rejects_are_found_by_what_they_are_filtered_by(
    store: SqliteStore, filters: dict[str, object]
) -> None:
    given = {name: value for name, value in filters.items() if name != "after"}
    wanted = RejectFilter(**given)  # type: ignore[arg-type]
    plans = _plans(store, lambda: store.ledger.rejects(wanted, after=str(filters.get("after", ""))))
    assert _scans(plans) == []
    if filters.keys() - {"after"}:  # else they come page by page
        for plan in plans.values():
            used = [line for line in plan if " j " in line]
            assert all(
                re.search(r"[(]\w+=[?]", line) or "k.error" in line or "(error" in line for line in used
            )


QUERIES: dict[str, Callable[[Ledger], object]] = {
    "runs": lambda ledger: ledger.runs(),
    "runs of one": lambda ledger: ledger.runs("kit"),
    "collections": lambda ledger: ledger.collections(),
    "enter_collection": lambda ledger: ledger.enter_collection(Collection("kit", "/docs"), adopt=True),
    "drop_collection": lambda ledger: ledger.drop_collection("kit"),
    "committed": lambda ledger: ledger.committed("batch"),
    "documents": lambda ledger: ledger.documents("kit", "0001.md", 10),
    "document": lambda ledger: ledger.document("kit", "0001.md"),
    "pending": lambda ledger: ledger.pending("kit"),
    "items": lambda ledger: ledger.items("kit", "0001.csv", 10),
    "cursor": lambda ledger: ledger.cursor("kit"),
    "drop_rejects": lambda ledger: ledger.drop_rejects(["r0001", "nobody"]),
    "start_run": lambda ledger: ledger.start_run(Run("run", "2026", "docs")),
    "finish_run": lambda ledger: ledger.finish_run(Run("run", "2026", "docs", state="done")),
    "reject_count": lambda ledger: ledger.reject_count(),
    "reject_count of one": lambda ledger: ledger.reject_count("kit"),
}


@pytest.mark.parametrize("method", QUERIES)
def test_a_ledger_reads_no_table_whole(store: SqliteStore, method: str) -> None:
    plans = _plans(store, lambda: QUERIES[method](store.ledger))
    assert plans
    expected = EVERYTHING.get(method)
    scans = _scans(plans)
    assert [line for line in scans if not (expected and re.fullmatch(expected, line))] == []
    assert bool(scans) == bool(expected)
    assert not any("TEMP B-TREE" in line for plan in plans.values() for line in plan)


def test_looking_into_the_store_goes_by_the_id(store: SqliteStore) -> None:
    plans = _plans(store, lambda: (list(store.holdings()), store.sound(sample("0001.md", 1).id)))
    assert len(plans) >= 2
    assert _scans(plans) == []


def _plans(store: SqliteStore, call: Callable[[], object]) -> dict[str, list[str]]:
    """The plan of each statement that a call executes, by its text."""
    traced: dict[str, list[str]] = {}
    connection = store._file._opened()
    connection.set_trace_callback(lambda text: traced.setdefault(text, []))
    try:
        call()
    finally:
        connection.set_trace_callback(None)
    known = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)")
    return {text: _plan(connection, text) for text in traced if known.match(text)}


def _plan(connection: sqlite3.Connection, text: str) -> list[str]:
    return [detail for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {text}")]


def _scans(plans: dict[str, list[str]]) -> list[str]:
    return [
        line
        for plan in plans.values()
        for line in plan
        for scanned in SCAN.findall(line)
        if scanned not in HARMLESS and not scanned.startswith("(")
    ]
