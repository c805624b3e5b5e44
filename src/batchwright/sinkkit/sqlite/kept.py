"""Connections to a file with many relations, which the stores of these use one after the other."""

from __future__ import annotations

import threading

from batchwright.sinkkit.sqlite.connection import Connection
from batchwright.sinkkit.sqlite.database import Database


class Catalogued(Connection):
    """A connection that knows what there is in the file, as of the version that it has of the schema."""

    _version = -1
    _objects: dict[str, str] = {}  # noqa: RUF012 - replaced, never changed

    def objects(self) -> dict[str, str]:
        """Return the type of every table, view, index and trigger, by its name in lower case."""
        ((version,),) = self.execute("PRAGMA schema_version").fetchall()
        if version != self._version:
            found = self.execute("SELECT lower(name), type FROM sqlite_master")
            self._objects, self._version = dict(found), version
        return self._objects


class KeptDatabases:
    """The connections of the relations of one file.

    Each new connection parses the whole schema: with 200 relations that is 50 ms of CPU, and as much again to
    look for the tables of one. So a connection that a store gives back is kept for the next store, as long as
    another one is open; the last one closes them all.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_use = 0
        self._idle: list[Database] = []

    def take(self) -> Database | None:
        """Return a connection that nobody uses, if there is one; `give_back` it or another in the end."""
        with self._lock:
            self._in_use += 1
            return self._idle.pop() if self._idle else None

    def give_back(self, database: Database) -> None:
        """Keep a connection for the next one, or close it."""
        with self._lock:
            self._in_use -= 1
            if self._in_use and database.is_at_rest:
                self._idle.append(database)
                return
            left = [] if self._in_use else self._idle
            if left:
                self._idle = []
        for one in (database, *left):
            one.close()
