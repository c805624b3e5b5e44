"""The options of the SQLite sink, and the path in its URL."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from batchwright.contracts.sink import SinkOptions
from batchwright.sinkkit.local_path import local_path


class SqliteOptions(SinkOptions):
    """Options of the SQLite sink.

    Attributes:
        table: The published view; the sink's own tables have this name with an underscore and a suffix. By
            default it is called as the record type is; for chunks ``knowledge_base``.
        full_text: Whether there is a full-text index. Turned on for a database that has rows, it is built
            by `open`; turned off, `open` drops it. Where there is one, every write keeps it in step.
        busy_timeout: Seconds to wait while another connection writes.
        synchronous: What a commit withstands. With both, a commit survives the death of the process, and the
            file stays sound whatever happens. ``normal`` makes all durable against a loss of power when a
            run ends; one in between takes the last batches together with their receipts, so that the next
            run loads them again. ``full`` makes every batch durable at once, for an fsync each (at 32
            records a batch that left 89 % of the speed on a quiet disk and 31 % on a busy one; from 1,000
            on nearly all).
    """

    table: str | None = None
    full_text: bool = True
    busy_timeout: float = Field(default=30.0, ge=0, le=86_400, allow_inf_nan=False)
    synchronous: Literal["normal", "full"] = "normal"

    @field_validator("table")
    @classmethod
    def _usable_name(cls, name: str | None) -> str | None:
        return None if name is None else checked_table(name)


def checked_table(name: str) -> str:
    """Return the name of a table.

    Raises:
        ValueError: SQLite can't have it.
    """
    if not name.strip():
        raise ValueError("the table needs a name")
    if name.lower().startswith("sqlite_"):
        raise ValueError("SQLite keeps names that begin with 'sqlite_' for itself; choose another table name")
    if "\0" in name or any("\ud800" <= character <= "\udfff" for character in name):
        raise ValueError("a table name can't hold NUL or a lone surrogate; choose another table name")
    return name


def database_path(url: str) -> Path:
    """Return the file that a URL names, absolute; a relative one counts from the working directory.

    Raises:
        ConfigError: The URL names no file. The message doesn't show the URL, which may hold a password.
    """
    return local_path(url, SqliteOptions, "kb.db", reserved=(":memory:", "file:"))
