"""Rows of files in PostgreSQL: types, changes, and what is gone, row by row."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from batchwright import BatchConfig, BatchProcessor, ConfigError, SinkError, Target
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


def test_a_column_of_integers_is_widened_with_its_values_and_the_view_keeps_its_rights(
    postgres_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(f"id,amount,name\n1,5,a\n2,,b\n3,{-(2**63) + 1},c\n")
    config = BatchConfig(source=file, to=postgres_url, key="id", text="name", reporters=())
    BatchProcessor(config).run()
    role = f"reader_{uuid4().hex[:8]}"
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute(f'CREATE ROLE "{role}"'.encode())
        database.execute(f'GRANT SELECT ON orders TO "{role}"'.encode())
        database.execute(f'GRANT UPDATE (amount) ON orders TO "{role}" WITH GRANT OPTION'.encode())
        database.execute("ALTER VIEW orders SET (security_invoker = true)")
        database.execute("COMMENT ON VIEW orders IS 'it''s 100 % ours'")
        database.execute("COMMENT ON COLUMN orders.amount IS 'in cents'")
        before = database.execute(_VIEW).fetchall()
        assert before[0][1] == ["security_invoker=true"]
    file.write_text(f"id,amount,name\n1,5,a\n2,,b\n3,{-(2**63) + 1},c\n4,{2**63},d\n5,1.5,e\n6,x,f\n")
    account = BatchProcessor(config).run().account
    counts = account.documents
    assert (counts.unchanged, counts.added, counts.refused) == (3, 2, 1)
    with psycopg.connect(postgres_url, autocommit=True) as database:
        found = database.execute("SELECT id, amount, pg_typeof(amount)::text FROM orders ORDER BY id")
        assert found.fetchall() == [
            (1, Decimal(5), "numeric"),
            (2, None, "numeric"),
            (3, Decimal(-(2**63) + 1), "numeric"),
            (4, Decimal(2**63), "numeric"),
            (5, Decimal("1.5"), "numeric"),
        ]
        assert database.execute(_VIEW).fetchall() == before
        database.execute(f'DROP OWNED BY "{role}"'.encode())
        database.execute(f'DROP ROLE "{role}"'.encode())
    with Target(postgres_url) as target:
        assert [hit.key for hit in target.search("d")] == ["4"]
        assert not list(target.verify())


_VIEW = """
SELECT c.relacl::text[], c.reloptions, obj_description(c.oid, 'pg_class'), c.relowner,
       (SELECT array_agg(a.attname || coalesce(a.attacl::text, '') ||
                         coalesce(col_description(c.oid, a.attnum), '') ORDER BY a.attnum)
          FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0)
  FROM pg_class AS c WHERE c.oid = 'orders'::regclass
"""


def test_a_column_that_another_view_uses_or_another_role_owns_is_left_alone_and_the_error_says_what_to_do(
    postgres_url: str, tmp_path: Path
) -> None:
    role = f"loader_{uuid4().hex[:8]}"
    file = tmp_path / "orders.csv"
    file.write_text("id,amount\n1,5\n")
    config = BatchConfig(source=file, to=postgres_url, key="id", reporters=())
    BatchProcessor(config).run()
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute("CREATE VIEW mine AS SELECT sum(amount) AS total FROM orders")
    file.write_text("id,amount\n1,5\n2,1.5\n")
    with pytest.raises(
        ConfigError, match=r"amount of .* can't be widened .*view mine depends on view orders"
    ):
        BatchProcessor(config).run()
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute("DROP VIEW mine")
        database.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'loads'".encode())
        database.execute(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{role}"'.encode())
    host = postgres_url.partition("@")[2]
    theirs = config.model_copy(update={"to": f"postgresql://{role}:loads@{host}"})
    with pytest.raises(SinkError, match=r"must be owner of .*--types COLUMN=integer"):
        BatchProcessor(theirs).run()
    with psycopg.connect(postgres_url, autocommit=True) as database:
        database.execute(f'DROP OWNED BY "{role}"'.encode())
        database.execute(f'DROP ROLE "{role}"'.encode())
        database.execute("CREATE VIEW mine AS SELECT sum(amount) AS total FROM orders")
    said = config.model_copy(update={"types": {"amount": "integer"}})
    assert BatchProcessor(said).run().account.documents.refused == 1
    with psycopg.connect(postgres_url, autocommit=True) as database:
        assert database.execute("SELECT total FROM mine").fetchall() == [(5,)]
