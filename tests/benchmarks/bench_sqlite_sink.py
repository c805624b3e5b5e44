"""The SQLite sink against one `executemany` in one transaction into the same tables."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from batchwright import ProcessedChunk
from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from tests.benchmarks.bare import insert, sqlite_row
from tests.benchmarks.bench_postgres_sink import SIZES, SIZES_WITH_TEXT, in_threads, name, writing
from tests.benchmarks.measuring import Case, Cost, in_process
from tests.benchmarks.reporting import report
from tests.benchmarks.rows import batches, documents, text_bytes
from tests.benchmarks.scope import Scope

RAW = "one executemany of everything"


@dataclass(frozen=True)
class Loading:
    """Loads the rows into new files."""

    folder: Path
    texts: Sequence[Sequence[ProcessedChunk]]
    tuples: Sequence[tuple[Any, ...]] = ()
    size: int = 0

    def first(self, count: int) -> Loading:
        """Return the loading of the first documents only, with their tuples and bytes."""
        texts = self.texts[:count]
        tuples = [sqlite_row(chunk) for chunks in texts for chunk in chunks]
        return Loading(self.folder, texts, tuples, text_bytes(texts))

    def cost(self, batch: int | None, writers: int = 1, *, again: bool = False, **options: object) -> Cost:
        """Return the cost of loading everything.

        Args:
            batch: Rows a batch; None for the raw insert.
            writers: How many at the same time. The engine uses one; SQLite lets one write at a time.
            again: Load once, and measure a second time.
            options: Of the sink.
        """
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            file = f"{folder}/bench.db"
            url = SqliteOptions.model_validate({"url": f"sqlite:///{file}", "full_text": False, **options})
            stores = [SqliteSink(url).open() for _ in range(writers)]
            try:
                for _ in range(1 + again):
                    if batch is None:
                        full_text = bool(options.get("full_text"))
                        work = partial(insert, file, self.tuples, full_text=full_text)
                    else:
                        shares = [
                            list(batches(self.texts[number::writers], batch)) for number in range(writers)
                        ]
                        work = partial(
                            in_threads, [writing(*both) for both in zip(stores, shares, strict=True)]
                        )
                    cost = in_process(work, rows=len(self.tuples), size=self.size)
                with closing(sqlite3.connect(file)) as connection:
                    relation = "knowledge_base_records" if batch is None else "knowledge_base"
                    found = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()[0]
            finally:
                for store in stores:
                    store.close()
        if found != len(self.tuples):
            raise AssertionError(f"{found} of {len(self.tuples)} rows arrived")
        return cost


def run(scope: Scope) -> Path:
    """Measure; return the file of results."""
    texts = documents(scope.rows)
    loading = Loading(scope.folder(), texts)
    cost, fewer = loading.first(len(texts)).cost, loading.first(len(texts) // 4).cost
    cases = [Case(RAW, partial(cost, None))]
    for size in SIZES:
        for writers in (1, 2):
            facts = {"batch": size, "writers": writers, "full_text": False}
            cases.append(Case(name(size, writers), partial(cost, size, writers), RAW, facts=facts))
    first = name(1_000, 1)
    cases.append(Case("the same rows again", partial(cost, 1_000, again=True), first))
    for size in (32, 1_000):
        measure = partial(cost, size, synchronous="full")
        cases.append(Case(f"{name(size, 1)}, fsync a batch", measure, RAW, facts={"batch": size}))
    with_text = f"{RAW}, full text"
    cases.append(Case(with_text, partial(fewer, None, full_text=True), RAW))
    for size in SIZES_WITH_TEXT:
        measure = partial(fewer, size, full_text=True)
        facts = {"batch": size, "writers": 1, "full_text": True}
        cases.append(Case(f"{name(size, 1)}, full text", measure, with_text, facts=facts))
    results = scope.measure(cases)
    version = {"sqlite": sqlite3.sqlite_version}
    return report("sqlite", "SQLite sink, wall time", results, facts=version, folder=scope.results)
