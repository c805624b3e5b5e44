"""Errors that say outright that a sink has no room, or takes no writes: no batch is at fault for them."""

from __future__ import annotations

import errno
import sqlite3

from batchwright.contracts.failure import Failure

_NUMBERS = frozenset({errno.ENOSPC, errno.EDQUOT})
_WORDS = "no space left on device"


def lacks_room(error: BaseException) -> bool:
    """Tell whether a write failed for a disk that is full, a quota that is used up, or a read-only sink."""
    failure = Failure(error)
    return failure.sqlstate == "53100" or failure.is_read_only or any(map(_is_full, failure.chain))


def _is_full(error: BaseException) -> bool:
    return (
        (isinstance(error, OSError) and error.errno in _NUMBERS)
        or getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
        or _WORDS in str(error).lower()  # drivers that keep no number
    )
