"""What the database really holds, whatever the ledger says."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from batchwright.builtin.sqlite.schema import SinkSchema
from batchwright.contracts.sink import Holding
from batchwright.errors import SinkError
from batchwright.model import chunk_id
from batchwright.sinkkit.sqlite.database import Database, explain
from batchwright.sinkkit.sqlite.schema import Names

_PAGE = 5_000
_LAST_INDEX = 0xFFFF_FFFF


def exists(path: Path, table: str) -> bool:
    """Tell whether there is a database with our tables, without making a file.

    Raises:
        SinkError: It can't be told, or the name is taken.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return False
    try:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=5.0)
        try:
            return SinkSchema(table, full_text=False).is_begun(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise SinkError(explain(error, path)) from error


def holdings(database: Database, names: Names) -> Iterator[Holding]:
    """Yield what is there of every document version, by id; some rows are read at a time."""
    for version, rows in groupby(_rows(database, names), key=lambda row: row[0]):
        count = damaged = 0
        for _, sound in rows:
            count += 1
            damaged += not sound
        yield Holding(version, count, damaged)


def sound(database: Database, names: Names, document_id: str) -> frozenset[str]:
    """Return the ids of the rows of a version whose text is the one of their hash."""
    span = chunk_id(document_id, 0), chunk_id(document_id, _LAST_INDEX)
    with database.reading() as connection:
        found = connection.execute(
            f"SELECT id, CAST(chunk_text AS BLOB), chunk_hash FROM {names.chunks} WHERE id BETWEEN ? AND ?",
            span,
        )
        return frozenset(identity for identity, text, digest in found if _is_sound(text, digest))


def _rows(database: Database, names: Names) -> Iterator[tuple[str, bool]]:
    """Yield version and soundness of each row, in the order of the index on `id`: nothing is sorted."""
    after = ""
    while True:
        with database.reading() as connection:
            page = [
                (identity, version, _is_sound(text, digest))
                for identity, version, text, digest in connection.execute(
                    f"SELECT id, document_id, CAST(chunk_text AS BLOB), chunk_hash FROM {names.chunks} "
                    f"WHERE id > ? ORDER BY id LIMIT ?",
                    (after, _PAGE),
                )
            ]
        if not page:
            return
        yield from ((version, is_sound) for _, version, is_sound in page)
        after = page[-1][0]


def _is_sound(text: bytes, digest: str) -> bool:
    return hashlib.sha256(text).hexdigest() == digest
