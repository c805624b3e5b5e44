"""Writes that wait for one another, and writes that are cancelled."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

from batchwright.builtin.sqlite.store import SqliteStore
from batchwright.model import Batch
from tests.unit.sqlite.cases import (
    check_index,
    document,
    publish,
    published,
    receipt,
    rows_of,
    store_at,
)


def test_two_writers_wait_for_each_other(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    failures: list[BaseException] = []

    def load(name: str) -> None:
        try:
            with store_at(file) as store:
                for number in range(25):
                    publish(store, f"{name}{number}.md", ["text"] * 20)
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=load, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(published(file)) == 4 * 25 * 20
    check_index(file)


def test_a_writer_waits_no_longer_than_busy_timeout_and_is_usable_again(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with (
        store_at(file, busy_timeout=0.3) as store,
        closing(sqlite3.connect(file, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        start = time.monotonic()
        with pytest.raises(sqlite3.OperationalError) as caught:
            publish(store, "a.md", ["text"])
        assert 0.3 <= time.monotonic() - start < 3
        assert caught.value.sqlite_errorcode == sqlite3.SQLITE_BUSY
        with pytest.raises(sqlite3.OperationalError):
            store.probe()
        other.execute("ROLLBACK")
        store.probe()
        publish(store, "a.md", ["text"])
    assert published(file) == ["text"]


def test_readers_of_the_view_do_not_wait_for_a_write(tmp_path: Path) -> None:
    file = tmp_path / "kb.db"
    with store_at(file) as store:
        publish(store, "a.md", ["there"])
        with store._file.transaction() as connection:
            connection.execute("DELETE FROM knowledge_base_documents")
            assert published(file) == ["there"]
    assert published(file) == []


@pytest.mark.parametrize("waiting", [True, False], ids=["waiting for a lock", "writing"])
def test_cancel_ends_a_write_in_another_thread_with_an_interrupt(tmp_path: Path, waiting: bool) -> None:
    file = tmp_path / "kb.db"
    caught: list[BaseException] = []
    version, chunks = document("a.md", ["many words " * 200] * 20_000)
    with store_at(file) as store, closing(sqlite3.connect(file, isolation_level=None)) as other:
        if waiting:
            other.execute("BEGIN IMMEDIATE")

        def write() -> None:
            try:
                store.write(Batch(chunks, 0), receipt("b"))
            except BaseException as error:  # noqa: BLE001
                caught.append(error)

        thread = threading.Thread(target=write)
        thread.start()
        time.sleep(0.3)
        start = time.monotonic()
        store.cancel()
        thread.join()
        assert time.monotonic() - start < 2
        if waiting:
            other.execute("ROLLBACK")
        assert isinstance(caught[0], sqlite3.OperationalError)
        assert caught[0].sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
        assert not store.ledger.committed("b")
        store.write(Batch(chunks[:1], 0), receipt("b"))
        assert rows_of(store, version.document_id) == 1


def test_cancel_ends_one_long_statement(tmp_path: Path) -> None:
    numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 30000000)"
    with store_at(tmp_path / "kb.db") as store, store._file.reading() as connection:
        timer = threading.Timer(0.2, store.cancel)
        timer.start()
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            connection.execute(f"{numbers} SELECT count(*) FROM n").fetchone()
        timer.join()


def test_a_cancellation_between_statements_is_heard(tmp_path: Path) -> None:
    with store_at(tmp_path / "kb.db") as store:
        database = store._file
        with pytest.raises(sqlite3.OperationalError, match="interrupted"), database.transaction():
            store.cancel()
        store.probe()


@pytest.mark.parametrize("way", ["reading", "snapshot", "transaction"])
def test_a_cancellation_is_over_with_its_error_though_that_holds_rows_half_read(
    tmp_path: Path, way: str
) -> None:
    def use(store: SqliteStore) -> None:
        with getattr(store._file, way)() as connection:
            half_read = connection.execute("SELECT 1 UNION ALL SELECT 2")
            assert next(half_read) == (1,)
            store.cancel()
            connection.execute("SELECT 3").fetchall()

    with store_at(tmp_path / "kb.db") as store:
        with pytest.raises(sqlite3.OperationalError, match="interrupted") as caught:
            use(store)
        assert caught.traceback  # and with it `half_read`, as long as somebody looks at the error
        assert not store.ledger.committed("b")
        publish(store, "a.md", ["text"])
    assert published(tmp_path / "kb.db") == ["text"]
