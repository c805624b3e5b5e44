"""A file with many relations: what reads all of them connects a few times, not once for each."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from batchwright import BatchConfig, BatchProcessor, Target
from batchwright.builtin.sqlite.options import SqliteOptions
from batchwright.builtin.sqlite.sink import SqliteSink

RELATIONS = 12


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A target of some relations, each with a document of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    for number in range(RELATIONS):
        (tmp_path / "docs" / "a.md").write_text(f"# Number {number}\n")
        config = BatchConfig(source="docs", to=f"sqlite:///kb.db?table=t{number:02}", reporters=())
        assert BatchProcessor(config).run().state == "done"
    return "sqlite:///kb.db"


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every connection that is made to a file."""
    made: list[Any] = []
    connect = sqlite3.connect

    def counted(*arguments: Any, **options: Any) -> Any:
        made.append(connect(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(sqlite3, "connect", counted)
    return made


def _is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


def test_a_connection_is_used_for_one_relation_after_the_other(url: str, connections: list[Any]) -> None:
    with Target(url) as kb:
        assert len(kb.runs()) == RELATIONS
        assert kb.status().published == RELATIONS
        assert len(connections) < RELATIONS
    assert not any(map(_is_open, connections)), "the last one to be closed closes them all"


def test_what_a_kept_connection_knows_of_the_file_is_what_is_there_now(url: str) -> None:
    one, two = SqliteSink(SqliteOptions.model_validate({"url": url})).relations()[:2]
    first = one.open(create=False)
    two.open(create=False).close()
    with closing(sqlite3.connect("kb.db")) as other, other:
        other.execute("DROP TABLE t01_receipts")
    other.close()
    with pytest.raises(Exception, match="lacks t01_receipts, though other tables of t01 are there"):
        two.open(create=False)
    first.close()
    first.close()


def test_a_file_that_was_replaced_is_opened_anew(url: str, tmp_path: Path) -> None:
    one, two = SqliteSink(SqliteOptions.model_validate({"url": url})).relations()[:2]
    first = one.open(create=False)
    two.open(create=False).close()
    with closing(sqlite3.connect("kb.db")) as file, file:
        file.execute("VACUUM INTO 'copy.db'")
    file.close()
    (tmp_path / "kb.db").unlink()
    (tmp_path / "copy.db").rename(tmp_path / "kb.db")
    second = two.open(create=False)
    assert second.ledger is not None
    assert second.ledger.collections()[0].name == "docs"
    second.close()
    first.close()


def test_threads_of_a_service_ask_while_others_write(url: str, tmp_path: Path) -> None:
    written = threading.Event()

    def write() -> None:
        try:
            for number in range(RELATIONS):
                (tmp_path / "docs" / "b.md").write_text(f"# Another {number}\n\nfig\n")
                config = BatchConfig(source="docs", to=f"{url}?table=t{number:02}", reporters=())
                assert BatchProcessor(config).run().state == "done"
        finally:
            written.set()

    def ask(kb: Target) -> int:
        rounds = 0
        while rounds < 3 or not written.is_set():
            assert kb.status().published >= RELATIONS
            assert len({run.relation for run in kb.runs(limit=1000)}) == RELATIONS
            assert all(hit.relation for hit in kb.search("number", limit=50))
            assert [one.name for one in kb.collections()] == ["docs"] * RELATIONS
            rounds += 1
        return rounds

    with Target(url) as shared, Target(url) as other, ThreadPoolExecutor(7) as threads:
        asking = [threads.submit(ask, kb) for kb in (shared, shared, shared, other)]
        threads.submit(write).result(60)
        assert all(one.result(60) >= 3 for one in asking)
        assert shared.status().published == 2 * RELATIONS
        assert len(shared.search("fig", limit=50)) == RELATIONS
        assert shared.unreadable == {}
