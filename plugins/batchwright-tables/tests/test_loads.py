"""Whole runs: a Parquet file, and queries, into SQLite and Postgres; again, changed, gone, by cursor."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from psycopg import sql

from batchwright import BatchConfig, BatchProcessor, ConfigError, RunResult
from tests.queries import run
from tests.test_postgres_types import HELD, MADE

Loaded = dict[str, tuple[Any, ...]]


class Target:
    """A database to load into.

    Args:
        url: Where it is.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def load(self, source: str, **settings: Any) -> RunResult:
        """Loads a source into the collection `orders`."""
        given = {"collection": "orders", "key": "id", "reporters": (), **settings}
        with BatchProcessor(BatchConfig(source=source, to=self.url, **given)) as processor:
            return processor.run()

    def rows(self, relation: str, *columns: str) -> list[tuple[Any, ...]]:
        """What is published, by the first column."""
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        query = sql.SQL("SELECT {} FROM {} ORDER BY 1").format(names, sql.Identifier(relation))
        if self.url.startswith("postgresql"):
            with psycopg.connect(self.url) as connection:
                return connection.execute(query).fetchall()
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as file:
            return file.execute(query.as_string(None)).fetchall()


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path, other_url: Callable[[], str]) -> Target:
    return Target(other_url() if request.param == "postgresql" else f"sqlite:///{tmp_path}/kb.db")


def _states(result: RunResult) -> dict[str, int]:
    found = {**asdict(result.account.documents), "removed": result.account.removed}
    return {name: count for name, count in found.items() if count}


def _write(path: Path, orders: dict[int, str]) -> None:
    table = pa.table({"id": [*orders], "name": [*orders.values()], "price": [n / 2 for n in orders]})
    pq.write_table(table, path)


def test_a_parquet_file_is_kept_in_step(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    orders = {n: f"order {n}" for n in range(1, 101)}
    _write(path, orders)
    assert _states(target.load(str(path))) == {"added": 100}
    assert _states(target.load(str(path))) == {"unchanged": 100}
    orders[7] = "another"
    _write(path, orders)
    assert _states(target.load(str(path))) == {"changed": 1, "unchanged": 99}
    del orders[9]
    _write(path, orders)
    assert _states(target.load(str(path), prune=True)) == {"unchanged": 99, "deleted": 1, "removed": 1}
    assert target.rows("orders", "id", "name", "price") == [(n, name, n / 2) for n, name in orders.items()]


def test_rows_that_cannot_be_held_are_set_aside_and_leave_what_was_there(
    target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "events.parquet"
    at = pa.timestamp("ns")
    good, bad = 1_769_862_600_123_456_000, 1_769_862_600_123_456_789
    pq.write_table(pa.table({"id": ["a", "b"], "at": pa.array([good, good], at)}), path)
    assert _states(target.load(str(path))) == {"added": 2}
    pq.write_table(pa.table({"id": ["a", "b", None], "at": pa.array([good + 1_000, bad, good], at)}), path)
    result = target.load(str(path), prune=True, max_rejects=5)
    assert _states(result) == {"changed": 1, "refused": 1, "failed": 1}
    assert [key for key, _ in target.rows("events", "id", "at")] == ["a", "b"]
    assert _states(target.load(str(path), reader={"parquet": {"nanoseconds": "cut"}})) == {
        "unchanged": 2,
        "failed": 1,
    }


@pytest.fixture
def shop(postgres_url: str) -> str:
    """The URL of a query's source."""
    run(
        postgres_url,
        "CREATE TABLE item (id bigint PRIMARY KEY, name text, price numeric(10, 2), updated_at timestamptz)",
        "INSERT INTO item SELECT n, 'item ' || n, n / 4.0, timestamptz '2026-01-01' + n * interval '1 s' "
        "FROM generate_series(1, 200) AS n",
    )
    return postgres_url


def _query(url: str) -> str:
    return url.replace("postgresql:", "postgresql+query:")


ITEMS = {"sql": "SELECT * FROM item", "key": "id"}


def test_a_query_is_kept_in_step(target: Target, shop: str) -> None:
    def load(**settings: Any) -> dict[str, int]:
        return _states(target.load(_query(shop), sources={"postgres_query": ITEMS}, **settings))

    assert load() == {"added": 200}
    assert load() == {"unchanged": 200}
    run(shop, "UPDATE item SET price = 7 WHERE id = 7", "DELETE FROM item WHERE id = 9")
    assert load() == {"changed": 1, "unchanged": 198, "deleted": 1}
    assert load(prune=True) == {"unchanged": 199, "deleted": 1, "removed": 1}
    with psycopg.connect(shop) as connection:
        wanted = connection.execute("SELECT id, name, price FROM item ORDER BY 1").fetchall()
    found = target.rows("orders", "id", "name", "price")
    assert [(key, name, Decimal(price)) for key, name, price in found] == wanted


def test_a_query_by_cursor_loses_neither_late_commits_nor_rows_without_a_cursor(
    target: Target, shop: str
) -> None:
    by_cursor = {"postgres_query": {**ITEMS, "cursor": "updated_at", "lag": "1h"}}

    def load(**settings: Any) -> dict[str, int]:
        return _states(target.load(_query(shop), sources=by_cursor, **settings))

    run(shop, "UPDATE item SET updated_at = updated_at - interval '1 day' WHERE id <= 100")
    with psycopg.connect(shop) as slow:
        slow.execute("INSERT INTO item VALUES (201, 'late', 1, '2026-01-01 00:01')")
        assert load() == {"added": 200}
    assert load() == {
        "added": 1,
        "unchanged": 100,
    }  # what is older than the highest less an hour isn't asked for
    run(
        shop,
        "INSERT INTO item VALUES (202, 'no cursor', 1, NULL)",
        "UPDATE item SET name = 'new', updated_at = '2026-01-02' WHERE id = 3",
        "DELETE FROM item WHERE id IN (4, 199)",
    )
    assert load() == {"added": 1, "changed": 1, "unchanged": 100}
    assert load() == {"unchanged": 2}  # the one with the highest cursor, and the one with none
    run(shop, "UPDATE item SET name = 'still none' WHERE id = 202")
    assert load() == {"changed": 1, "unchanged": 1}
    assert len(target.rows("orders", "id")) == 202  # what isn't listed is not gone
    with pytest.raises(ConfigError, match="prune"):
        load(prune=True)
    whole = {"postgres_query": ITEMS}
    assert _states(target.load(_query(shop), sources=whole, prune=True)) == {
        "unchanged": 200,
        "deleted": 2,
        "removed": 2,
    }


def test_a_query_that_fails_on_its_way_keeps_no_cursor_and_takes_nothing_for_gone(
    target: Target, shop: str
) -> None:
    sql_ = "SELECT id, name, 1 / (id - {}) AS ratio, updated_at FROM item ORDER BY id"

    def load(bad: int, **settings: Any) -> RunResult:
        query = {"sql": sql_.format(bad), "key": "id", **settings}
        return target.load(_query(shop), sources={"postgres_query": query})

    assert _states(load(0)) == {"added": 200}
    failed = load(150, cursor="updated_at")
    assert failed.account.documents.failed == 1
    assert failed.account.documents.deleted == 0
    assert _states(load(0, cursor="updated_at"))["unchanged"] == 200  # no cursor was kept


def test_a_row_that_is_none_does_not_hold_the_cursor_back(target: Target, shop: str) -> None:
    query = {
        "key": "id",
        "cursor": "updated_at",
        "sql": "SELECT nullif(id, 5) AS id, name, updated_at FROM item",
    }
    bad, lasting = {"failed": 1}, {"postgres_query": query}
    assert _states(target.load(_query(shop), sources=lasting)) == {"added": 199, **bad}
    assert _states(target.load(_query(shop), sources=lasting)) == {"unchanged": 1}
    run(shop, "UPDATE item SET id = 205, updated_at = '2026-01-02' WHERE id = 5")
    assert _states(target.load(_query(shop), sources=lasting)) == {"added": 1, "unchanged": 1}


def test_keys_that_are_missing_or_met_twice_are_set_aside(target: Target, shop: str) -> None:
    query = {"key": "id", "sql": "SELECT CASE WHEN id > 2 THEN id END AS id, name FROM item WHERE id < 5 "
             "UNION ALL SELECT 4, 'twice' UNION ALL SELECT 5, 'once'"}  # fmt: skip
    result = target.load(_query(shop), sources={"postgres_query": query}, max_rejects=9)
    assert _states(result)["added"] == 2
    assert target.rows("orders", "id", "name") == [(3, "item 3"), (5, "once")]


def test_every_type_arrives_as_it_was(postgres_url: str, other_url: Callable[[], str]) -> None:
    run(postgres_url, *MADE)
    columns = ", ".join(f"{expression} AS c{n}" for n, (expression, _, _) in enumerate(HELD))
    query = {"sql": f"SELECT 1 AS id, {columns}", "key": "id"}
    target = Target(other_url())
    assert _states(target.load(_query(postgres_url), sources={"postgres_query": query})) == {"added": 1}
    [row] = target.rows("orders", *(f"c{n}" for n in range(len(HELD))))
    assert list(row) == [value for _, _, value in HELD]


def test_a_query_of_sqlite_is_loaded(target: Target, tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("CREATE TABLE item (id TEXT, name TEXT, updated_at TEXT)")
        file.executemany(
            "INSERT INTO item VALUES (?, ?, ?)",
            [(f"k{n}", f"item {n}", f"2026-01-{n:02d}") for n in range(1, 31)],
        )
    query = {"driver": "sqlite3", "sql": "SELECT * FROM item", "key": "id", "cursor": "updated_at"}

    def load() -> dict[str, int]:
        return _states(target.load(f"dbapi+query:///{path}", sources={"dbapi_query": query}))

    assert load() == {"added": 30}
    assert load() == {"unchanged": 1}
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE item SET name = 'new', updated_at = '2026-02-01' WHERE id = 'k3'")
    assert load() == {"changed": 1, "unchanged": 1}
    assert len(target.rows("orders", "id")) == 30


def test_settings_say_key_cursor_and_lag_of_a_query(target: Target, shop: str) -> None:
    url = f"{_query(shop)}?sql={quote('SELECT * FROM item WHERE id > 190')}"
    assert _states(target.load(url, cursor="updated_at", lag="2s")) == {"added": 10}
    assert _states(target.load(url, cursor="updated_at", lag="2s")) == {"unchanged": 3}
    with pytest.raises(ConfigError, match="key: it is 'id', and 'name' for the source postgres_query"):
        target.load(f"{url}&key=name")


def test_a_source_without_a_cursor_refuses_one(target: Target, tmp_path: Path) -> None:
    _write(tmp_path / "orders.parquet", {1: "one"})
    with pytest.raises(ConfigError, match=r"cursor: .*orders\.parquet has none"):
        target.load(str(tmp_path / "orders.parquet"), cursor="id")


def test_the_command_loads_a_query(postgres_url: str, shop: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "batchwright", "run", f"{_query(shop)}?sql=SELECT * FROM item"]
    options = ["--key", "id", "--cursor", "updated_at", "--lag", "5s", "--to", f"sqlite:///{tmp_path}/kb.db"]

    def ended(*more: str) -> tuple[int, str]:
        done = subprocess.run(
            [*command, *options, *more, "--json"], capture_output=True, text=True, timeout=60, cwd=tmp_path
        )
        password = str(psycopg.conninfo.conninfo_to_dict(shop)["password"])
        assert password not in done.stdout + done.stderr
        return done.returncode, done.stdout or done.stderr

    code, said = ended()
    assert code == 2, said
    assert "--collection" in said
    code, said = ended("--collection", "items")
    assert (code, json.loads(said)["account"]["documents"]["added"]) == (0, 200)
    code, said = ended("--collection", "items")
    assert (code, json.loads(said)["account"]["documents"]["unchanged"]) == (0, 6)


def test_a_column_with_a_text_is_cut_into_chunks_and_the_others_are_metadata_of_their_types(
    target: Target, shop: str, tmp_path: Path
) -> None:
    table = pa.table(
        {
            "id": [1, 2],
            "name": ["one " * 2_000, "two"],
            "price": pa.array([Decimal("1.50"), None], pa.decimal128(10, 2)),
            "day": pa.array([20_454, None], pa.date32()),
        }
    )
    pq.write_table(table, path := tmp_path / "orders.parquet")
    whole = {"chunk": "name", "collection": "texts"}
    assert _states(target.load(str(path), **whole)) == {"added": 2}
    assert _states(target.load(str(path), **whole)) == {"unchanged": 2}
    found = target.rows("knowledge_base", "source_file", "metadata")
    assert len(found) > 2, "a long text has several chunks"
    said = {key: as_value(metadata) for key, metadata in found}
    assert said["1"] == {"id": 1, "price": "1.5", "day": "2026-01-01", "title": "1"}
    assert said["2"] == {"id": 2, "title": "2"}
    run(shop, "DELETE FROM item WHERE id > 2")
    by_query = {**whole, "sources": {"postgres_query": ITEMS}, "collection": "items"}
    assert _states(target.load(_query(shop), **by_query)) == {"added": 2}
    run(shop, "UPDATE item SET price = 9 WHERE id = 2")
    assert _states(target.load(_query(shop), **by_query)) == {"changed": 1, "unchanged": 1}
    texts = [text for text, _ in target.rows("knowledge_base", "chunk_text", "id") if text.startswith("item")]
    assert texts == ["item 1", "item 2"]


def as_value(metadata: Any) -> Any:
    return json.loads(metadata) if isinstance(metadata, str) else metadata


@pytest.mark.parametrize("mark", ["deleted_at timestamptz", "is_deleted boolean"])
def test_rows_that_are_marked_as_deleted_are_removed_by_a_load_by_cursor(
    target: Target, shop: str, mark: str
) -> None:
    column, kind = mark.split()
    value = "now()" if kind == "timestamptz" else "true"
    source = f"{_query(shop)}?sql=SELECT * FROM item&deleted={column.upper()}"

    def load(**settings: Any) -> dict[str, int]:
        return _states(target.load(source, cursor="updated_at", lag="10s", **settings))

    def update(change: str, at: str, where: str) -> None:
        run(shop, f"UPDATE item SET {change}, updated_at = '2026-01-01 {at}Z' WHERE {where}")

    run(shop, f"ALTER TABLE item ADD COLUMN {column} {kind}")
    update(f"{column} = {value}", "00:00:01", "id = 1")
    assert load() == {"added": 199}
    update(f"{column} = {value}", "00:10:00", "id IN (1, 2, 3)")
    with psycopg.connect(shop) as slow:
        late = f"UPDATE item SET {column} = {value}, updated_at = '2026-01-01 00:09:55Z' WHERE id = 4"
        slow.execute(late)
        assert load() == {"unchanged": 11, "deleted": 2, "removed": 2}
    assert load() == {"deleted": 1, "removed": 1}, "it was committed late, within the lag"
    assert load() == {}, "they come again, and are known to be gone"
    found = [key for key, _ in target.rows("orders", "id", "name")]
    assert found == list(range(5, 201))
    update(f"{column} = NULL", "00:10:01", "id = 2")
    assert load() == {"added": 1}
    with pytest.raises(ConfigError, match=r"deleted: the query has no column gone; it has id, name, price"):
        target.load(source.replace(column.upper(), "gone"), cursor="updated_at")
    with pytest.raises(ConfigError, match=r"deleted: updated_at is the key, or the cursor"):
        target.load(source.replace(column.upper(), "updated_at"), cursor="updated_at")
    run(shop, "DELETE FROM item WHERE id = 5")
    assert _states(target.load(source, prune=True)) == {"unchanged": 196, "deleted": 1, "removed": 1}
