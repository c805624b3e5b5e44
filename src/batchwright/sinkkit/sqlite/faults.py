"""SQLite's errors: what is wrong with a database file, and what to do about it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from batchwright.errors import SinkError
from batchwright.sinkkit.columns import FEWER_COLUMNS


def is_busy(error: sqlite3.Error) -> bool:
    """Tell whether another connection holds a lock."""
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_unwritable(error: sqlite3.Error) -> bool:
    """Tell whether the file may only be read."""
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY


def explain(error: sqlite3.Error, path: Path) -> str:
    """Say what is wrong with the database at `path`, and what to do about it."""
    code = getattr(error, "sqlite_errorcode", None)
    reason = _REASONS.get(code & 0xFF if isinstance(code, int) else -1)
    advice = f"; {FEWER_COLUMNS}" if "too many columns" in str(error) else ""
    return f"{path} {reason}" if reason else f"{path} can't be used: {error}{advice}"


NOT_WRITABLE = "can't be written to; make the file and its folder writable, or choose another file"
_LOCKED = "is locked by another program; wait until it is done, or raise busy_timeout"
_REASONS = {
    sqlite3.SQLITE_CANTOPEN: "can't be opened; check that you may read and write the file and its folder",
    sqlite3.SQLITE_READONLY: NOT_WRITABLE,
    sqlite3.SQLITE_PERM: NOT_WRITABLE,
    sqlite3.SQLITE_NOTADB: "is not a SQLite database (or is encrypted); choose another file",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore it from a backup, or load into a new file",
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: "can't grow: the disk is full; make room, then run again",
    sqlite3.SQLITE_IOERR: "can't be read or written: the disk reports an error; check it, and for free space",
}


def check_no_folder(path: Path) -> None:
    """Refuse a folder where a file is to be named.

    Raises:
        SinkError: It is one.
    """
    if path.is_dir():
        raise SinkError(f"{path} is a folder; name a file, as in {path / 'batchwright.db'}")
