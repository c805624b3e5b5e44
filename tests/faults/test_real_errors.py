"""Errors that a real Postgres raises: each ends in the class that DESIGN names, the account complete."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from batchwright import SinkError
from batchwright.builtin.postgres import copying
from batchwright.builtin.postgres.opening import Opening
from batchwright.contracts.events import BatchFailed, BatchRetrying
from batchwright.plugins.manager import PluginManager
from tests.support.loads import Load, config_of, run
from tests.support.tables import batch_ids, published, rows

MARKED = "record 17"
DOCUMENTS = 40

Session = psycopg.Connection[Any]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """40 documents of one chunk."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(DOCUMENTS):
        (folder / f"{number:02}.md").write_text(f"record {number:02}\n")
    return folder


@pytest.fixture
def session(postgres_url: str) -> Iterator[Session]:
    """Another session, in a database that has the tables already."""
    _create_tables(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True, connect_timeout=10) as session:
        yield session


def _create_tables(url: str) -> None:
    with PluginManager.load().make_sink(url, {}).open():
        pass


def _on_insert(session: Session, body: str) -> None:
    """Have this done for the marked record."""
    session.execute("CREATE SEQUENCE passages")
    session.execute(
        f"""CREATE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.chunk_text LIKE '%{MARKED}%' THEN {body} END IF; RETURN NEW; END $$"""
    )
    session.execute(
        "CREATE TRIGGER fault BEFORE INSERT ON knowledge_base_records FOR EACH ROW EXECUTE FUNCTION fault()"
    )


def _raising(sqlstate: str, times: int | None = None) -> str:
    condition = f"nextval('passages') <= {times}" if times else "true"
    return f"IF {condition} THEN RAISE EXCEPTION 'fault' USING ERRCODE = '{sqlstate}'; END IF;"


def _set(session: Session, setting: str, value: str) -> None:
    """Set it for the sessions to come."""
    database = session.info.dbname
    session.execute(f'ALTER DATABASE "{database}" SET {setting} = {value}')


def _wait_for(condition: Callable[[], bool], timeout: float = 15) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _waiting_pid(session: Session, me: int | None = None) -> int | None:
    """Who waits for an advisory lock."""
    found = session.execute(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND pid <> %s", [me or 0]
    ).fetchone()
    return None if found is None else int(found[0])


def _states(load: Load) -> list[str | None]:
    return [event.sqlstate for event in load.watcher.events if isinstance(event, BatchRetrying)]


def _landed(load: Load, url: str, sqlstate: str | None) -> None:
    """All landed, and a retry of this kind was what it took."""
    result = load.result(timeout=30)
    assert result.state == "done", result.reason
    account = result.account
    assert (account.records.written, account.batches_failed) == (DOCUMENTS, 0)
    assert account.retries >= 1
    assert sqlstate in _states(load)
    assert len(published(url)) == DOCUMENTS
    assert account.batches == len(batch_ids(url))


# --- RETRY -----------------------------------------------------------------------------------------


def test_the_victim_of_a_deadlock_tries_again(corpus: Path, postgres_url: str, session: Session) -> None:
    _on_insert(session, "PERFORM pg_advisory_xact_lock(1); PERFORM pg_advisory_xact_lock(2);")
    session.execute("SET deadlock_timeout = '1min'")  # the other side notices first
    session.execute("BEGIN")
    session.execute("SELECT pg_advisory_xact_lock(2)")
    load = Load(config_of(corpus, postgres_url))
    _wait_for(lambda: _waiting_pid(session) is not None)
    session.execute("SELECT pg_advisory_xact_lock(1)")  # returns once the victim has let go
    session.execute("COMMIT")
    _landed(load, postgres_url, "40P01")


def test_a_serialization_failure_is_tried_again(corpus: Path, postgres_url: str, session: Session) -> None:
    _on_insert(session, _raising("40001", times=2))
    _landed(Load(config_of(corpus, postgres_url)), postgres_url, "40001")


def test_a_database_whose_transactions_are_stricter_by_default_costs_no_retries(
    corpus: Path, postgres_url: str, session: Session
) -> None:
    # under repeatable read the other session's update of the same row would be a serialization failure
    session.execute("CREATE TABLE counter AS SELECT 0 AS n")
    _on_insert(session, "PERFORM pg_advisory_xact_lock(1); UPDATE counter SET n = n + 1;")
    _set(session, "default_transaction_isolation", "'repeatable read'")
    session.execute("SELECT pg_advisory_lock(1)")
    load = Load(config_of(corpus, postgres_url))
    _wait_for(lambda: _waiting_pid(session) is not None)
    session.execute("UPDATE counter SET n = n + 1")  # after the writer's statement began
    session.execute("SELECT pg_advisory_unlock(1)")
    result = load.result(timeout=30)
    assert (result.state, result.account.retries) == ("done", 0)
    assert len(published(postgres_url)) == DOCUMENTS


def test_parallel_writers_under_serializable_isolation_all_land(
    corpus: Path, postgres_url: str, session: Session
) -> None:
    _set(session, "default_transaction_isolation", "serializable")
    load = Load(config_of(corpus, postgres_url, workers=3, batch_size=2, max_retries=20, retry_jitter=True))
    result = load.result(timeout=60)
    assert result.state == "done", result.reason
    assert len(published(postgres_url)) == DOCUMENTS


def test_a_lock_that_is_not_had_in_time_is_asked_for_again(
    corpus: Path, postgres_url: str, session: Session
) -> None:
    _on_insert(session, "PERFORM pg_advisory_xact_lock(1);")
    session.execute("SELECT pg_advisory_lock(1)")
    load = Load(config_of(corpus, f"{postgres_url}?lock_timeout=0.1", max_retries=100))
    _wait_for(lambda: "55P03" in _states(load))
    session.execute("SELECT pg_advisory_unlock(1)")
    _landed(load, postgres_url, "55P03")


def test_a_statement_that_takes_too_long_is_tried_again(
    corpus: Path, postgres_url: str, session: Session
) -> None:
    _on_insert(session, "IF nextval('passages') = 1 THEN PERFORM pg_sleep(60); END IF;")
    _landed(Load(config_of(corpus, f"{postgres_url}?statement_timeout=0.2")), postgres_url, "57014")


def test_a_transaction_that_takes_too_long_is_tried_again(
    corpus: Path, postgres_url: str, session: Session
) -> None:
    if session.info.server_version < 170_000:
        pytest.skip("transaction_timeout came with PostgreSQL 17")
    _on_insert(session, "IF nextval('passages') = 1 THEN PERFORM pg_sleep(60); END IF;")
    _set(session, "transaction_timeout", "'500ms'")
    load = Load(config_of(corpus, postgres_url))
    _landed(load, postgres_url, "25P04")
    said = [event.error for event in load.watcher.events if isinstance(event, BatchRetrying)]
    assert said[0] == "lost the connection to Postgres: terminating connection due to transaction timeout"


def test_a_session_killed_for_idling_in_its_transaction_begins_anew(
    corpus: Path, postgres_url: str, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = "set_config('idle_in_transaction_session_timeout', '50ms', true)"
    monkeypatch.setattr(Opening, "idling", short)
    monkeypatch.setattr("batchwright.builtin.postgres.writing.COPY_FROM_ROWS", 1)
    copy, slept = copying.copy, threading.Event()

    def dawdling(*arguments: Any) -> None:
        if not slept.is_set():
            slept.set()
            time.sleep(0.5)
        copy(*arguments)

    monkeypatch.setattr(copying, "copy", dawdling)
    _landed(Load(config_of(corpus, postgres_url)), postgres_url, "25P03")


def test_a_backend_that_is_terminated_in_mid_batch_loses_nothing(
    corpus: Path, postgres_url: str, session: Session
) -> None:
    _on_insert(session, "PERFORM pg_advisory_xact_lock(1);")
    session.execute("SELECT pg_advisory_lock(1)")
    load = Load(config_of(corpus, postgres_url, workers=3))
    _wait_for(lambda: _waiting_pid(session) is not None)
    session.execute("SELECT pg_terminate_backend(%s)", [_waiting_pid(session)])
    session.execute("SELECT pg_advisory_unlock(1)")
    _landed(load, postgres_url, "57P01")


@pytest.mark.parametrize("sqlstate", ["53100", "53200", "53300", "08006", "57P03", "40001", "40P01"])
def test_what_passes_is_tried_again(corpus: Path, postgres_url: str, session: Session, sqlstate: str) -> None:
    _on_insert(session, _raising(sqlstate, times=2))
    load = Load(config_of(corpus, postgres_url))
    _landed(load, postgres_url, sqlstate)
    assert _states(load) == [sqlstate] * 2


# --- FAIL ------------------------------------------------------------------------------------------


def test_a_read_only_server_refuses_the_run(corpus: Path, postgres_url: str, session: Session) -> None:
    _set(session, "default_transaction_read_only", "on")
    with pytest.raises(SinkError, match="read-only"):
        run(config_of(corpus, postgres_url))
    assert published(postgres_url) == {}


@pytest.mark.parametrize("sqlstate", ["42501", "42P01", "28000", "3D000", "23514", "XX000"])
def test_what_does_not_pass_ends_the_run(
    corpus: Path, postgres_url: str, session: Session, sqlstate: str
) -> None:
    _on_insert(session, _raising(sqlstate))
    load = Load(config_of(corpus, postgres_url))
    result = load.result(timeout=30)

    assert result.state == "failed"
    assert _states(load) == []
    [failed] = [event for event in load.watcher.events if isinstance(event, BatchFailed)]
    assert (failed.sqlstate, failed.stops) == (sqlstate, True)
    records = result.account.records
    assert records.failed == 7
    assert records.rejected == 0
    assert records.written == len(published(postgres_url))


# --- SKIP ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sqlstate", ["22001", "22003", "22021", "22P02"])
def test_data_that_the_server_refuses_costs_one_record(
    corpus: Path, postgres_url: str, session: Session, sqlstate: str
) -> None:
    _on_insert(session, _raising(sqlstate))
    result = Load(config_of(corpus, postgres_url, batch_size=32)).result(timeout=30)

    assert result.state == "done", result.reason
    assert (result.account.records.written, result.account.records.rejected) == (DOCUMENTS - 1, 1)
    [reject] = rows(postgres_url, "knowledge_base_rejects")
    assert (reject["key"], reject["sqlstate"]) == ("17.md", sqlstate)
    assert MARKED in reject["payload"]


def test_a_value_too_long_for_the_column_costs_one_record(
    corpus: Path, postgres_url: str, session: Session
) -> None:
    session.execute("ALTER TABLE knowledge_base_records ADD CONSTRAINT short CHECK (length(chunk_text) < 40)")
    (corpus / "05.md").write_text("record 05 is far too long for what the database's owner wants here\n")
    assert run(config_of(corpus, postgres_url, batch_size=16)).state == "failed"  # 23514 is FAIL …

    # … but where the operator says so
    result = run(config_of(corpus, postgres_url, batch_size=16, sqlstates={"23514": "skip"}))
    assert result.state == "done", result.reason
    assert len(rows(postgres_url, "knowledge_base_rejects")) == 1
    assert len(rows(postgres_url, "knowledge_base")) == DOCUMENTS - 1


def test_a_unique_violation_fails_unless_the_settings_say_skip(
    corpus: Path, postgres_url: str, session: Session
) -> None:
    session.execute("CREATE UNIQUE INDEX one_of_a_kind ON knowledge_base_records (chunk_hash)")
    (corpus / "30.md").write_text((corpus / "03.md").read_text())
    load = Load(config_of(corpus, postgres_url, batch_size=16))
    result = load.result(timeout=30)
    assert result.state == "failed"
    [failed] = [event for event in load.watcher.events if isinstance(event, BatchFailed)]
    assert (failed.sqlstate, failed.stops) == ("23505", True)

    result = run(config_of(corpus, postgres_url, batch_size=16, sqlstates={"23505": "skip"}))
    assert result.state == "done", result.reason
    assert result.account.records.rejected == 1
    [reject] = rows(postgres_url, "knowledge_base_rejects")
    assert (reject["key"], reject["sqlstate"], reject["decided_by"]) == ("30.md", "23505", "settings")
    assert len(rows(postgres_url, "knowledge_base")) == DOCUMENTS - 1
