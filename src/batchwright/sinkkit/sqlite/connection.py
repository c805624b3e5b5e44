"""A connection of sqlite3 that lets go of statements which are half read."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable
from typing import Any


class Connection(sqlite3.Connection):
    """A connection that can close its cursors, whoever holds them.

    SQLite interrupts all that follows an interrupt, a ROLLBACK too, for as long as a statement is half read;
    and its cursor may be held by the traceback of the very error that the interrupt led to.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cursors = weakref.WeakSet[sqlite3.Cursor]()

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        """Make a cursor."""
        made = super().cursor(*args, **kwargs)
        self._cursors.add(made)
        return made

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Execute one statement on a new cursor."""
        made: sqlite3.Cursor = self.cursor()
        return made.execute(sql, parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        """Execute one statement for each of `parameters` on a new cursor."""
        made: sqlite3.Cursor = self.cursor()
        return made.executemany(sql, parameters)

    def close_cursors(self) -> None:
        """Close all that are left; who reads on from one gets a ProgrammingError."""
        for cursor in list(self._cursors):
            cursor.close()
