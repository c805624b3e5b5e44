"""A query of Postgres: one snapshot, sorted by key, streamed, and nothing of it leaks."""

from __future__ import annotations

import pickle
import uuid
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from batchwright import BadLine, ConfigError
from tests.queries import fetched, postgres, records, run, source
from tests.support.postgres import PostgresServer

FRUIT = "CREATE TABLE fruit (id text, price numeric(10, 2), updated_at timestamptz)"
KEYS = [
    "Zebra",
    "apple",
    "apple pie",
    "Äpfel",
    "zoo",
    "é",
    "e\u0301",
    "\uffee",
    "\U0001f34e",
    "a\u0001b",
    "10",
    "9",
    "~",
]


@pytest.fixture
def url(postgres_url: str) -> str:
    run(postgres_url, FRUIT)
    return postgres_url


def _fill(url: str, keys: list[str | None]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.cursor().executemany("INSERT INTO fruit (id) VALUES (%s)", [(key,) for key in keys])


def test_keys_come_in_the_order_of_code_points(url: str) -> None:
    _fill(url, list(KEYS))
    assert [item.key for item in postgres(url, "SELECT * FROM fruit").list()] == sorted(KEYS)


@pytest.mark.parametrize("encoding", ["UTF8", "LATIN1", "WIN1252", "EUC_JP"])
def test_the_order_is_that_of_code_points_in_any_encoding(server: PostgresServer, encoding: str) -> None:
    name = f"encoded_{encoding.lower()}"
    run(server.dsn(), f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    letters = "aZ~é€ÿ" if encoding == "WIN1252" else "aZ~日本語アＡ" if encoding == "EUC_JP" else "aZ~éÿß"
    url = server.dsn(name)
    try:
        run(url, FRUIT)
        _fill(url, list(letters))
        query = postgres(url, "SELECT * FROM fruit")
        assert [item.key for item in query.list()] == sorted(letters)
        first, *_, last = sorted(letters)
        assert [item.key for item in query.list(first, last)] == sorted(letters)[1:]
    finally:
        server.drop_database(name)


@pytest.mark.parametrize(
    ("expression", "keys"),
    [
        ("n", ["1", "10", "100", "11", "2"]),
        ("('00000000-0000-0000-0000-' || lpad(n::text, 12, '0'))::uuid",
         [str(uuid.UUID(int=int(n, 16))) for n in ("1", "2", "10", "11", "100")]),
        ("date '2026-01-01' + n", ["2026-01-02", "2026-01-03", "2026-01-11", "2026-01-12", "2026-04-11"]),
        ("n::text::char(5)", ["1", "10", "100", "11", "2"]),
        ("('1.0.0.' || n)::inet", ["1.0.0.1/32", "1.0.0.10/32", "1.0.0.100/32", "1.0.0.11/32", "1.0.0.2/32"]),
    ],
)  # fmt: skip
def test_keys_of_other_types_are_sorted_as_texts(url: str, expression: str, keys: list[str]) -> None:
    query = postgres(url, f"SELECT {expression} AS id FROM unnest(ARRAY[1, 2, 10, 11, 100]) AS n")
    items = list(query.list())
    assert [item.key for item in items] == keys
    assert [str(item.handle["id"]) for item in items] == keys
    for after, until in pairwise(keys):
        assert [item.key for item in query.list(after, until)] == [until]


def test_rows_without_a_key_are_bad_lines_and_come_first(url: str) -> None:
    _fill(url, ["b", None, "", "a", None])
    query = postgres(url, "SELECT id FROM fruit")
    assert [item.key for item in query.list()] == ["", "", "", "a", "b"]
    said = [one.reason for one in fetched(query) if isinstance(one, BadLine)]
    assert said == ["id is NULL; it names the row"] * 2 + ["id is empty; it names the row"]
    assert [item.key for item in query.list(until="a")] == ["", "", "", "a"]
    assert [item.key for item in query.list(after="a")] == ["b"]


def test_a_key_met_twice_is_listed_twice_side_by_side(url: str) -> None:
    _fill(url, ["a", "b", "a"])
    assert [item.key for item in postgres(url, "SELECT id FROM fruit").list()] == ["a", "a", "b"]


def test_what_is_committed_while_it_is_read_is_not_seen(url: str) -> None:
    _fill(url, [f"{n:05d}" for n in range(5_000)])
    items = postgres(url, "SELECT id FROM fruit").list()
    first = next(items)
    run(url, "DELETE FROM fruit WHERE id > '00010'", "INSERT INTO fruit VALUES ('zzz')")
    assert [first.key, *(item.key for item in items)] == [f"{n:05d}" for n in range(5_000)]


def test_a_query_cannot_write(url: str) -> None:
    run(
        url,
        "CREATE FUNCTION put() RETURNS text LANGUAGE sql AS 'INSERT INTO fruit VALUES (1) RETURNING id'",
    )
    with pytest.raises(ConfigError, match="read-only"):
        list(postgres(url, "SELECT put() AS id").list())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM fruit WHERE id LIKE 'a%' -- all that begin so",
        "SELECT id FROM fruit WHERE id LIKE 'a%';\n ; ",
        "WITH x AS (SELECT * FROM fruit) SELECT id FROM x WHERE id ~ '^a' ORDER BY price",
        "/* %s $1 {} */ TABLE fruit",
    ],
)
def test_a_query_is_taken_as_it_is_written(url: str, sql: str) -> None:
    _fill(url, ["a"])
    assert [item.key for item in postgres(url, sql).list()] == ["a"]


def test_a_file_may_hold_the_query(url: str, tmp_path: Path) -> None:
    file = tmp_path / "query.sql"
    file.write_text("-- all\nSELECT 'ä' AS id;\n", "utf-8")
    query = source(url.replace("postgresql:", "postgresql+query:"), sql_file=str(file), key="id")
    assert records(query) == [{"id": "ä"}]


@pytest.mark.parametrize(
    ("sql", "options", "said"),
    [
        ("SELEC 1", {}, "syntax error"),
        ("SELECT id FROM fruits", {}, 'relation "fruits" does not exist'),
        ("SELECT id FROM fruit; DROP TABLE fruit", {}, "syntax error"),
        ("SELECT 1 AS id, 2 AS id", {}, "two columns of the query are called id"),
        ("SELECT 1 AS number", {}, "key: the query has no column id; it has number"),
        ("SELECT 1.5 AS id", {}, "the key of rows is id"),
        ("SELECT 1 AS id, 2 AS _n", {}, "the field _n begins with an underscore"),
        ("SELECT id FROM fruit", {"cursor": "updated"}, "cursor: the query has no column updated"),
        ("SELECT id FROM fruit", {"lag": "1h"}, "lag needs a cursor"),
        ("SELECT id FROM fruit", {"cursor": "id", "lag": "soon"}, "lag is 'soon'"),
        ("SELECT id FROM fruit", {"sql_file": "x.sql"}, "give the query as sql, or"),
        ("SELECT 1/0 AS id", {}, None),
    ],
)
def test_a_query_that_is_wrong_is_a_config_error(
    url: str, sql: str, options: dict[str, str], said: str | None
) -> None:
    if said is None:
        with pytest.raises(psycopg.errors.DivisionByZero):
            list(postgres(url, sql).list())
        return
    with pytest.raises(ConfigError, match=said):
        list(postgres(url, sql, **options).list())


def test_columns_that_change_between_are_noticed(url: str) -> None:
    query = postgres(url, "SELECT * FROM fruit")
    assert query.record_type is not None
    run(url, "ALTER TABLE fruit ADD COLUMN weight integer")
    with pytest.raises(ConfigError, match="have changed"):
        list(query.list())


def test_a_source_that_was_read_can_be_pickled(url: str) -> None:
    _fill(url, ["a"])
    query = postgres(url, "SELECT id FROM fruit")
    items = list(query.list())
    again = pickle.loads(pickle.dumps(query))
    assert pickle.loads(pickle.dumps(items)) == items == list(again.list())


def test_two_may_read_at_once_and_what_is_left_is_closed(url: str) -> None:
    _fill(url, ["a", "b"])
    query = postgres(url, "SELECT id FROM fruit")
    one, other = query.list(), query.list()
    assert [next(one).key, next(other).key, next(one).key] == ["a", "a", "b"]
    one.close()  # type: ignore[attr-defined]
    other.close()  # type: ignore[attr-defined]
    with psycopg.connect(url) as connection:
        counted = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        for _ in range(100):  # a server process takes a moment to end
            if (found := connection.execute(counted).fetchone()) == (1,):
                break
            connection.rollback()
        assert found == (1,)


def test_the_origin_tells_queries_apart_and_shows_no_password(url: str) -> None:
    one, other = postgres(url, "SELECT 1 AS id"), postgres(url, "SELECT 2 AS id")
    password = str(psycopg.conninfo.conninfo_to_dict(url)["password"])
    assert one.origin() != other.origin()
    assert one.origin() == postgres(url, "SELECT 1 AS id;").origin()
    assert one.origin().startswith("postgresql+query://127.0.0.1:")
    for shown in (
        one.origin(),
        repr(one),
        str(one.options),
        repr(one.options),
        one.options.model_dump_json(),
    ):
        assert password not in shown


def test_a_password_may_come_from_the_environment(
    url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    password = str(psycopg.conninfo.conninfo_to_dict(url)["password"])
    bare = url.replace(f":{password}@", "@")
    monkeypatch.setenv("PGPASSWORD", password)
    assert records(postgres(bare, "SELECT 1 AS id")) == [{"id": 1}]
    monkeypatch.delenv("PGPASSWORD")
    file = tmp_path / "pass"
    file.write_text(f"*:*:*:*:{password}\n")
    file.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(file))
    assert records(postgres(bare, "SELECT 1 AS id")) == [{"id": 1}]


def test_a_wrong_password_is_a_mistake_and_a_silent_server_an_outage(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = str(psycopg.conninfo.conninfo_to_dict(url)["password"])
    with pytest.raises(ConfigError, match="password authentication failed") as wrong:
        list(postgres(url.replace(password, "s3cret-other"), "SELECT 1 AS id").list())
    assert "s3cret" not in str(wrong.value)
    with pytest.raises(ConfigError, match='database "nowhere" does not exist'):
        list(postgres(url.rpartition("/")[0] + "/nowhere", "SELECT 1 AS id").list())
    with pytest.raises(ConnectionError, match="refused"):
        list(postgres("postgresql://me@127.0.0.1:1/x", "SELECT 1 AS id").list())
    with pytest.raises(ConfigError, match="no parameter 'colour' is known"):
        list(postgres(f"{url}?colour=red", "SELECT 1 AS id").list())


def test_a_connection_that_is_cut_ends_the_listing_with_an_error(url: str) -> None:
    _fill(url, [f"{n:05d}" for n in range(5_000)])
    items = postgres(url, "SELECT id FROM fruit", application_name="cut").list()
    next(items)
    run(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut'")
    with pytest.raises(ConnectionError, match="lost the connection"):
        list(items)


def test_it_needs_a_collection_and_is_probed_without_running(url: str) -> None:
    query = postgres(url, "SELECT 1 / (n - 1) AS id FROM generate_series(1, 3) AS n")
    assert query.collection_name() is None
    query.probe()
    with pytest.raises(ConfigError, match="does not exist"):
        postgres(url, "SELECT * FROM vegetables").probe()
