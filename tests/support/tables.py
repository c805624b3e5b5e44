"""What lies in a target, row by row, without what differs from run to run: run ids, times, attempts."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from batchwright.builtin.sqlite.options import database_path

TABLE = "knowledge_base"
_COMPARED = ("records", "documents", "pending", "rejects")
# `attempts` hangs on which records shared a batch, and that on where the run before was killed
_DIFFERS = {"run_id", "published_at", "created_at", "attempts", "_seq", "_search"}

Rows = list[str]


class Contents(NamedTuple):
    """The published relation, and the tables under it."""

    published: Rows
    chunks: Rows
    documents: Rows
    pending: Rows
    rejects: Rows

    def differences(self, other: Contents) -> list[str]:
        """Say where two differ, in a few lines."""
        found = []
        for name in self._fields:
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                missing = sorted(set(theirs) - set(mine))[:3]
                extra = sorted(set(mine) - set(theirs))[:3]
                found.append(f"{name}: {len(mine)} rows, not {len(theirs)}; missing {missing}, extra {extra}")
        return found


def contents(url: str, table: str = TABLE) -> Contents:
    """Read all that is compared."""
    names = (table, *(f"{table}_{suffix}" for suffix in _COMPARED))
    return Contents(*(sorted(_as_text(row) for row in rows(url, name)) for name in names))


def published(url: str, table: str = TABLE) -> dict[str, list[tuple[int, str]]]:
    """Return what a reader sees of each document: the position and hash of its chunks."""
    found: dict[str, list[tuple[int, str]]] = {}
    for row in rows(url, table):
        found.setdefault(row["source_file"], []).append((row["chunk_index"], row["chunk_hash"]))
    return {name: sorted(chunks) for name, chunks in found.items()}


def batch_ids(url: str) -> list[str]:
    """Return the ids of the receipts."""
    return [row["batch_id"] for row in rows(url, f"{TABLE}_receipts")]


def rows(url: str, name: str) -> list[dict[str, Any]]:
    """Return a relation's rows; none where it doesn't exist."""
    if url.startswith("sqlite"):
        return _from_sqlite(url, name)
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        relation = sql.Identifier(name)
        try:
            answer = connection.execute(sql.SQL("SELECT to_jsonb(t) FROM {} AS t").format(relation))
        except psycopg.errors.UndefinedTable:
            return []
        return [row for (row,) in answer]


def _from_sqlite(url: str, name: str) -> list[dict[str, Any]]:
    path = database_path(url)
    if not path.exists():
        return []
    with closing(sqlite3.connect(path, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        known = connection.execute("SELECT name FROM sqlite_master WHERE name = ?", (name,)).fetchone()
        found = connection.execute(f'SELECT * FROM "{name}"').fetchall() if known else []
        if known and name.endswith("_records"):
            _check_file(connection, name.removesuffix("_records"))
        return [dict(row) for row in found]


def _check_file(connection: sqlite3.Connection, table: str) -> None:
    [verdict] = connection.execute("PRAGMA integrity_check").fetchone()
    assert verdict == "ok", verdict
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (f"{table}_fts",)).fetchone():
        connection.execute(f'INSERT INTO "{table}_fts" ("{table}_fts") VALUES (\'integrity-check\')')
        connection.rollback()


def _as_text(row: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in row.items() if key not in _DIFFERS}, sort_keys=True)
