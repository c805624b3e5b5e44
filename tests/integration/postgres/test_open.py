"""Opening: what is created, and what is said when it can't be."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import pytest

from batchwright.contracts.receipts import Publication
from batchwright.errors import ConfigError, SinkError
from tests.integration.postgres.examples import (
    chunks_of,
    publish,
    query,
    rows_of,
    sink_at,
    store_at,
    texts,
    version,
    write,
)
from tests.support.postgres import PostgresServer

SECRET = "s3cr3tPassw0rd"


def replaced(
    url: str,
    *,
    user: str | None = None,
    password: str | None = None,
    port: int | None = None,
    path: str | None = None,
) -> str:
    parts = urlsplit(url)
    netloc = f"{user or parts.username}:{password or parts.password}@{parts.hostname}:{port or parts.port}"
    return urlunsplit(parts._replace(netloc=netloc, path=path or parts.path))


def failure(url: str, **options: object) -> Exception:
    """How opening fails; whatever it says holds no password."""
    sink = sink_at(url, **options)
    with pytest.raises((ConfigError, SinkError, ConnectionError)) as caught:
        sink.open()
    said = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(sink)
    password = urlsplit(url).password
    assert SECRET not in said
    assert password is None or password not in said
    return caught.value


@contextmanager
def role(url: str, *grants: str) -> Iterator[str]:
    """The URL for a role that may do nothing but what is granted."""
    name = f"role_{time.monotonic_ns()}"
    query(url, f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
    for grant in grants:
        query(url, grant.replace("ROLE", name))
    try:
        yield replaced(url, user=name, password=SECRET)
    finally:
        query(url, f"DROP OWNED BY {name}")
        query(url, f"DROP ROLE {name}")


def test_the_view_has_the_columns_in_order(postgres_url: str) -> None:
    with store_at(postgres_url):
        columns = query(
            postgres_url,
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = 'knowledge_base' ORDER BY ordinal_position",
        )
    assert columns == [
        ("id", "uuid"),
        ("collection", "text"),
        ("span_start", "bigint"),
        ("span_end", "bigint"),
        ("chunk_text", "text"),
        ("chunk_hash", "text"),
        ("context_header", "text"),
        ("source_file", "text"),
        ("source_category", "text"),
        ("document_date", "date"),
        ("chunk_index", "bigint"),
        ("total_chunks", "bigint"),
        ("chunk_token_count", "bigint"),
        ("metadata", "jsonb"),
    ]


def test_a_wrong_password_is_a_mistake(postgres_url: str) -> None:
    error = failure(replaced(postgres_url, password=SECRET))
    assert isinstance(error, SinkError)
    assert "password authentication failed" in str(error)
    assert isinstance(error.__cause__, psycopg.OperationalError)


def test_an_unknown_database_is_a_mistake(postgres_url: str) -> None:
    error = failure(replaced(postgres_url, path="/nowhere"))
    assert isinstance(error, SinkError)
    assert 'database "nowhere" does not exist' in str(error)
    assert "create the database" in str(error)


def test_a_refused_connection_may_pass(postgres_url: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = failure(replaced(postgres_url, port=unused.getsockname()[1]))
    assert isinstance(error, ConnectionError)
    assert isinstance(error.__cause__, psycopg.OperationalError)


def test_what_is_not_postgres_is_a_mistake(postgres_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    peer, _ = other.accept()
                    with peer:
                        peer.recv(100)
                        peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer, daemon=True).start()
        error = failure(replaced(postgres_url, port=other.getsockname()[1]), connect_timeout=3)
    assert isinstance(error, SinkError)
    assert "not Postgres" in str(error)


def test_a_silent_peer_is_given_up_in_time(postgres_url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        start = time.monotonic()
        error = failure(replaced(postgres_url, port=other.getsockname()[1]), connect_timeout=2)
        assert time.monotonic() - start < 6
    assert isinstance(error, ConnectionError)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{SECRET}@host@127.0.0.1/db",
        f"postgresql://user:{SECRET}/{SECRET}@127.0.0.1/db",
        f"postgresql://user:{SECRET}@127.0.0.1:{SECRET}/db",
        f"postgresql://user:{SECRET}@127.0.0.1/db?tabel={SECRET}",
        f"postgresql://user:%zz{SECRET}@127.0.0.1/db",
    ],
)
def test_a_url_that_cannot_be_understood_is_not_shown(url: str) -> None:
    error = failure(url)
    assert isinstance(error, ConfigError)
    assert "the target's URL is wrong" in str(error)


def test_a_missing_schema_is_named(postgres_url: str) -> None:
    assert 'run CREATE SCHEMA "no such"' in str(failure(postgres_url, schema="no such"))


def test_a_role_that_may_not_create_is_told_what_to_grant(postgres_url: str) -> None:
    with role(postgres_url) as url:
        error = failure(url)
    assert isinstance(error, SinkError)
    assert "permission denied for schema public" in str(error)
    assert 'GRANT USAGE, CREATE ON SCHEMA "public" TO "role_' in str(error)
    assert isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege)


def test_an_unknown_text_search_configuration_is_named(postgres_url: str) -> None:
    assert 'text search configuration "klingon" does not exist' in str(
        failure(postgres_url, text_search="klingon")
    )


@pytest.mark.parametrize("statement", ["CREATE TABLE {} (a int)", "CREATE VIEW {} AS SELECT 1 AS id"])
@pytest.mark.parametrize("name", ["knowledge_base", "knowledge_base_records"])
def test_a_relation_of_someone_else_is_not_touched(postgres_url: str, statement: str, name: str) -> None:
    query(postgres_url, statement, names=[name])
    error = failure(postgres_url)
    assert f'"public"."{name}" that batchwright did not make' in str(error)
    assert "choose another name with table=" in str(error)
    assert query(postgres_url, "SELECT count(*) FROM pg_class WHERE relname LIKE 'knowledge%%'") == [(1,)]
    with store_at(postgres_url, table="mine") as store:
        publish(store, version())
    assert len(texts(postgres_url, "mine")) == 3


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ("SET value = '3' WHERE key = 'layout'", "layout '3'; this batchwright knows layout 2: upgrade"),
        ("SET key = 'schema_version', value = '1' WHERE key = 'layout'", "load the documents anew"),
    ],
)
def test_another_layout_is_left_alone(postgres_url: str, update: str, said: str) -> None:
    with store_at(postgres_url):
        query(postgres_url, f"UPDATE knowledge_base_meta {update}")
    assert said in str(failure(postgres_url))


def test_without_create_nothing_is_created(postgres_url: str) -> None:
    sink = sink_at(postgres_url)
    with pytest.raises(SinkError, match="; load something into it first"):
        sink.open(create=False)
    assert query(postgres_url, "SELECT to_regclass('knowledge_base_meta')") == [(None,)]
    assert not sink.exists()
    with sink.open(), sink.open(create=False) as store:
        publish(store, version())
    assert sink.exists()


def test_the_identity_has_no_password_and_is_the_same_however_it_is_written(postgres_url: str) -> None:
    parts = urlsplit(postgres_url)
    identity = sink_at(postgres_url, table="a b").identity()
    host, port, name = parts.hostname, parts.port, parts.path[1:]
    assert identity == f"postgresql://{host}:{port}/{name}?schema=public&table=a+b"
    other = f"postgresql:///{name}?host={host}&port={port}&user=somebody&password={SECRET}"
    assert sink_at(other, table="a b").identity() == identity


def test_tables_stay_as_they_were_made(postgres_url: str) -> None:
    with store_at(postgres_url, full_text=False):
        pass
    assert "made without a full-text column" in str(failure(postgres_url, full_text=True))
    with store_at(postgres_url) as store:
        publish(store, version())
        assert store.search("TEXT 1")[0].excerpt == "some «text 1»"


def test_a_dropped_view_is_made_again(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        publish(store, version())
    query(postgres_url, "DROP VIEW knowledge_base")
    with store_at(postgres_url):
        assert len(texts(postgres_url)) == 3


def test_many_open_an_empty_database_at_once(postgres_url: str) -> None:
    for number in range(8):
        start, errors = threading.Barrier(6), list[Exception]()

        def work(table: str, start: threading.Barrier, errors: list[Exception]) -> None:
            try:
                start.wait(10)
                with store_at(postgres_url, table=table):
                    pass
            except Exception as error:  # noqa: BLE001 - looked at below
                errors.append(error)

        threads = [threading.Thread(target=work, args=(f"t{number}", start, errors)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []


def test_a_role_that_may_only_read_and_write_rows_is_enough(postgres_url: str) -> None:
    with store_at(postgres_url):
        pass
    grant = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ROLE"
    with (
        role(
            postgres_url,
            "REVOKE TEMP ON DATABASE {} FROM PUBLIC".replace("{}", urlsplit(postgres_url).path[1:]),
            grant,
        ) as url,
        store_at(url) as store,
    ):
        first = version(content="1", chunks=500)
        publish(store, first)
        publish(store, version("b.md"))
        second = version(content="2")
        write(store, chunks_of(second), publications=(Publication(second),))
        assert len(store.ledger.documents("docs")) == 2
        assert store.search("text")
    assert len(texts(postgres_url)) == 6


@pytest.mark.parametrize("count", [3, 500])
def test_a_role_that_may_not_write_is_told_what_to_grant(postgres_url: str, count: int) -> None:
    with store_at(postgres_url):
        pass
    with (
        role(postgres_url, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO ROLE") as url,
        store_at(url) as store,
    ):
        with pytest.raises(
            SinkError, match=r'GRANT SELECT, INSERT, UPDATE, DELETE ON .* TO "role_'
        ) as caught:
            publish(store, version(chunks=count))
        assert isinstance(caught.value.__cause__, psycopg.errors.InsufficientPrivilege)
        assert store.search("text") == []


@pytest.mark.parametrize(
    ("schema", "table"),
    [
        ('weird"Schema', 'weird"Name with space'),
        ("per%cent %s", "{per}%s cent%"),
        ("Ünï", "é" * 21),
        ("s" * 63, "t" * 43),
    ],
)
def test_odd_names_are_quoted(postgres_url: str, schema: str, table: str) -> None:
    query(postgres_url, "CREATE SCHEMA {}", names=[schema])
    for _ in range(2):
        with store_at(postgres_url, schema=schema, table=table) as store:
            publish(store, version())
            publish(store, version("b.md", chunks=500))
            assert len(store.search("text", limit=1000)) == 503
            assert len(store.ledger.documents("docs")) == 2
            assert rows_of(store, version().document_id) == 3


@pytest.mark.parametrize(
    ("table", "said"),
    [("t" * 44, "at most 43 bytes"), ("é" * 22, "at most 43 bytes"), ("", "empty"), ("a\0", "NUL")],
)
def test_names_that_do_not_fit_are_refused(table: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        sink_at("postgresql://u:p@127.0.0.1/db", table=table)


def test_session_settings_are_applied(postgres_url: str) -> None:
    options = {
        "statement_timeout": 7.5,
        "lock_timeout": "2",
        "synchronous_commit": "off",
        "application_name": "me",
    }
    with store_at(postgres_url, **options) as store:
        activity = "SELECT application_name FROM pg_stat_activity WHERE application_name = 'me'"
        assert query(postgres_url, activity) == [("me",)]
        shown = [
            store._ledger._read(f"SHOW {name}")
            for name in ("statement_timeout", "lock_timeout", "synchronous_commit")
        ]
        assert shown == [[("7500ms",)], [("2s",)], [("off",)]]


def test_a_sink_is_picklable(postgres_url: str) -> None:
    with pickle.loads(pickle.dumps(sink_at(postgres_url, table="copied"))).open() as store:
        store.probe()
    with pytest.raises(SinkError, match="the store is closed"):
        store.probe()
    store.close()


def test_a_store_that_lost_its_connection_is_done(own_postgres: PostgresServer) -> None:
    with store_at(own_postgres.dsn()) as store:
        publish(store, version())
        own_postgres.restart()
        with pytest.raises(ConnectionError, match="lost the connection"):
            publish(store, version("b.md"))
        for use in (store.probe, lambda: store.ledger.committed("none"), lambda: store.search("text")):
            with pytest.raises(ConnectionError, match="was lost before"):
                use()
    with store_at(own_postgres.dsn()) as another:
        publish(another, version("b.md"))
        assert len(another.ledger.documents("docs")) == 2


@contextmanager
def frozen(server: PostgresServer) -> Iterator[None]:
    """While this lasts, no process of the server does anything."""
    assert server.pid is not None
    postmaster = psutil.Process(server.pid)
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process.pid, signal.SIGCONT)


def test_cancel_hangs_up_on_a_frozen_server(own_postgres: PostgresServer) -> None:
    with store_at(own_postgres.dsn()) as store:
        publish(store, version())
        errors: list[Exception] = []

        def work() -> None:
            try:
                publish(store, version("b.md"))
            except Exception as error:  # noqa: BLE001 - looked at below
                errors.append(error)

        with frozen(own_postgres):
            thread = threading.Thread(target=work)
            thread.start()
            time.sleep(0.3)
            start = time.monotonic()
            store.cancel()
            thread.join(5)
            assert time.monotonic() - start < 4
            assert isinstance(errors[0], ConnectionError)


def test_listing_sinks_does_not_import_the_driver() -> None:
    code = """if True:
        import sys
        from batchwright.builtin import postgres
        postgres.register_sinks()
        assert "psycopg" not in sys.modules"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
