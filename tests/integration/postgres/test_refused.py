"""A record that can't be stored at all leaves the row before, in Postgres and SQLite alike."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

from batchwright import BatchConfig, BatchProcessor, Fate, RunResult, Target


@dataclass
class Note:
    id: int
    text: str


@dataclass
class Figure:
    id: int
    text: str
    amount: int = 0


def config(url: str, **settings: object) -> BatchConfig:
    return BatchConfig.model_validate({"to": url, "reporters": (), "collection": "notes", **settings})


def load(url: str, *notes: Note, **options: bool) -> RunResult:
    return BatchProcessor(config(url)).load(notes, record=Note, **options)  # type: ignore[arg-type]


def rows(url: str) -> dict[int, str]:
    with psycopg.connect(url) as connection:
        return dict(connection.execute("SELECT id, text FROM note").fetchall())


def test_a_row_that_changed_to_what_postgres_can_not_hold_stays_as_it_was(postgres_url: str) -> None:
    load(postgres_url, Note(1, "one"), Note(2, "two"))
    for prune in (False, True):
        result = load(postgres_url, Note(1, "o\0ne"), Note(2, "two"), prune=prune)
        documents, records = result.account.documents, result.account.records
        assert (documents.refused, documents.unchanged, records.rejected) == (1, 1, 1)
        assert rows(postgres_url) == {1: "one", 2: "two"}
    with Target(config(f"{postgres_url}?table=note")) as target:
        assert list(target.verify()) == []
        assert [result.fate for result in target.replay(list(target.rejects()))] == [Fate.LEFT]
    with Target(config(f"{postgres_url}?table=note", unstorable="strip")) as target:
        assert [result.fate for result in target.replay(list(target.rejects()))] == [Fate.STORED]
        assert list(target.verify()) == []
    assert rows(postgres_url) == {1: "one", 2: "two"}, "without the NUL, it is the same"
    assert load(postgres_url, Note(1, "o\0ne"), Note(2, "two")).account.documents.unchanged == 2


def test_what_is_unstorable_is_stripped_or_escaped_when_records_are_loaded(postgres_url: str) -> None:
    given = config(postgres_url, unstorable="escape")
    for expected in ("added", "unchanged"):
        account = BatchProcessor(given).load([Note(1, "a\0b")], record=Note).account
        assert getattr(account.documents, expected) == 1
    assert rows(postgres_url) == {1: "a\\u0000b"}
    account = BatchProcessor(config(postgres_url, unstorable="strip")).load([Note(1, "a\0b")]).account
    assert (account.documents.changed, account.left_out["characters cleaned"]) == (1, 1)
    assert rows(postgres_url) == {1: "ab"}


def test_a_number_that_sqlite_can_not_hold_leaves_the_row_before(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/notes.db"
    given = config(url)
    BatchProcessor(given).load([Figure(1, "one", 1)])
    for _ in range(2):
        account = BatchProcessor(given).load([Figure(1, "one", 2**63)]).account
        assert (account.documents.refused, account.records.rejected) == (1, 1)
    with closing(sqlite3.connect(tmp_path / "notes.db")) as connection:
        assert connection.execute("SELECT amount FROM figure").fetchall() == [(1,)]
