"""Disks that are full: batches are held and none is burnt, until there is room or ``max_outage`` is over."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from batchwright import BatchConfig, SinkError
from batchwright.builtin.sqlite import SqliteSink
from batchwright.contracts.events import BatchFailed, OutageEnded, OutageStarted
from tests.support.disks import SmallDisk
from tests.support.loads import Load, Watcher, config_of, run
from tests.support.postgres import PostgresServer, PostgresTemplate
from tests.support.tables import published

DOCUMENTS = 60


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """60 documents of 25 KB that don't compress."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(DOCUMENTS):
        text = "\n\n".join(f"## {number}.{part}\n\n{os.urandom(200).hex()}" for part in range(60))
        (folder / f"{number:02}.md").write_text(text)
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """40 documents of one chunk."""
    return _documents(tmp_path / "small", 40)


def _documents(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:02}.md").write_text(f"record {number:02}\n")
    return folder


def patient(corpus: Path, url: str, **settings: object) -> BatchConfig:
    return config_of(corpus, url, **{"max_retries": 1, **settings})


def when_down(load: Load, act: Callable[[], object]) -> None:
    """Act once the breaker is open."""
    deadline = time.monotonic() + 60
    while not load.watcher.seen(OutageStarted):
        assert time.monotonic() < deadline, load.watcher.events[-3:]
        time.sleep(0.02)
    time.sleep(0.3)
    act()


def assert_held(load: Load, documents: int) -> None:
    """All landed, and no batch failed meanwhile."""
    result = load.result(timeout=90)
    assert result.state == "done", result.reason
    assert result.account.documents.added == documents
    assert (result.account.batches_failed, load.watcher.seen(BatchFailed)) == (0, 0)
    assert load.watcher.seen(OutageStarted) == load.watcher.seen(OutageEnded) >= 1


def assert_interrupted(config: BatchConfig) -> None:
    """It ended after `max_outage`, with nothing burnt."""
    load = Load(config, Watcher())
    result = load.result(timeout=90)
    assert (result.state, result.account.batches_failed) == ("interrupted", 0)
    assert "max_outage" in result.reason
    assert result.account.records.failed == 0


# --- SQLite -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 3])
def test_sqlite_waits_for_room_on_a_small_disk(corpus: Path, workers: int) -> None:
    with SmallDisk.mounted("1500k") as disk:
        load = Load(patient(corpus, f"sqlite:///{disk.path}/kb.db", workers=workers))
        when_down(load, lambda: disk.grow("64m"))
        assert_held(load, DOCUMENTS)


def test_sqlite_on_a_disk_that_stays_full_is_interrupted_and_resumed(corpus: Path) -> None:
    with SmallDisk.mounted("1500k") as disk:
        url = f"sqlite:///{disk.path}/kb.db"
        assert_interrupted(patient(corpus, url, max_outage=1))
        disk.grow("64m")
        result = run(patient(corpus, url))
        assert result.state == "done"
        found = result.account.documents
        assert found.added + found.unchanged == DOCUMENTS


@pytest.mark.parametrize("pages", [40, 60, 90])
def test_sqlite_with_no_page_left_to_grow_into_is_interrupted(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    url = f"sqlite:///{tmp_path}/kb.db"
    with SqliteSink(SqliteSink.options_type(url=SecretStr(url))).open():
        pass
    connect = sqlite3.connect

    def limited(*arguments: object, **named: object) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*arguments, **named)  # type: ignore[call-overload]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr("batchwright.sinkkit.sqlite.database.sqlite3.connect", limited)
        config = patient(small, url, max_outage=1, batch_size=2)
        try:
            result = run(config)
        except SinkError:  # there was not even a page for the run's own row
            result = None
        if result is not None and result.state != "done":
            assert (result.state, result.account.batches_failed) == ("interrupted", 0)
    assert run(patient(small, url)).state == "done"


# --- Postgres ---------------------------------------------------------------------------------------


def full_if(url: str, condition: str, event: str = "INSERT ON knowledge_base_records") -> None:
    """Have Postgres say that the disk is full, for rows of which this is true."""
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(
            "CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {condition} THEN RAISE EXCEPTION 'could not extend file: No space left on device' "
            "USING ERRCODE = '53100'; END IF; RETURN NEW; END $$"
        )
        session.execute(
            f"CREATE TRIGGER fault BEFORE {event} FOR EACH ROW EXECUTE FUNCTION fault()",
        )


def room(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("DROP FUNCTION fault() CASCADE")


@pytest.fixture
def tables(postgres_url: str, tmp_path: Path) -> str:
    """A database with the tables."""
    seed = tmp_path / "seed"
    seed.mkdir()
    (seed / "seed.md").write_text("seed\n")
    assert run(config_of(seed, postgres_url, collection="seed")).state == "done"
    return postgres_url


@pytest.mark.parametrize("workers", [1, 3])
def test_postgres_out_of_disk_holds_batches_until_there_is_room(
    small: Path, tables: str, workers: int, seed: int
) -> None:
    first = random.Random(seed).randrange(20)
    full_if(tables, f"NEW.chunk_text >= 'record {first:02}'")
    load = Load(patient(small, tables, workers=workers, batch_size=2))
    when_down(load, lambda: room(tables))
    assert_held(load, 40)


def test_postgres_whose_disk_stays_full_is_interrupted_and_resumed(small: Path, tables: str) -> None:
    full_if(tables, "NEW.chunk_text >= 'record 11'")
    assert_interrupted(patient(small, tables, max_outage=1))
    room(tables)
    assert run(patient(small, tables)).state == "done"


def test_postgres_out_of_disk_when_all_is_written_is_waited_for(small: Path, tables: str) -> None:
    full_if(tables, "NEW.state = 'done'", "UPDATE ON knowledge_base_runs")
    load = Load(patient(small, tables))
    when_down(load, lambda: room(tables))
    assert_held(load, 40)


def test_postgres_whose_disk_stays_full_when_all_is_written_leaves_the_run_interrupted(
    small: Path, tables: str
) -> None:
    full_if(tables, "NEW.state = 'done'", "UPDATE ON knowledge_base_runs")
    assert_interrupted(patient(small, tables, max_outage=1))


def test_postgres_that_was_made_read_only_is_waited_for(tmp_path: Path, tables: str) -> None:
    corpus = _documents(tmp_path / "corpus", 2_000)  # the run has to be at work when the change is made

    def only_read(value: str) -> None:
        with psycopg.connect(tables, autocommit=True) as session:
            session.execute("SET default_transaction_read_only = off")
            session.execute(
                f'ALTER DATABASE "{session.info.dbname}" SET default_transaction_read_only = {value}'
            )
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    watcher = Watcher(at=2, act=lambda: only_read("on"))
    load = Load(patient(corpus, tables, batch_size=2), watcher)
    when_down(load, lambda: only_read("off"))
    assert_held(load, 2_000)


def test_postgres_that_is_read_only_from_the_start_is_a_mistake_and_ends_at_once(
    small: Path, tables: str
) -> None:
    with psycopg.connect(tables, autocommit=True) as session:
        session.execute(f'ALTER DATABASE "{session.info.dbname}" SET default_transaction_read_only = on')
    began = time.monotonic()
    with pytest.raises(SinkError, match="read-only"):
        run(config_of(small, tables, max_retries=3, retry_cap=None))
    assert time.monotonic() - began < 3


def test_postgres_on_a_small_tablespace_costs_no_record_once_there_is_room(
    corpus: Path, postgres_template: PostgresTemplate
) -> None:
    account = postgres_template.account
    owner = f"uid={account.pw_uid},gid={account.pw_gid},mode=700" if account else ""
    small_disk = SmallDisk.mounted("1m", folder=postgres_template.folder, owner=owner)
    with PostgresServer(postgres_template) as server, small_disk as disk:
        with psycopg.connect(server.dsn(), autocommit=True) as session:
            session.execute(f"CREATE TABLESPACE small LOCATION '{disk.path}'")
        url = server.create_database("full")
        with psycopg.connect(url, autocommit=True) as session:
            session.execute('ALTER DATABASE "full" SET default_tablespace = small')
        load = Load(patient(corpus, f"{url}?full_text=false", chunk_max_tokens=512, workers=2))
        when_down(load, lambda: disk.grow("64m"))
        assert_held(load, DOCUMENTS)
        assert len(published(url)) == DOCUMENTS
        with psycopg.connect(server.dsn(), autocommit=True) as session:
            session.execute('DROP DATABASE "full" WITH (FORCE)')
            session.execute("DROP TABLESPACE small")


@pytest.mark.slow
@pytest.mark.parametrize("round_", range(100))
def test_disks_that_fill_and_empty_again_and_again_burn_no_batch(
    small: Path, tables: str, seed: int, round_: int
) -> None:
    chance = random.Random(f"{seed} {round_}")
    full_if(tables, f"NEW.chunk_text >= 'record {chance.randrange(36):02}'")
    settings = {"workers": chance.choice([1, 2, 4]), "batch_size": chance.choice([1, 2, 3])}
    load = Load(patient(small, tables, **settings))
    when_down(load, lambda: room(tables))
    assert_held(load, 40)
