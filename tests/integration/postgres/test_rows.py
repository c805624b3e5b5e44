"""Rows of files in PostgreSQL: types, changes, and what is gone, row by row."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import psycopg

from batchwright import BatchConfig, BatchProcessor, Target
from tests.support.marks import marked


def test_rows_are_typed_added_changed_and_gone(postgres_url: str, tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    head = "id,price,day,at,zip,paid,note\n"
    lines = [
        f"{number},{number}.25,2026-01-{number % 28 + 1:02},2026-01-31T12:30:00Z,{number:05},true,"
        for number in range(2_000)
    ]
    file.write_text(head + "\n".join(lines) + "\n")
    config = BatchConfig(source=file, to=postgres_url, key="id", reporters=())
    first = BatchProcessor(config).run()
    assert first.account.documents.added == 2_000
    with psycopg.connect(postgres_url, autocommit=True) as database:
        [row] = database.execute("SELECT price, day, at, zip, paid, note FROM orders WHERE id = 7").fetchall()
    assert row == (
        Decimal("7.25"),
        date(2026, 1, 8),
        datetime(2026, 1, 31, 12, 30, tzinfo=UTC),
        "00007",
        True,
        None,
    )
    del lines[100:150]
    lines[:100] = [line.replace("true", "false") for line in lines[:100]]
    file.write_text(head + "\n".join(reversed(lines)) + "\n")
    again = BatchProcessor(config.model_copy(update={"prune": True})).run()
    counts = again.account.documents
    assert (counts.changed, counts.deleted, counts.unchanged, counts.added) == (100, 50, 1_850, 0)
    with psycopg.connect(postgres_url, autocommit=True) as database:
        [row] = database.execute("SELECT count(*), count(*) FILTER (WHERE NOT paid) FROM orders").fetchall()
    assert row == (1_950, 100)


def test_rows_without_a_key_are_blocks(postgres_url: str, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    lines = [f"{number},entry {number}" for number in range(2_500)]
    file.write_text("at,what\n" + "\n".join(lines) + "\n")
    config = BatchConfig(source=file, to=postgres_url, text="what", reporters=())
    assert BatchProcessor(config).run().account.documents.added == 3
    file.write_text("at,what\n" + "\n".join([*lines, "7", "2500,last"]) + "\n")
    again = BatchProcessor(config).run().account
    assert (again.documents.changed, again.documents.unchanged, again.records.rejected) == (1, 2, 1)
    with Target(postgres_url) as target:
        [hit] = target.search("last")
    assert (hit.key, marked(hit)) == (hit.id, "«last»")
    with psycopg.connect(postgres_url, autocommit=True) as database:
        assert database.execute("SELECT count(*), max(at) FROM log").fetchone() == (2_501, 2_500)
