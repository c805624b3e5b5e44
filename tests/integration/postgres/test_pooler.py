"""Through a pooler in transaction mode: no session is ours, and nothing of ours stays in one."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from batchwright import BatchConfig, BatchProcessor, CollectionBusy, SinkError, Target
from batchwright.engine.lease import LeaseTimes
from tests.integration.postgres.examples import sink_at
from tests.support import insert
from tests.support.databases import Databases
from tests.support.leased import Gated, begin, documents, done, order
from tests.support.pooler import Pooler, find_pgbouncer
from tests.support.tables import TABLE, published, rows
from tests.support.two_runs import check_sound, load

pytestmark = pytest.mark.skipif(not find_pgbouncer(), reason="needs pgbouncer: apt-get install pgbouncer")

SETTINGS = {
    "DateStyle": "German, YMD",
    "TimeZone": "Asia/Tokyo",
    "IntervalStyle": "iso_8601",
    "bytea_output": "escape",
    "extra_float_digits": "-5",
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "search_path": "nowhere",
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "statement_timeout": "55s",
    "lock_timeout": "54s",
    "synchronous_commit": "local",
    "idle_in_transaction_session_timeout": "53s",
}
"""What a database may have by default, each unlike the server's own."""


@pytest.fixture(scope="module", params=[1, 2], ids=["one-session", "two-sessions"])
def pooler(request: pytest.FixtureRequest, postgres_server: Databases) -> Iterator[Pooler]:
    with Pooler(postgres_server, request.param) as pooler:
        yield pooler


@pytest.fixture
def url(pooler: Pooler, postgres_url: str) -> str:
    """The test's database, through the pooler."""
    return pooler.dsn(urlsplit(postgres_url).path.removeprefix("/"))


def _settings(url: str) -> dict[str, str]:
    """All settings that a client of the pool has, which sets nothing itself."""
    with psycopg.connect(url, autocommit=True) as client:
        shown = client.execute("SELECT name, setting FROM pg_settings WHERE name <> 'application_name'")
        return dict(shown.fetchall())


def _sessions(postgres_url: str, url: str, count: int) -> list[dict[str, str]]:
    """The settings of all sessions of the pool, as several clients at once see them."""
    found: dict[int, dict[str, str]] = {}
    clients = [psycopg.connect(url) for _ in range(count)]
    try:
        for client in clients:  # each in a transaction, so that each has a session
            ((pid,),) = client.execute("SELECT pg_backend_pid()").fetchall()
            found[pid] = dict(client.execute("SELECT name, setting FROM pg_settings").fetchall())
            found[pid].pop("application_name")
            for name in ("transaction_isolation", "transaction_read_only", "transaction_deferrable"):
                found[pid].pop(name)
    finally:
        for client in clients:
            client.close()
    return list(found.values())


def _changed(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in after.items() if before.get(name, value) != value}


def _set_defaults(postgres_url: str, settings: dict[str, str]) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        database = sql.Identifier(admin.info.dbname)
        for name, value in settings.items():
            statement = sql.SQL("ALTER DATABASE {} SET {} = {}")
            admin.execute(statement.format(database, sql.Identifier(name), value))


@pytest.mark.parametrize(
    ("size", "given"),
    [
        (32, ""),  # all in one go, without BEGIN
        (32, "?statement_timeout=7&lock_timeout=6&synchronous_commit=off"),
        (1000, "?statement_timeout=7&lock_timeout=6&synchronous_commit=off"),  # by COPY, always with BEGIN
    ],
)
def test_runs_load_and_leave_the_sessions_as_they_were(
    pooler: Pooler, url: str, postgres_url: str, tmp_path: Path, given: str, size: int
) -> None:
    docs, before = documents(tmp_path / "docs", chunks=150), _settings(url)
    own = order(docs, url + given, "--batch-size", str(size), "--workers", "2")
    done(own)
    expected = published(postgres_url)
    assert sum(map(len, expected.values())) >= 450
    again = json.loads(done(own).said("out"))["account"]["documents"]
    assert again["unchanged"] == 3
    documents(docs, "newer", chunks=120)
    assert json.loads(done(own).said("out"))["account"]["documents"]["changed"] == 3
    with Target(url + given) as target:
        assert target.search("newer")
    assert not json.loads(done(_verify(own, url + given)).said("out"))["findings"]
    for left in _sessions(postgres_url, url, pooler.size):
        assert _changed(before, left) == {}, "a setting stayed in a session that others share"
    check_sound(postgres_url, tmp_path)


def _verify(given: Any, url: str) -> Any:
    return replace(given, arguments=("verify", "--to", url, "--json"))


def test_settings_that_are_given_hold_in_every_transaction(url: str) -> None:
    given = {"statement_timeout": 7.5, "lock_timeout": 2, "synchronous_commit": "off"}
    with sink_at(url, **given).open() as store:
        shown = [store._ledger._read(f"SHOW {name}") for name in given]
        assert shown == [[("7500ms",)], [("2s",)], [("off",)]]


def test_two_runs_at_once_exclude_each_other_or_go_on_side_by_side(
    url: str, postgres_url: str, tmp_path: Path
) -> None:
    docs, others = documents(tmp_path / "docs"), documents(tmp_path / "others")
    with Gated(order(docs, url)) as first:
        first.reached()
        done(order(docs, url), code=4)
        done(order(others, url))
        with begin(order(docs, url, "--wait", "30")) as second:
            first.release()
            assert (first.ended().code, second.ended().code) == (0, 0)
    assert len(published(postgres_url)) == 3  # by key: those of both folders have the same
    check_sound(postgres_url, tmp_path)


def test_a_run_that_was_killed_is_replaced_at_once(url: str, postgres_url: str, tmp_path: Path) -> None:
    docs = documents(tmp_path / "docs")
    with Gated(order(docs, url)) as first:
        first.reached()
        first.killed()
        done(replace(order(docs, url), times=LeaseTimes()))
    check_sound(postgres_url, tmp_path)
    assert len(published(postgres_url)) == 3


def test_a_run_that_was_stopped_and_replaced_commits_nothing_more(
    url: str, postgres_url: str, tmp_path: Path
) -> None:
    docs = documents(tmp_path / "docs")
    with Gated(order(docs, url)) as first:
        first.reached()
        first.send(signal.SIGSTOP)
        documents(docs, "newer", chunks=9)
        done(order(docs, url, "--wait", "10"))
        after = published(postgres_url)
        first.release()
        first.send(signal.SIGCONT)
        assert first.ended().code == 1
    assert published(postgres_url) == after
    check_sound(postgres_url, tmp_path)


def test_a_heartbeat_comes_through_while_batches_are_written(
    url: str, postgres_url: str, tmp_path: Path
) -> None:
    docs = documents(tmp_path / "docs")
    with Gated(order(docs, url)) as first:
        first.reached()
        heard = [row["heard_at"] for row in rows(postgres_url, f"{TABLE}_heartbeats")]
        done(order(docs, url, "--wait", "2"), code=4)  # longer than a run counts as live that doesn't beat
        assert [row["heard_at"] for row in rows(postgres_url, f"{TABLE}_heartbeats")] > heard
        first.release()
        assert first.ended().code == 0


def test_programs_write_at_the_same_time(url: str, postgres_url: str) -> None:
    def write(number: int) -> int:
        config = BatchConfig(to=url, collection="fruit", reporters=())
        with BatchProcessor(config) as program:
            return program.insert_chunks([insert.chunk("fig", number, 4, "ripe")]).account.records.written

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(write, range(4))) == [1] * 4
    assert {key: len(chunks) for key, chunks in published(postgres_url).items()} == {"fig": 4}


def test_a_program_is_refused_beside_a_run(url: str, tmp_path: Path) -> None:
    docs = documents(tmp_path / "docs")
    with Gated(order(docs, url)) as first:
        first.reached()
        config = BatchConfig(to=url, collection="docs", reporters=())
        with BatchProcessor(config) as program, pytest.raises(CollectionBusy):
            program.insert_chunks([insert.chunk("mine", 0, 1, "word")])
        first.release()
        assert first.ended().code == 0


def test_whatever_the_defaults_of_the_database_all_is_as_elsewhere(
    pooler: Pooler, url: str, postgres_url: str, tmp_path: Path
) -> None:
    docs = documents(tmp_path / "docs", chunks=120)
    (docs / "dated.md").write_text("---\ndate: 2026-01-31\n---\n# Dated\n\nback\\slash and 'quote'\n")
    _set_defaults(postgres_url, SETTINGS)
    before = _settings(url)
    assert before["DateStyle"] == "German, YMD", "the defaults are not in force: the test tests nothing"
    load(docs, url)
    assert load(docs, url).account.documents.unchanged == 4
    (docs / "doc0.md").unlink()
    pruned = BatchProcessor(
        BatchConfig(input_dir=docs, to=url, prune=True, chunk_max_tokens=24, reporters=())
    ).run()
    assert (pruned.state, pruned.account.removed) == ("done", 1)
    with Target(url) as target:
        [hit] = target.search("slash")
        assert hit.key == "dated.md"
        assert not list(target.verify())
    for left in _sessions(postgres_url, url, pooler.size):
        assert _changed(before, left) == {}
    check_sound(postgres_url, tmp_path)


def test_a_database_that_is_read_only_is_searched_and_refuses_a_run(
    url: str, postgres_url: str, tmp_path: Path
) -> None:
    docs = documents(tmp_path / "docs")
    load(docs, postgres_url)
    _set_defaults(postgres_url, {"default_transaction_read_only": "on"})
    with Target(url) as target:
        assert target.search("lorem")
        assert not list(target.verify())
    documents(docs, "newer")
    refused = json.loads(done(order(docs, url), code=1).said("out"))
    assert "default_transaction_read_only off" in refused["reason"], refused


def test_a_pooler_that_allows_no_transaction_is_told_at_once(
    postgres_server: Databases, postgres_url: str
) -> None:
    with Pooler(postgres_server, mode="statement") as pooler:
        url = pooler.dsn(urlsplit(postgres_url).path.removeprefix("/"))
        with pytest.raises(SinkError, match="set pool_mode to transaction or session"):
            sink_at(url).open()
