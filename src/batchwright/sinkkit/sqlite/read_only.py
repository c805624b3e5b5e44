"""Open a database file that this process may read, but not write."""

from __future__ import annotations

import os
from pathlib import Path


def read_only_uri(path: Path) -> str | None:
    """Return the URI that opens a file which can't be written to; None where it can be.

    In WAL mode SQLite creates a log beside the file, even for readers. If it can't, and there is no log, no
    writer has the file open, and `immutable=1` is safe: SQLite then assumes that the file does not change.
    """
    if _is_writable(path) and _is_writable(path.parent):
        return None
    log = path.with_name(f"{path.name}-wal")
    return f"{path.as_uri()}?{'mode=ro' if log.exists() else 'immutable=1'}"


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
