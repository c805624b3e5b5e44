"""Opening that fails: what is said then, and what is not."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit

import psycopg
import pytest

from batchwright import BatchConfig, BatchProcessor, ProcessedChunk
from batchwright.errors import ConfigError, SinkError
from tests.integration.postgres.examples import (
    publish,
    query,
    sink_at,
    store_at,
    texts,
    version,
)
from tests.integration.postgres.opening import SECRET, failure, replaced, role


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


def test_terms_of_a_newer_version_are_not_written_to(postgres_url: str) -> None:
    with store_at(postgres_url) as store:
        publish(store, version(chunks=1), "a penguin")
    query(postgres_url, "UPDATE knowledge_base_meta SET value = '999' WHERE key = 'search_version'")
    assert "made by a newer batchwright" in str(failure(postgres_url))
    with sink_at(postgres_url).open(create=False) as store:
        assert [hit.key for hit in store.search("penguin")] == ["a.md"]  # by letter
        assert "newer batchwright" in store.notes("penguin")[0]


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
        ("SET value = '4' WHERE key = 'layout'", "layout '4'; this batchwright knows layout 3: upgrade"),
        ("SET key = 'schema_version', value = '1' WHERE key = 'layout'", "load the documents anew"),
    ],
)
def test_another_layout_is_left_alone(postgres_url: str, update: str, said: str) -> None:
    with store_at(postgres_url):
        query(postgres_url, f"UPDATE knowledge_base_meta {update}")
    assert said in str(failure(postgres_url))


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
    ("table", "said"),
    [("t" * 44, "at most 43 bytes"), ("é" * 22, "at most 43 bytes"), ("", "empty"), ("a\0", "NUL")],
)
def test_names_that_do_not_fit_are_refused(table: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        sink_at("postgresql://u:p@127.0.0.1/db", table=table)


def test_a_role_that_may_only_read_tables_that_are_there_is_told_what_to_grant(postgres_url: str) -> None:
    with store_at(postgres_url):
        pass
    with role(postgres_url) as url:
        query(postgres_url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {urlsplit(url).username}")
        processor = BatchProcessor(BatchConfig(to=url, reporters=()))
        chunk = ProcessedChunk("Text", source_file="a.md", chunk_index=0, total_chunks=1)
        with pytest.raises(SinkError, match=r"permission denied for table .* run GRANT SELECT, INSERT"):
            processor.load([chunk])
