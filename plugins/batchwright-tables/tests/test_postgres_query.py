"""A query of Postgres: one snapshot, streamed, and nothing of it leaks."""

from __future__ import annotations

import pickle
from pathlib import Path

import psycopg
import pytest

from batchwright import ConfigError
from tests.queries import postgres, read, records, run, source
from tests.support.postgres import PostgresServer

FRUIT = "CREATE TABLE fruit (id text, price numeric(10, 2), updated_at timestamptz)"


@pytest.fixture
def url(postgres_url: str) -> str:
    run(postgres_url, FRUIT)
    return postgres_url


def _fill(url: str, keys: list[str | None]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.cursor().executemany("INSERT INTO fruit (id) VALUES (%s)", [(key,) for key in keys])


def test_a_key_without_a_value_and_one_met_twice_are_for_the_engine(url: str) -> None:
    _fill(url, ["a", None, "a"])
    assert [record["id"] for record in records(postgres(url, "SELECT id FROM fruit"))] == ["a", None, "a"]


@pytest.mark.parametrize("encoding", ["LATIN1", "WIN1252", "EUC_JP"])
def test_databases_of_any_encoding_are_read(server: PostgresServer, encoding: str) -> None:
    name = f"encoded_{encoding.lower()}"
    run(server.dsn(), f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0")
    letters = {"LATIN1": "aZ~éÿß", "WIN1252": "aZ~é€ÿ", "EUC_JP": "aZ~日本語アＡ"}[encoding]
    url = server.dsn(name)
    try:
        run(url, FRUIT)
        _fill(url, list(letters))
        assert [record["id"] for record in records(postgres(url, "SELECT id FROM fruit"))] == list(letters)
    finally:
        server.drop_database(name)


def test_bytes_that_are_no_text_are_an_error_that_says_so(server: PostgresServer) -> None:
    run(server.dsn(), "CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    url = server.dsn("ascii")
    try:
        run(url, FRUIT, r"INSERT INTO fruit VALUES (E'\xc3\xa9')")
        assert records(postgres(url, "SELECT id FROM fruit")) == [{"id": "é"}]
        run(url, r"INSERT INTO fruit VALUES (E'\xe9')")
        with pytest.raises(psycopg.DataError, match='invalid byte sequence for encoding "UTF8": 0xe9'):
            records(postgres(url, "SELECT id FROM fruit"))
    finally:
        server.drop_database("ascii")


def test_what_is_committed_while_it_is_read_is_not_seen(url: str) -> None:
    run(url, "INSERT INTO fruit SELECT n FROM generate_series(1, 5000) AS n")
    rows, _ = read(postgres(url, "SELECT id::integer FROM fruit"))
    first = next(rows)
    run(url, "DELETE FROM fruit WHERE length(id) > 2", "INSERT INTO fruit VALUES ('9999')")
    assert [first["id"], *(row["id"] for row in rows)] == [*range(1, 5_001)]


def test_a_query_cannot_write(url: str) -> None:
    run(
        url,
        "CREATE FUNCTION put() RETURNS text LANGUAGE sql AS 'INSERT INTO fruit VALUES (1) RETURNING id'",
    )
    with pytest.raises(ConfigError, match="read-only"):
        records(postgres(url, "SELECT put() AS id"))


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
    assert [record["id"] for record in records(postgres(url, sql))] == ["a"]


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
            records(postgres(url, sql))
        return
    with pytest.raises(ConfigError, match=said):
        records(postgres(url, sql, **options))


def test_columns_that_change_between_are_noticed(url: str) -> None:
    query = postgres(url, "SELECT * FROM fruit")
    assert query.record_type is not None
    run(url, "ALTER TABLE fruit ADD COLUMN weight integer")
    with pytest.raises(ConfigError, match="have changed"):
        records(query)


def test_a_source_that_was_read_can_be_pickled(url: str) -> None:
    _fill(url, ["a"])
    query = postgres(url, "SELECT id FROM fruit")
    assert records(pickle.loads(pickle.dumps(query))) == records(query) == [{"id": "a"}]
    assert pickle.loads(pickle.dumps([*query.list(since="x")])) == [*query.list(since="x")]


def test_two_may_read_at_once_and_what_is_left_is_closed(url: str) -> None:
    _fill(url, ["a", "b"])
    query = postgres(url, "SELECT id FROM fruit")
    (one, _), (other, _) = read(query), read(query)
    assert [next(one)["id"], next(other)["id"], next(one)["id"]] == ["a", "a", "b"]
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
        records(postgres(url.replace(password, "s3cret-other"), "SELECT 1 AS id"))
    assert "s3cret" not in str(wrong.value)
    with pytest.raises(ConfigError, match='database "nowhere" does not exist'):
        records(postgres(url.rpartition("/")[0] + "/nowhere", "SELECT 1 AS id"))
    with pytest.raises(ConnectionError, match="refused"):
        records(postgres("postgresql://me@127.0.0.1:1/x", "SELECT 1 AS id"))
    with pytest.raises(ConfigError, match="no parameter 'colour' is known"):
        records(postgres(f"{url}?colour=red", "SELECT 1 AS id"))


def test_a_connection_that_is_cut_ends_the_listing_with_an_error(url: str) -> None:
    run(url, "INSERT INTO fruit SELECT n FROM generate_series(1, 5000) AS n")
    rows, _ = read(postgres(url, "SELECT id FROM fruit", application_name="cut"))
    next(rows)
    run(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut'")
    with pytest.raises(ConnectionError, match="lost the connection"):
        list(rows)


def test_it_needs_a_collection_and_is_probed_without_running(url: str) -> None:
    query = postgres(url, "SELECT 1 / (n - 1) AS id FROM generate_series(1, 3) AS n")
    assert query.collection_name() is None
    query.probe()
    with pytest.raises(ConfigError, match="does not exist"):
        postgres(url, "SELECT * FROM vegetables").probe()
