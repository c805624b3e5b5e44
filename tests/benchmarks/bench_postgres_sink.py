"""The Postgres sink against one raw binary COPY of the same rows into a table of the same shape.

The sink upserts, records receipts and publishes documents, one commit a batch; the COPY is one transaction
of prepared tuples.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from batchwright import Batch, ProcessedChunk, Receipt
from batchwright.builtin.postgres import PostgresOptions, PostgresSink
from batchwright.contracts.sink import Store
from tests.benchmarks.bare import SCHEMA, copy, postgres_row
from tests.benchmarks.measuring import Case, Cost, in_process
from tests.benchmarks.reporting import report
from tests.benchmarks.rows import batches, documents, text_bytes
from tests.benchmarks.scope import Scope, facts_of, renew

SIZES = (32, 256, 1_000, 5_000)
SIZES_WITH_TEXT = (32, 1_000)
"""That takes the server 20 times as long, so there are fewer of them, with a quarter of the rows."""

RAW = "one COPY of everything"


@dataclass(frozen=True)
class Loading:
    """Loads the rows into new tables."""

    admin: psycopg.Connection[Any]
    url: str
    texts: Sequence[Sequence[ProcessedChunk]]
    tuples: Sequence[tuple[Any, ...]] = ()
    size: int = 0

    def first(self, count: int) -> Loading:
        """Return the loading of the first documents only, with their tuples and bytes."""
        texts = self.texts[:count]
        tuples = [postgres_row(chunk) for chunks in texts for chunk in chunks]
        return Loading(self.admin, self.url, texts, tuples, text_bytes(texts))

    def cost(self, batch: int | None, writers: int = 1, *, full_text: bool = False) -> Cost:
        """Return the cost of loading everything; `batch` is the rows a batch, None for the raw COPY."""
        renew(self.admin)
        options = PostgresOptions.model_validate({"url": self.url, "schema": SCHEMA, "full_text": full_text})
        stores = [PostgresSink(options).open() for _ in range(writers)]
        shares = [list(batches(self.texts[number::writers], batch or 1)) for number in range(writers)]
        self.admin.execute("CHECKPOINT")
        work = (
            (lambda: copy(self.admin, self.tuples))
            if batch is None
            else (lambda: in_threads([writing(*both) for both in zip(stores, shares, strict=True)]))
        )
        try:
            cost = in_process(work, rows=len(self.tuples), size=self.size)
        finally:
            for store in stores:
                store.close()
        relation = "knowledge_base_records" if batch is None else "knowledge_base"
        row = self.admin.execute(f"SELECT count(*) FROM {SCHEMA}.{relation}".encode()).fetchone()
        if row is None or row[0] != len(self.tuples):
            raise AssertionError(f"{row} of {len(self.tuples)} rows arrived")
        return cost


def run(scope: Scope) -> Path:
    """Measure; return the file of results."""
    texts = documents(scope.rows)
    admin = scope.postgres()
    loading = Loading(admin, scope.database(), texts).first(len(texts))
    cases = [Case(RAW, lambda: loading.cost(None))]
    for size in SIZES:
        for writers in (1, 2):
            facts = {"batch": size, "writers": writers, "full_text": False}
            cases.append(Case(name(size, writers), part(loading, size, writers), RAW, facts=facts))
    fewer = loading.first(len(texts) // 4)
    with_text = f"{RAW}, full text"
    cases.append(Case(with_text, lambda: fewer.cost(None, full_text=True), RAW, facts={"full_text": True}))
    for size in SIZES_WITH_TEXT:
        facts = {"batch": size, "writers": 1, "full_text": True}
        measure = part(fewer, size, 1, full_text=True)
        cases.append(Case(f"{name(size, 1)}, full text", measure, with_text, facts=facts))
    results = scope.measure(cases)
    renew(admin, drop_only=True)
    return report(
        "postgres", "Postgres sink, wall time", results, facts=facts_of(admin), folder=scope.results
    )


def part(loading: Loading, size: int, writers: int, *, full_text: bool = False) -> Callable[[], Cost]:
    """Return what measures one case."""
    return lambda: loading.cost(size, writers, full_text=full_text)


def name(size: int, writers: int) -> str:
    """Return what a case is called."""
    return f"sink, {size:,} a batch, {writers} writer{'s' if writers > 1 else ''}"


def in_threads(works: Sequence[Callable[[], None]]) -> None:
    """Do all at the same time, and raise what one raises."""
    errors: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def writing(store: Store, work: Sequence[tuple[Batch[Any], Receipt]]) -> Callable[[], None]:
    """Return what writes all batches, one after the other."""

    def write() -> None:
        for batch, receipt in work:
            store.write(batch, receipt)

    return write
