"""The Postgres sink against raw binary COPYs of the same rows that commit as often.

The sink upserts, records receipts and publishes documents; a COPY stores prepared tuples. One COPY of
everything measures the disk as much as the work: only the COPYs are compared with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
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
"""That takes the server several times as long, so there are fewer of them, with a quarter of the rows."""

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

    def raw(self, commit: int) -> Cost:
        """Return the cost of raw COPYs of `commit` rows each."""
        self._renew(1, full_text=False)[0].close()
        parts = [self.tuples[at : at + commit] for at in range(0, len(self.tuples), commit)]

        def copies() -> None:
            for part in parts:
                copy(self.admin, part)

        cost = in_process(copies, rows=len(self.tuples), size=self.size)
        return self._checked(cost, "knowledge_base_records")

    def cost(self, batch: int, writers: int = 1, *, full_text: bool = False) -> Cost:
        """Return the cost of loading everything through the sink, `batch` rows at a time."""
        stores = self._renew(writers, full_text=full_text)
        shares = [list(batches(self.texts[number::writers], batch)) for number in range(writers)]
        works = [writing(*both) for both in zip(stores, shares, strict=True)]
        try:
            cost = in_process(lambda: in_threads(works), rows=len(self.tuples), size=self.size)
        finally:
            for store in stores:
                store.close()
        return self._checked(cost, "knowledge_base")

    def _renew(self, writers: int, *, full_text: bool) -> Sequence[Store]:
        """Make the tables anew, and open a store for each writer."""
        renew(self.admin)
        options = PostgresOptions.model_validate({"url": self.url, "schema": SCHEMA, "full_text": full_text})
        stores = [PostgresSink(options).open() for _ in range(writers)]
        self.admin.execute("CHECKPOINT")
        return stores

    def _checked(self, cost: Cost, relation: str) -> Cost:
        """Return the cost, once all rows have arrived."""
        row = self.admin.execute(f"SELECT count(*) FROM {SCHEMA}.{relation}".encode()).fetchone()
        if row is None or row[0] != len(self.tuples):
            raise AssertionError(f"{row} of {len(self.tuples)} rows arrived")
        return cost


def run(scope: Scope) -> Path:
    """Measure; return the file of results."""
    texts = documents(scope.rows)
    admin = scope.postgres()
    loading = Loading(admin, scope.database(), texts).first(len(texts))
    cases = [Case(RAW, lambda: loading.raw(scope.rows))]
    for size in SIZES:
        copies = f"COPY, {size:,} a commit"
        cases.append(Case(copies, partial(loading.raw, size), RAW, facts={"batch": size}))
        for writers in (1, 2):
            facts = {"batch": size, "writers": writers, "full_text": False}
            cases.append(Case(name(size, writers), partial(loading.cost, size, writers), copies, facts=facts))
    fewer = loading.first(len(texts) // 4)
    for size in SIZES_WITH_TEXT:
        facts = {"batch": size, "writers": 1, "full_text": True}
        measure = partial(fewer.cost, size, full_text=True)
        cases.append(Case(f"{name(size, 1)}, full text", measure, name(size, 1), facts=facts))
    results = scope.measure(cases)
    renew(admin, drop_only=True)
    return report(
        "postgres", "Postgres sink, wall time", results, facts=facts_of(admin), folder=scope.results
    )


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
    """Return what writes all batches, one after the other, each knowing the next as it does in a run."""

    def write() -> None:
        following = chain((batch.documents for batch, _ in work[1:]), [()])
        for (batch, receipt), records in zip(work, following, strict=True):
            store.announce(records)
            store.write(batch, receipt)

    return write
