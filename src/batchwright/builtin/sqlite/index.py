"""The full-text index: what it is made of, how far it is made, and of which version of the terms.

It holds the terms that `sinkkit.search.normal` makes of each record's heading and text, and no text.
"""

# ruff: noqa: S608 - what goes into a statement besides parameters are names, quoted

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from batchwright.errors import SinkError
from batchwright.sinkkit.search.version import VERSION
from batchwright.sinkkit.sqlite.schema import Names

_VERSION, _INDEXED = "search_version", "search_indexed"  # in the table meta
_ALL = 2**63 - 1
_PARAMETERS = 500  # of a statement: SQLite before 3.32 takes 999
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


class Index:
    """Keeps the index in step with the records, in the transactions that others open.

    Triggers put aside the texts of records that change or go; `catch_up` takes these out of the index. So any
    program may change the tables, and only ours has to know the terms.

    Args:
        names: The tables.
        columns: The fields, quoted, by column of the index.
    """

    def __init__(self, names: Names, columns: Mapping[str, str]) -> None:
        self._names = names
        self._columns = columns
        listed = ", ".join(columns)
        places = ", ".join("?" * len(columns))
        self._insert = f"INSERT INTO {names.fts} (rowid, {listed}) VALUES (?, {places})"
        self._delete = (
            f"INSERT INTO {names.fts} ({names.fts_column}, rowid, {listed}) VALUES ('delete', ?, {places})"
        )
        # of bytes: a damaged text must not stop its repair
        blobs = ", ".join(f"CAST({name} AS BLOB)" for name in columns.values())
        self._read = f"SELECT _seq, {blobs} FROM {names.records} WHERE "
        self._put_aside = (
            f"SELECT rowid, _seq, {', '.join(f'CAST({column} AS BLOB)' for column in columns)} "
            f"FROM {names.unindexed} WHERE rowid > ? ORDER BY rowid LIMIT {_AT_ONCE}"
        )

    def catch_up(self, connection: sqlite3.Connection) -> State | None:
        """Take out of the index what changed or went, and put in again what only changed; return its state.

        Raises:
            SinkError: The index is of another version.
        """
        made = state(connection, self._names)
        if made is None:
            return None
        if made.version != VERSION:
            raise SinkError(
                "the full-text index was made by another version of batchwright; update batchwright"
            )
        last, changed = 0, dict[int, None]()
        while rows := connection.execute(self._put_aside, (last,)).fetchall():
            last = rows[-1][0]
            # of a record that changed more than once, only the first of its texts is in the index
            first = {number: texts for _, number, *texts in reversed(rows) if number not in changed}
            terms = ((number, *map(_terms, texts)) for number, texts in first.items())
            connection.executemany(self._delete, terms)
            changed.update(dict.fromkeys(first))
        if not last:
            return made
        connection.execute(f"DELETE FROM {self._names.unindexed}")
        numbers = list(changed)
        for start in range(0, len(numbers), _PARAMETERS):
            page = numbers[start : start + _PARAMETERS]
            self._add(connection, f"_seq IN ({', '.join('?' * len(page))})", page)
        return made

    def add(self, connection: sqlite3.Connection, after: int, last: int) -> None:
        """Index the records behind `after`, up to `last`."""
        self._add(connection, "_seq > ? AND _seq <= ? ORDER BY _seq", (after, last))

    def fill(self, connection: sqlite3.Connection) -> int:
        """Index some of the records that are not in it yet; return how many. None: it is complete now."""
        made = self.catch_up(connection)
        if made is None or made.is_complete:
            return 0
        (last, count) = connection.execute(
            f"SELECT max(_seq), count(*) FROM (SELECT _seq FROM {self._names.records} WHERE _seq > ? "
            f"ORDER BY _seq LIMIT {_AT_ONCE})",
            (made.indexed,),
        ).fetchone()
        if count:
            self.add(connection, made.indexed, last)
        _note(connection, self._names, last if count else _ALL)
        return int(count)

    def definitions(self) -> Iterator[str]:
        """Yield the statements that create it, without records."""
        names, columns = self._names, self._columns
        # The terms have nothing but spaces between them: to this tokenizer whatever isn't ASCII is a letter.
        listed = ", ".join(columns)
        yield f"CREATE VIRTUAL TABLE {names.fts} USING fts5({listed}, content='', tokenize='ascii')"
        fts = names.plain["fts"].replace("'", "''")
        yield f"CREATE VIRTUAL TABLE {names.terms} USING fts5vocab('{fts}', 'row')"
        yield f"CREATE TABLE {names.unindexed} (_seq INTEGER NOT NULL, {', '.join(columns)})"
        indexed = f"old._seq <= (SELECT CAST(value AS INTEGER) FROM {names.meta} WHERE key = '{_INDEXED}')"
        old = ", ".join(f"old.{name}" for name in columns.values())
        put_aside = f"BEGIN INSERT INTO {names.unindexed} VALUES (old._seq, {old}); END"
        yield (
            f"CREATE TRIGGER {names.fts_update} AFTER UPDATE OF {', '.join(columns.values())} "
            f"ON {names.records} WHEN {indexed} {put_aside}"
        )
        yield f"CREATE TRIGGER {names.fts_delete} AFTER DELETE ON {names.records} WHEN {indexed} {put_aside}"
        # merge half as often as by default, and collect a batch before it is written: 20 % less time
        for setting, value in (("automerge", 8), ("hashsize", 8 * 2**20)):
            yield f"INSERT INTO {names.fts} ({names.fts_column}, rank) VALUES ('{setting}', {value})"

    def _add(self, connection: sqlite3.Connection, which: str, values: Sequence[int]) -> None:
        rows = connection.execute(self._read + which, values)
        connection.executemany(self._insert, ((number, *map(_terms, texts)) for number, *texts in rows))


def _terms(text: bytes | None) -> str:
    from batchwright.sinkkit.search.normal import normal  # a run that changes nothing needs none

    return "" if text is None else normal(text.decode("utf-8", "replace"))


def _note(connection: sqlite3.Connection, names: Names, indexed: int) -> None:
    connection.execute(f"UPDATE {names.meta} SET value = ? WHERE key = ?", (str(indexed), _INDEXED))
