"""Open a database file that this process may read, but not write."""

from __future__ import annotations

import os
from pathlib import Path


def read_only_uri(path: Path) -> str | None:
    """Return the URI that opens a file which can't be written to; None where it can be.

    In WAL mode SQLite creates a log beside the file, even for readers. If it can't, and there is no log, no
    writer has the file open, and `immutable=1` is safe: SQLite then assumes that the file does not change.
    """
    if _may(path, os.W_OK) and _may(path.parent, os.W_OK):
        return None
    log = path.with_name(f"{path.name}-wal")
    return f"{path.as_uri()}?{'mode=ro' if log.exists() else 'immutable=1'}"


def is_for_reading(path: Path) -> bool:
    """Tell whether this process may read what is there, but not write to it."""
    return _may(path, os.R_OK) and not _may(path, os.W_OK)


def _may(path: Path, what: int) -> bool:
    return os.access(path, what, effective_ids=os.access in os.supports_effective_ids)
