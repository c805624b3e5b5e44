"""Leases in Postgres: what a takeover waits for, what it ends, and what it may not end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from batchwright import BatchConfig, BatchProcessor, CollectionBusy, LeaseLost, Run
from batchwright.builtin.postgres.store import PostgresStore
from batchwright.contracts.lease import Lease, Owner, Patience
from batchwright.contracts.receipts import Collection
from tests.integration.postgres.examples import publish, sink_at, store_at, version
from tests.support.leased import documents, done, order
from tests.support.tables import TABLE
from tests.support.two_runs import check_sound

OLD = Lease("docs", "old", "their-run", Owner("elsewhere", 1), "2026-01-01T00:00:00+00:00")
NEW = replace(OLD, token="new", run_id="my-run")
_SETTINGS = """
    SELECT current_setting('tcp_keepalives_idle'), current_setting('tcp_keepalives_interval'),
        current_setting('tcp_keepalives_count'), current_setting('tcp_user_timeout'),
        current_setting('idle_in_transaction_session_timeout')"""


@pytest.fixture
def store(postgres_url: str, tmp_path: Path) -> Iterator[PostgresStore]:
    with store_at(postgres_url) as store:
        store.ledger.enter_collection(Collection("docs", str(tmp_path / "docs")))
        assert store.ledger.swap_lease("docs", None, OLD, Patience(1))
        yield store


@contextmanager
def _inside_copy(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Be a client that was stopped inside a COPY of a run, with the row of its collection locked."""
    connection = psycopg.connect(url)
    try:
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = '1s'")
        connection.execute(f"SELECT 1 FROM {TABLE}_collections WHERE name = 'docs' FOR SHARE".encode())
        connection.pgconn.exec_(f"COPY {TABLE}_records FROM STDIN (FORMAT binary)".encode())
        connection.pgconn.put_copy_data(b"PGCOPY\n\xff\r\n\0")
        connection.pgconn.flush()
        yield connection
    finally:
        connection.close()


def test_a_takeover_waits_for_what_is_being_written(store: PostgresStore, postgres_url: str) -> None:
    with psycopg.connect(postgres_url) as writer:
        writer.execute(f"SELECT 1 FROM {TABLE}_collections FOR SHARE".encode())
        threading.Timer(0.5, writer.commit).start()
        assert store.ledger.swap_lease("docs", "old", NEW, Patience(10, 1))
        assert writer.execute("SELECT 1").fetchone() == (1,), "it was not ended"
    assert store.ledger.lease("docs") is not None


def test_a_client_that_is_stopped_inside_a_copy_is_ended(store: PostgresStore, postgres_url: str) -> None:
    with _inside_copy(postgres_url):
        began = time.monotonic()
        assert store.ledger.swap_lease("docs", "old", NEW, Patience(0.5, 5))
        assert time.monotonic() - began < 5


def test_a_run_replaces_a_silent_one_that_is_stopped_inside_a_copy(
    store: PostgresStore, postgres_url: str, tmp_path: Path
) -> None:
    docs = documents(tmp_path / "docs")
    with _inside_copy(postgres_url):
        done(order(docs, postgres_url, "--wait", "10"))
    check_sound(postgres_url, tmp_path)


def test_a_session_that_may_not_be_ended_is_named(
    store: PostgresStore, postgres_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        name = f"limited_{time.time_ns()}"
        admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret'".encode())
        admin.execute(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}".encode()
        )
        role = admin.info.user
        parts = urlsplit(postgres_url)
        limited = parts._replace(netloc=f"{name}:secret@{parts.hostname}:{parts.port}").geturl()
        with (
            psycopg.connect(postgres_url) as holder,
            sink_at(limited).open(create=False) as other,
        ):
            holder.execute(f"SELECT 1 FROM {TABLE}_collections FOR SHARE".encode())
            with pytest.raises(CollectionBusy) as caught:
                other.ledger.swap_lease("docs", "old", NEW, Patience(0.3, 1))
            said = str(caught.value)
            assert f"pid {holder.info.backend_pid} of the role {role}" in said, said
            assert "secret" not in said
            holder.rollback()
            assert other.ledger.swap_lease("docs", "old", NEW, Patience(1, 1))
        admin.execute(f"DROP OWNED BY {name}".encode())
        admin.execute(f"DROP ROLE {name}".encode())


def test_who_only_waits_for_the_same_lease_is_not_ended(store: PostgresStore, postgres_url: str) -> None:
    won: list[bool] = []

    def take(token: str) -> None:
        with store_at(postgres_url) as own:
            won.append(own.ledger.swap_lease("docs", "old", replace(NEW, token=token), Patience(0.5, 5)))

    with psycopg.connect(postgres_url) as holder:
        holder.execute(f"SELECT 1 FROM {TABLE}_collections FOR SHARE".encode())
        threads = [threading.Thread(target=take, args=(token,)) for token in ("first", "second", "third")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        with pytest.raises(psycopg.OperationalError):
            holder.execute("SELECT 1")
    assert sorted(won) == [False, False, True]


def test_only_the_token_that_is_there_is_replaced(store: PostgresStore) -> None:
    ledger = store.ledger
    assert not ledger.swap_lease("docs", None, NEW, Patience(1))
    assert not ledger.swap_lease("docs", "another", NEW, Patience(1, 1))
    assert ledger.beat("docs", "old")
    assert ledger.swap_lease("docs", "old", NEW, Patience(1, 1))
    assert not ledger.beat("docs", "old")
    assert ledger.swap_lease("docs", "new", None, Patience(1))
    assert ledger.lease("docs") is None
    assert not ledger.beat("docs", "new")


def test_only_who_has_the_lease_notes_how_its_run_ended(store: PostgresStore) -> None:
    ledger, run = store.ledger, Run("their-run", "2026", "docs")
    ledger.start_run(run)
    ledger.finish_run(replace(run, state="done"), OLD.token)
    with pytest.raises(LeaseLost):
        ledger.finish_run(replace(run, state="failed"), "another")
    assert ledger.swap_lease("docs", "old", NEW, Patience(1, 1))
    with pytest.raises(LeaseLost, match="my-run"):
        ledger.finish_run(replace(run, state="failed"), OLD.token)
    assert [one.state for one in ledger.runs()] == ["done"]


@pytest.mark.parametrize(("batch_timeout", "idle"), [(300.0, "5min"), (None, "0")])
def test_every_write_has_the_server_end_clients_that_are_gone(
    store: PostgresStore,
    postgres_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    batch_timeout: float | None,
    idle: str,
) -> None:
    del store
    monkeypatch.setattr("batchwright.builtin.postgres.writing.COPY_FROM_ROWS", 1)  # else all is sent at once
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("CREATE TABLE noted (settings text[])")
        admin.execute(
            f"CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"INSERT INTO noted SELECT ARRAY[a, b, c, d, e] FROM ({_SETTINGS}) AS s (a, b, c, d, e); "
            f"RETURN NULL; END $$".encode()
        )
        for suffix in ("records", "runs", "heartbeats", "collections"):
            admin.execute(
                f"CREATE TRIGGER note_{suffix} AFTER INSERT OR UPDATE ON {TABLE}_{suffix} "
                f"EXECUTE FUNCTION note()".encode()
            )
        folder = documents(tmp_path / "fruit")
        config = BatchConfig(source=folder, to=postgres_url, batch_timeout=batch_timeout, reporters=())
        assert BatchProcessor(config).run().state == "done"
        noted = admin.execute("SELECT DISTINCT settings FROM noted").fetchall()
    assert noted == [(["5", "5", "3", "20000", idle],)]


def test_what_is_made_in_the_database_is_not_locked_for_hours_either(
    postgres_url: str,
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("CREATE TABLE noted (tag text, settings text[])")
        admin.execute(
            f"CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"INSERT INTO noted SELECT tg_tag, ARRAY[a, b, c, d] FROM ({_SETTINGS}) AS s (a, b, c, d, e); "
            f"END $$".encode()
        )
        admin.execute("CREATE EVENT TRIGGER noting ON ddl_command_end EXECUTE FUNCTION note()")
        with store_at(postgres_url) as store:
            publish(store, version("a.md"))
        noted = admin.execute("SELECT tag, settings FROM noted").fetchall()
    assert {"CREATE TABLE", "CREATE VIEW", "CREATE FUNCTION"} <= {tag for tag, _ in noted}
    assert {tuple(settings) for _, settings in noted} == {("5", "5", "3", "20000")}


def test_our_side_gives_up_a_server_that_vanished_as_soon(store: PostgresStore, postgres_url: str) -> None:
    names = ("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout")
    with store._database.lent() as connection:
        asked = connection.info.get_parameters()
    assert [asked[name] for name in names] == ["1", "5", "5", "3", "20000"]
    assert asked["connect_timeout"] == "10"
    with store_at(f"{postgres_url}?keepalives_idle=60") as other, other._database.lent() as connection:
        assert connection.info.get_parameters()["keepalives_idle"] == "60", "the URL's come first"
