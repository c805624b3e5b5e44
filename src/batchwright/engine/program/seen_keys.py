"""The keys that a program brought in one call, on disk: memory does not grow with them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

CACHE_KIB = 8 * 1024
"""Of the file, in memory."""


class SeenKeys:
    """Keys with their positions, and the documents that are gone, in a temporary file that SQLite deletes.

    Attributes:
        nameless: How many records came without a key.
    """

    def __init__(self) -> None:
        self.nameless = 0
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._file.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, position INTEGER) WITHOUT ROWID")
        self._file.execute("CREATE TABLE gone (key BLOB, document_id TEXT)")
        self._file.execute("BEGIN")

    def add(self, keys: Sequence[tuple[str, int]]) -> dict[int, int]:
        """Remember keys with their positions; return the first position of each key that was there already.

        Args:
            keys: The keys, in the order of their positions; empty ones are counted, and never the same.

        Returns:
            The position of the first record with the same key, by that of the later one.
        """
        rows = [(_encoded(key), position) for key, position in keys if key]
        self.nameless += len(keys) - len(rows)
        before = self._file.total_changes
        self._file.executemany("INSERT INTO seen VALUES (?, ?) ON CONFLICT DO NOTHING", rows)
        if self._file.total_changes - before == len(rows):
            return {}
        found = ((position, self._position(key)) for key, position in rows)
        return {position: first for position, first in found if first != position}

    def __contains__(self, key: str) -> bool:
        return self._file.execute("SELECT 1 FROM seen WHERE key = ?", (_encoded(key),)).fetchone() is not None

    def note_gone(self, key: str, document_id: str) -> None:
        """Remember a document, by key and version, that the program did not bring."""
        self._file.execute("INSERT INTO gone VALUES (?, ?)", (_encoded(key), document_id))

    def gone(self, at_once: int) -> Iterator[list[tuple[str, str]]]:
        """Yield the documents that are gone, some at a time."""
        rows = self._file.execute("SELECT key, document_id FROM gone")
        while page := rows.fetchmany(at_once):
            yield [(key.decode("utf-8", "surrogatepass"), document_id) for key, document_id in page]

    def close(self) -> None:
        """Delete the file."""
        self._file.close()

    def _position(self, key: bytes) -> int:
        [position] = self._file.execute("SELECT position FROM seen WHERE key = ?", (key,)).fetchone()
        return int(position)


def _encoded(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
