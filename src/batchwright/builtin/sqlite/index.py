"""The full-text index: what it is made of, how far it is made, and of which version of the terms.

It holds the terms that `sinkkit.search.normal` makes of each record's heading and text, and no text.
"""

# ruff: noqa: S608 - what goes into a statement besides parameters are names, quoted

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from batchwright.sinkkit.search.version import VERSION
from batchwright.sinkkit.sqlite.schema import Names

FUNCTION = f"batchwright_terms_{VERSION}"
"""What SQL calls `normal`: another version can't change an index of this one by mistake."""

_VERSION, _INDEXED = "search_version", "search_indexed"  # in the table meta
_ALL = 2**63 - 1
_AT_ONCE = 1_000  # records that are indexed in a transaction


class State(NamedTuple):
    """How far an index is made.

    Attributes:
        version: Of the terms.
        indexed: The record, by its number, up to which records are in it; those behind it are not yet.
    """

    version: int
    indexed: int

    @property
    def is_complete(self) -> bool:
        """Whether all records are in it."""
        return self.indexed == _ALL

    @property
    def is_usable(self) -> bool:
        """Whether a search can rely on it."""
        return self.version == VERSION and self.is_complete


def state(connection: sqlite3.Connection, names: Names) -> State | None:
    """Return how far the index is made; None where there is none."""
    found = dict(
        connection.execute(
            f"SELECT key, CAST(value AS INTEGER) FROM {names.meta} WHERE key IN (?, ?)", (_VERSION, _INDEXED)
        ).fetchall()
    )
    return State(found[_VERSION], found[_INDEXED]) if len(found) == 2 else None


def forget(connection: sqlite3.Connection, names: Names) -> None:
    """Note that there is no index."""
    connection.execute(f"DELETE FROM {names.meta} WHERE key IN (?, ?)", (_VERSION, _INDEXED))


def begin(connection: sqlite3.Connection, names: Names) -> None:
    """Note that there is an index, with nothing in it yet."""
    rows = [(_VERSION, str(VERSION)), (_INDEXED, "0")]
    connection.executemany(f"INSERT INTO {names.meta} VALUES (?, ?)", rows)
    if connection.execute(f"SELECT 1 FROM {names.records} LIMIT 1").fetchone() is None:
        _note(connection, names, _ALL)


def fill(connection: sqlite3.Connection, names: Names, columns: Iterable[str]) -> int:
    """Index some of the records that are not in the index yet; return how many. None: it is complete now."""
    made = state(connection, names)
    if made is None or made.is_complete:
        return 0
    (last, count) = connection.execute(
        f"SELECT max(_seq), count(*) FROM (SELECT _seq FROM {names.records} WHERE _seq > ? "
        f"ORDER BY _seq LIMIT {_AT_ONCE})",
        (made.indexed,),
    ).fetchone()
    if count:
        insert(connection, names, columns, made.indexed, last)
    _note(connection, names, last if count else _ALL)
    return int(count)


def insert(
    connection: sqlite3.Connection, names: Names, columns: Iterable[str], after: int, last: int
) -> None:
    """Index the records behind `after`, up to `last`."""
    listed = ", ".join(columns)
    connection.execute(
        f"INSERT INTO {names.fts} (rowid, {listed}) "
        f"SELECT _seq, {listed} FROM {names.searched} WHERE _seq > ? AND _seq <= ?",
        (after, last),
    )


def definitions(names: Names, columns: Mapping[str, str]) -> Iterator[str]:
    """Yield the statements that create an index, without records.

    Args:
        names: The tables.
        columns: The fields, quoted, by column of the index.
    """
    listed = ", ".join(columns)
    changed = ", ".join(columns.values())

    def terms(row: str) -> str:
        return ", ".join(_terms(row + name) for name in columns.values())

    source = names.plain["searched"].replace("'", "''")
    shown = ", ".join(f"{_terms(name)} AS {column}" for column, name in columns.items())
    yield f"CREATE VIEW {names.searched} AS SELECT _seq, {shown} FROM {names.records}"
    # The terms have nothing but spaces between them: to this tokenizer whatever isn't ASCII is a letter.
    yield (
        f"CREATE VIRTUAL TABLE {names.fts} USING fts5({listed}, content='{source}', content_rowid='_seq', "
        "tokenize='ascii')"
    )
    fts = names.plain["fts"].replace("'", "''")
    yield f"CREATE VIRTUAL TABLE {names.terms} USING fts5vocab('{fts}', 'row')"
    # Rows that come are indexed by the sink, one statement a batch: a trigger doing it row by row made
    # FTS5 write its buffer out each time, and took 2.3 times as long.
    indexed = f"old._seq <= (SELECT CAST(value AS INTEGER) FROM {names.meta} WHERE key = '{_INDEXED}')"
    delete = (
        f"INSERT INTO {names.fts} ({names.fts_column}, rowid, {listed}) "
        f"VALUES ('delete', old._seq, {terms('old.')});"
    )
    yield (
        f"CREATE TRIGGER {names.fts_update} AFTER UPDATE OF {changed} ON {names.records} WHEN {indexed} "
        f"BEGIN {delete} INSERT INTO {names.fts} (rowid, {listed}) VALUES (new._seq, {terms('new.')}); END"
    )
    yield (
        f"CREATE TRIGGER {names.fts_delete} AFTER DELETE ON {names.records} WHEN {indexed} BEGIN {delete} END"
    )
    # merge half as often as by default, and collect a batch before it is written: that saved 20 % of the time
    for setting, value in (("automerge", 8), ("hashsize", 8 * 2**20)):
        yield f"INSERT INTO {names.fts} ({names.fts_column}, rank) VALUES ('{setting}', {value})"


def terms_of(text: bytes | None) -> str | None:
    """Return the terms of a text, for SQL: of bytes, as a damaged text must not stop its repair."""
    if text is None:
        return None
    from batchwright.sinkkit.search.normal import normal  # a run that changes nothing needs none

    return normal(text.decode("utf-8", "replace"))


def _terms(column: str) -> str:
    return f"{FUNCTION}(CAST({column} AS BLOB))"


def _note(connection: sqlite3.Connection, names: Names, indexed: int) -> None:
    connection.execute(f"UPDATE {names.meta} SET value = ? WHERE key = ?", (str(indexed), _INDEXED))
