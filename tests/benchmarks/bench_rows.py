"""Documents of one record each, as keyed rows are: what the store alone does a second, and reading them back.

What it is compared with are the same rows as one document a batch. The difference is the ledger: for each row
a document of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from batchwright import Batch, Ledger, Receipt
from batchwright.builtin.postgres import PostgresOptions, PostgresSink
from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from batchwright.contracts.receipts import DocumentVersion, Publication
from batchwright.contracts.record_rows import Rows
from batchwright.contracts.sink import Store
from batchwright.model import document_id, record_id
from tests.benchmarks.bare import SCHEMA
from tests.benchmarks.bench_postgres_sink import writing
from tests.benchmarks.bench_records import SALES, Sale, Work, keyed, sales
from tests.benchmarks.measuring import Case, Cost, in_process
from tests.benchmarks.reporting import report
from tests.benchmarks.scope import Scope, facts_of, renew

SIZES = (1_000, 5_000)
PAGES = (1_000, 5_000)
ROWS_A_ROUND = 5
"""Rows of a pass, for each of the scope's: they are a twentieth as large."""

ITEM = "sales/2026/january.csv"


def whole(records: Sequence[Sale], size: int) -> Work:
    """Return the same rows as batches of one document each."""
    rows, made = Rows(SALES), list[tuple[Batch[Any], Receipt]]()
    for start in range(0, len(records), size):
        version = document_id("benchmark", str(start), "")
        batch = [
            rows.row(record_id(version, place), rows.values(record))
            for place, record in enumerate(records[start : start + size])
        ]
        published = Publication(DocumentVersion(str(start), version, "", "sale", 0, len(batch)))
        receipt = Receipt(
            str(uuid4()), "benchmark", "sales", len(made), len(batch), publications=(published,)
        )
        made.append((Batch(batch, len(made)), receipt))
    return made


def of_a_file(work: Work) -> Work:
    """Return batches whose documents all came from one file."""
    return [
        (batch, replace(receipt, publications=tuple(map(_from_item, receipt.publications))))
        for batch, receipt in work
    ]


def _from_item(publication: Publication) -> Publication:
    return Publication(replace(publication.version, item=ITEM, brought_by="run"))


def read(ledger: Ledger, page: int) -> int:
    """Read all documents in pages; return how many there are."""
    count, after = 0, ""
    while found := ledger.documents("sales", after, page):
        count, after = count + len(found), found[-1].version.key
    return count


def run(scope: Scope) -> Path:
    """Measure; return the file of results."""
    records = sales(scope.rows * ROWS_A_ROUND)
    changed = [record.model_copy(update={"count": record.count + 1}) for record in records]
    admin, url, folder = scope.postgres(), scope.database(), scope.folder()

    @contextmanager
    def opened(database: str) -> Iterator[Store]:
        with ExitStack() as stack:
            if database == "postgres":
                renew(admin)
                options = PostgresOptions.model_validate({"url": url, "schema": SCHEMA, "full_text": False})
                yield stack.enter_context(PostgresSink(options).open(SALES))
            else:
                inside = stack.enter_context(tempfile.TemporaryDirectory(dir=folder))
                file = SqliteOptions.model_validate({"url": f"sqlite:///{inside}/kb.db", "full_text": False})
                yield stack.enter_context(SqliteSink(file).open(SALES))

    def first(database: str, size: int, *, one: bool = False) -> Cost:
        work = whole(records, size) if one else of_a_file(keyed(records, size))
        with opened(database) as store:
            return in_process(writing(store, work), rows=len(records))

    def again(database: str, size: int) -> Cost:
        work = of_a_file(keyed(changed, size))
        with opened(database) as store:
            writing(store, of_a_file(keyed(records, size)))()
            return in_process(writing(store, work), rows=len(records))

    def pages(database: str, page: int) -> Cost:
        with opened(database) as store:
            writing(store, of_a_file(keyed(records, 5_000)))()
            assert store.ledger is not None
            return in_process(partial(read, store.ledger, page), rows=len(records))

    cases = []
    for database in ("postgres", "sqlite"):
        for size in SIZES:
            base, facts = f"{database}, {size:,} a batch, one document", {"batch": size}
            cases.append(Case(base, partial(first, database, size, one=True), facts=facts))
            name = f"{database}, {size:,} a batch"
            cases.append(Case(f"{name}, new", partial(first, database, size), base, facts=facts))
            cases.append(Case(f"{name}, changed", partial(again, database, size), base, facts=facts))
        cases += [Case(f"{database}, read {page:,} a page", partial(pages, database, page)) for page in PAGES]
    results = scope.measure(cases)
    renew(admin, drop_only=True)
    return report(
        "rows", "Documents of one record each", results, facts=facts_of(admin), folder=scope.results
    )
