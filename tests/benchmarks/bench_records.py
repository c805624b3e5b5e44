"""A model of five fields beside chunks, and a program's `load` of it: rows a second, from objects on."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import AwareDatetime, BaseModel

from batchwright import Batch, BatchConfig, BatchProcessor, Receipt, RecordType
from batchwright.builtin.postgres import PostgresOptions, PostgresSink
from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from batchwright.contracts.receipts import DocumentVersion, Publication
from batchwright.contracts.record_json import content_hash
from batchwright.contracts.record_rows import Rows
from batchwright.contracts.sink import AnySink
from batchwright.model import document_id, record_id
from tests.benchmarks.bare import SCHEMA
from tests.benchmarks.bench_postgres_sink import writing
from tests.benchmarks.measuring import Case, Cost, in_process
from tests.benchmarks.reporting import report
from tests.benchmarks.rows import batches, documents
from tests.benchmarks.scope import Scope, renew

SIZES = (32, 1_000)
Work = Sequence[tuple[Batch[Any], Receipt]]


class Sale(BaseModel):
    """A record as a shop has them."""

    id: int
    article: str
    count: int
    price: Decimal
    at: AwareDatetime


SALES = RecordType.of(Sale)


def sales(rows: int) -> list[Sale]:
    """Return so many records."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Sale(
            id=number,
            article=f"article {number % 997}",
            count=number % 5,
            price=Decimal(number % 10_000) / 100,
            at=begin + timedelta(seconds=number),
        )
        for number in range(rows)
    ]


def keyed(records: Sequence[Sale], size: int) -> Work:
    """Return records as batches of documents of one record each, as the engine makes them."""
    rows, made = Rows(SALES), list[tuple[Batch[Any], Receipt]]()
    for start in range(0, len(records), size):
        batch, published = [], []
        for record in records[start : start + size]:
            values = rows.values(record)
            key, digest = rows.key(values), content_hash(SALES, values)
            version = document_id("benchmark", key, digest)
            row = rows.row(record_id(version, 0), values)
            batch.append(row)
            published.append(
                Publication(DocumentVersion(key, version, digest, "sale", row.size, 1, "program"))
            )
        receipt = Receipt(
            str(uuid4()), "benchmark", "sales", len(made), len(batch), publications=tuple(published)
        )
        made.append((Batch(batch, len(made)), receipt))
    return made


def loaded(url: str, records: Sequence[Sale], *, again: bool) -> Cost:
    """Return the cost of a program's load of records that are new, or are there."""
    config = BatchConfig(
        to=url, reporters=(), sink={"postgres": {"full_text": False}, "sqlite": {"full_text": False}}
    )
    with BatchProcessor(config) as processor:
        if again:
            processor.load(records)
        return in_process(partial(processor.load, records), rows=len(records))


def stored(sink: AnySink, record_type: RecordType | None, make: Callable[[], Work]) -> Cost:
    """Return the cost of making the batches and of storing them."""
    with sink.open(record_type) as store:
        rows = 0

        def load() -> None:
            nonlocal rows
            work = make()
            rows = sum(len(batch.documents) for batch, _ in work)
            writing(store, work)()

        cost = in_process(load)
    return replace(cost, rows=rows)


def run(scope: Scope) -> Path:
    """Measure; return the file of results."""
    texts, records = documents(scope.rows), sales(scope.rows)
    admin, url, folder = scope.postgres(), scope.database(), scope.folder()

    def measure(database: str, kind: str, size: int) -> Cost:
        record_type = None if kind == "chunks" else SALES
        make: Callable[[], Work] = partial(keyed, records, size)
        if kind == "chunks":
            make = lambda: list(batches(texts, size))  # noqa: E731 - as the other
        if database == "postgres":
            renew(admin)
            options = PostgresOptions.model_validate({"url": url, "schema": SCHEMA, "full_text": False})
            return stored(PostgresSink(options), record_type, make)
        with tempfile.TemporaryDirectory(dir=folder) as inside:
            file = SqliteOptions.model_validate({"url": f"sqlite:///{inside}/kb.db", "full_text": False})
            return stored(SqliteSink(file), record_type, make)

    def load(database: str, *, again: bool = False) -> Cost:
        if database == "postgres":
            renew(admin)
            return loaded(f"{url}?schema={SCHEMA}", records, again=again)
        with tempfile.TemporaryDirectory(dir=folder) as inside:
            return loaded(f"sqlite:///{inside}/kb.db", records, again=again)

    cases = []
    for database in ("postgres", "sqlite"):
        for size in SIZES:
            chunks = f"{database}, chunks, {size:,} a batch"
            facts = {"batch": size}
            cases.append(Case(chunks, partial(measure, database, "chunks", size), facts=facts))
            name = f"{database}, five fields, {size:,} a batch"
            cases.append(Case(name, partial(measure, database, "sales", size), chunks, facts=facts))
        cases.append(Case(f"{database}, a program's load", partial(load, database), name))
        cases.append(Case(f"{database}, a program's load, again", partial(load, database, again=True), name))
    results = scope.measure(cases)
    renew(admin, drop_only=True)
    return report("records", "Records beside chunks, wall time", results, folder=scope.results)
