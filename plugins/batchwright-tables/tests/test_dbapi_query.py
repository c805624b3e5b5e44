"""A query by any DB-API driver: SQLite and DuckDB for real, and scripted drivers of each style."""

from __future__ import annotations

import pickle
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import duckdb
import pytest

from batchwright import BadLine, ConfigError, DeletedRow
from batchwright.contracts.source import AnySource
from tests.queries import fetched, read, records, source


def dbapi(url: str, sql: str, key: str = "id", **options: Any) -> AnySource:
    return source(f"dbapi+query://{url}", sql=sql, key=key, **{"driver": "sqlite3", **options})


@pytest.fixture
def shop(tmp_path: Path) -> str:
    """A SQLite file, as what stands behind the scheme."""
    path = tmp_path / "my shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "CREATE TABLE fruit (id TEXT, price REAL, stock INTEGER, picture BLOB, updated_at TEXT)"
        )
        connection.executemany(
            "INSERT INTO fruit VALUES (?, ?, ?, ?, ?)",
            [
                ("b", 1.5, 2, b"\0", "2026-01-02"),
                ("a", 2, None, None, "2026-01-01"),
                ("c", None, 3, None, None),
            ],
        )
    connection.close()
    return f"/{path}".replace(" ", "%20")


def test_types_are_found_in_the_first_rows(shop: str) -> None:
    fruit = dbapi(shop, "SELECT * FROM fruit")
    assert fruit.record_type is not None
    assert [field.kind for field in fruit.record_type.fields] == [
        "text",
        "real, nullable",
        "integer, nullable",
        "bytes, nullable",
        "text, nullable",
    ]
    assert records(fruit)[:2] == [
        {"id": "b", "price": 1.5, "stock": 2, "picture": b"\0", "updated_at": "2026-01-02"},
        {"id": "a", "price": 2.0, "stock": None, "picture": None, "updated_at": "2026-01-01"},
    ]


def test_a_query_is_one_item_of_rows_in_their_order(shop: str) -> None:
    fruit = dbapi(shop, "SELECT * FROM fruit ORDER BY id DESC")
    assert [item.key for item in fruit.list()] == ["query"]
    assert [*fruit.list("query")] == [*fruit.list(until="q")] == []
    assert [record["id"] for record in records(fruit)] == ["c", "b", "a"]


def test_what_differs_from_the_first_rows_costs_its_row_alone(shop: str) -> None:
    sql = "SELECT 1 AS id, 5 AS n, 'x' AS t UNION ALL SELECT 2, 'much', 7 UNION ALL SELECT 3, NULL, 1.5"
    first, bad, last = fetched(dbapi(shop, sql, sample=1))
    assert first == {"id": 1, "n": 5, "t": "x"}
    assert last == {"id": 3, "n": None, "t": "1.5"}  # anything has a text
    assert isinstance(bad, BadLine)
    assert bad.reason == (
        "n is 'much', which is no integer, as the first rows of its column are; "
        "CAST it in the query to one type"
    )
    assert bad.values == {"id": 2, "t": "7"}


def test_a_query_without_rows_has_columns_of_texts(shop: str) -> None:
    fruit = dbapi(shop, "SELECT * FROM fruit WHERE false")
    assert records(fruit) == []
    assert {field.type for field in fruit.record_type.fields} == {"text"}  # type: ignore[union-attr]


def test_a_cursor_asks_the_database_for_what_changed_since(shop: str) -> None:
    fruit = dbapi(shop, "SELECT * FROM fruit -- all", cursor="updated_at")
    assert not fruit.complete
    rows, cursor = read(fruit)
    assert len([*rows]) == 3
    assert cursor() == "2026-01-02"
    assert [record["id"] for record in records(fruit, cursor())] == ["b", "c"]


@pytest.mark.parametrize("driver", ["sqlite3", "duckdb"])
def test_a_file_that_is_not_there_is_not_made(driver: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the source has no file"):
        records(dbapi(f"/{tmp_path}/new.db", "SELECT 1 AS id", driver=driver))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("driver", ["sqlite3", "duckdb"])
def test_a_query_cannot_write(driver: str, tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    module = {"sqlite3": sqlite3, "duckdb": duckdb}[driver]
    connection = module.connect(str(path))  # type: ignore[attr-defined]
    connection.execute("CREATE TABLE fruit (id INTEGER)")
    connection.commit()
    connection.close()
    with pytest.raises((ConfigError, module.Error), match=r"read.?only"):  # type: ignore[attr-defined]
        records(dbapi(f"/{path}", "INSERT INTO fruit VALUES (1)", driver=driver))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"driver": "no_such_driver"}, "driver: no_such_driver can't be imported"),
        ({"driver": "json"}, r"json has no connect\(\)"),
        ({"connect": {"colour": "red"}}, "sqlite3.connect doesn't take colour"),
        ({"cursor": "price"}, "cursor: the query has no column price"),
        ({"sql": "SELECT 1 AS id, 2 AS id"}, "two columns of the query are called id"),
        ({"sql": "SELECT 1 AS n"}, "key: the query has no column id; it has n"),
        ({"sql": "SELECT 1 AS id, x'00' AS n UNION ALL SELECT 2, 1"}, "the column n holds bytes and integer"),
    ],
)
def test_what_is_wrong_is_said(shop: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        records(dbapi(shop, **{"sql": "SELECT 1 AS id", **options}))


def test_a_source_that_was_read_can_be_pickled(shop: str) -> None:
    fruit = dbapi(shop, "SELECT * FROM fruit")
    assert records(pickle.loads(pickle.dumps(fruit))) == records(fruit)


def test_the_values_of_duckdb_keep_their_types(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    duckdb.connect(str(path)).close()
    one = UUID("6f9619ff-8b86-d011-b42d-00cf4fc964ff")
    sql = (
        "SELECT 1 AS id, 12.50::DECIMAL(10, 2) AS d, DATE '2026-01-31' AS day, TIME '12:30:00' AS t, "
        "TIMESTAMP '2026-01-31 12:30:00' AS naive, true AS b, [1, 2] AS l, {'a': 1} AS o, "
        f"'{one}'::UUID AS u, '\\x00'::BLOB AS bytes"
    )
    query = dbapi(f"/{path}", sql, driver="duckdb")
    assert [field.kind.removesuffix(", nullable") for field in query.record_type.fields] == [  # type: ignore[union-attr]
        "integer", "decimal(38, 20)", "date", "time", "datetime", "boolean", "json", "json", "uuid", "bytes",
    ]  # fmt: skip
    assert [*records(query)[0].values()] == [
        1, Decimal("12.50"), date(2026, 1, 31), time(12, 30), datetime(2026, 1, 31, 12, 30), True, [1, 2],
        {"a": 1}, one, b"\0",
    ]  # fmt: skip


class Scripted(ModuleType):
    """A driver that returns given rows, and notes what it was asked."""

    Error = ProgrammingError = type("Error", (Exception,), {})

    def __init__(self, style: str, names: list[str], rows: list[tuple[Any, ...]]) -> None:
        super().__init__("scripted")
        self.paramstyle, self.names, self.rows = style, names, rows
        self.asked: list[Any] = []

    def connect(self, **arguments: Any) -> Any:
        self.asked.append(arguments)
        return self

    def cursor(self) -> Any:
        self.left = list(self.rows)
        return self

    @property
    def description(self) -> list[tuple[str]]:
        return [(name,) for name in self.names]

    def execute(self, query: str, *values: Any) -> None:
        self.asked.append((query, *values))

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        found, self.left = self.left[:size], self.left[size:]
        return found

    def close(self) -> None:
        pass


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(style: str, names: list[str], rows: list[tuple[Any, ...]]) -> Scripted:
        driver = Scripted(style, names, rows)
        monkeypatch.setitem(sys.modules, "scripted", driver)
        return driver

    return make


def test_the_parts_of_the_url_and_its_parameters_go_to_the_driver(scripted: Any) -> None:
    driver = scripted("qmark", ["ID"], [(1,)])
    url = "me:p%40ss@db.example:3306/shop?read_only=true&timeout=5&token=123"
    query = dbapi(url, "SELECT 1", driver="scripted", connect={"charset": "utf8mb4", "timeout": 7})
    assert records(query) == [{"ID": 1}]  # Oracle's names are in capitals
    assert driver.asked[0] == {
        "host": "db.example", "port": 3306, "user": "me", "password": "p@ss", "database": "shop",
        "read_only": True, "timeout": 7, "token": "123", "charset": "utf8mb4",
    }  # fmt: skip
    for shown in (repr(query), query.origin(), repr(query.options), query.options.model_dump_json()):
        assert "p%40ss" not in shown
        assert "p@ss" not in shown


@pytest.mark.parametrize(
    ("style", "asked"),
    [
        ("qmark", ("WHERE q.at >= ? OR q.at IS NULL", "LIKE 'a%'", (7,))),
        ("numeric", ("WHERE q.at >= :1 OR q.at IS NULL", "LIKE 'a%'", (7,))),
        ("named", ("WHERE q.at >= :since OR q.at IS NULL", "LIKE 'a%'", {"since": 7})),
        ("format", ("WHERE q.at >= %s OR q.at IS NULL", "LIKE 'a%%'", (7,))),
        ("pyformat", ("WHERE q.at >= %(since)s OR q.at IS NULL", "LIKE 'a%%'", {"since": 7})),
    ],
)
def test_the_cursor_is_passed_in_each_style(scripted: Any, style: str, asked: tuple[str, str, Any]) -> None:
    driver = scripted(style, ["id", "at"], [(1, 10)])
    query = dbapi("/", "SELECT * FROM x WHERE y LIKE 'a%'", driver="scripted", cursor="at", lag="3")
    rows, highest = read(query)
    assert [*rows] == records(query, highest())
    sql, values = driver.asked[-1]
    assert asked[0] in sql
    assert asked[1] in sql
    assert values == asked[2]


HELD: list[tuple[list[Any], str, list[Any]]] = [
    ([1, 2.5, None], "real", [1.0, 2.5, None]),
    ([1, Decimal("2.5")], "decimal(38, 20)", [1, Decimal("2.5")]),
    (["x", 1, Decimal("1.10"), date(2026, 1, 31)], "text", ["x", "1", "1.10", "2026-01-31"]),
    ([datetime(2026, 1, 31, tzinfo=UTC)], "timestamp", [datetime(2026, 1, 31, tzinfo=UTC)]),
    ([bytearray(b"a"), memoryview(b"b")], "bytes", [b"a", b"b"]),
    ([{"a": 1}, [1]], "json", [{"a": 1}, [1]]),
    ([True, None], "boolean", [True, None]),
    ([None], "text", [None]),
]


@pytest.mark.parametrize(("values", "said", "held"), HELD)
def test_classes_that_go_together_share_a_type(
    scripted: Any, values: list[Any], said: str, held: list[Any]
) -> None:
    scripted("qmark", ["id", "it"], list(enumerate(values)))
    query = dbapi("/", "SELECT", driver="scripted")
    assert query.record_type.field("it").kind == f"{said}, nullable"  # type: ignore[union-attr]
    found = [record["it"] for record in records(query)]
    assert found == held
    assert list(map(type, found)) == list(map(type, held))


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (1, "x"), (1, 1.5), (1, True), (1, Decimal("1.5")), (1.5, 2**53 + 1), (Decimal(1), 1.5), (True, 1),
        (date(2026, 1, 31), datetime(2026, 1, 31)), (datetime(2026, 1, 31), date(2026, 1, 31)),
        (datetime(2026, 1, 31), datetime(2026, 1, 31, tzinfo=UTC)), ("x", b"x"), ("x", True),
        (b"x", "x"), ({}, "{}"),
    ],
)  # fmt: skip
def test_a_value_that_would_change_is_not_bent(scripted: Any, first: Any, then: Any) -> None:
    scripted("qmark", ["id", "it"], [(1, first), (2, then)])
    good, bad = fetched(dbapi("/", "SELECT", driver="scripted", sample=1))
    assert good["it"] == first
    assert isinstance(bad, BadLine)
    assert "it is " in bad.reason


def test_a_class_that_no_field_holds_names_its_column(scripted: Any) -> None:
    scripted("qmark", ["id", "shift"], [(1, timedelta(hours=1))])
    with pytest.raises(
        ConfigError, match="the column shift holds timedelta, which no field can hold; CAST it"
    ):
        records(dbapi("/", "SELECT", driver="scripted"))


def test_marks_of_deleted_rows_are_numbers_and_texts_too(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    marks = [None, 0, 1, "", "2026-01-31 12:30:00", "false", "N", 2]
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, gone, name TEXT)")
        database.executemany("INSERT INTO item VALUES (?, ?, 'x')", list(enumerate([None] * 1_200 + marks)))
    made = dbapi(f"/{file}", "SELECT * FROM item ORDER BY id", deleted="gone")
    assert made.record_type is not None
    assert made.record_type.names == ("id", "name")
    found = fetched(made)[1_200:]
    kinds = ["bad" if isinstance(one, BadLine) else isinstance(one, DeletedRow) for one in found]
    assert kinds == [False, False, True, False, True, False, "bad", "bad"]
    assert found[0] == {"id": 1_200, "name": "x"}
    assert "gone says whether the row is deleted, and 'N' is neither a boolean nor a time" in found[6].reason
