"""The built-in classifier: by SQLSTATE where a database gave one, else by the exception's type."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator

from batchwright.contracts.failure import Failure, Verdict
from batchwright.contracts.hookspecs import hookimpl
from batchwright.errors import BadRecords, ConfigError, SinkError
from batchwright.model import ErrorRecoveryAction

RETRY, SKIP, FAIL = ErrorRecoveryAction.RETRY, ErrorRecoveryAction.SKIP, ErrorRecoveryAction.FAIL

SQLSTATES: dict[str, tuple[ErrorRecoveryAction, str]] = {
    # five characters name a condition, two a class; the longer match wins
    "40001": (RETRY, "serialization failure"),
    "40P01": (RETRY, "deadlock"),
    "55P03": (RETRY, "lock not available"),
    "57014": (RETRY, "query cancelled or timed out"),
    "57P01": (RETRY, "server shuts down"),
    "57P02": (RETRY, "server crashed"),
    "57P03": (RETRY, "server can't take connections yet"),
    # a server that closes a session for the time it took says so with these: no fault of the data
    "57P05": (RETRY, "session closed for idling"),
    "25P03": (RETRY, "session closed for idling in a transaction"),
    "25P04": (RETRY, "transaction timed out"),
    "25006": (RETRY, "server takes no writes"),
    "53100": (RETRY, "disk is full"),
    "08": (RETRY, "connection lost"),
    "53": (RETRY, "server short of resources"),
    "58": (RETRY, "server's disk or system reports an error"),
    "22": (SKIP, "data that the database can't hold"),
    "54": (SKIP, "a value beyond a limit of the database"),
    "23": (FAIL, "integrity constraint violated"),
    "28": (FAIL, "not let in"),
    "42": (FAIL, "no such object, wrong statement or no privilege"),
    "3D": (FAIL, "no such database"),
}
"""What PostgreSQL's error codes (its manual, appendix A) mean for a batch."""

SQLITE_CODES: dict[int, tuple[ErrorRecoveryAction, str]] = {
    sqlite3.SQLITE_BUSY: (RETRY, "database is locked"),
    sqlite3.SQLITE_LOCKED: (RETRY, "table is locked"),
    sqlite3.SQLITE_INTERRUPT: (RETRY, "statement was interrupted"),
    sqlite3.SQLITE_PROTOCOL: (RETRY, "locking protocol race"),
    sqlite3.SQLITE_FULL: (RETRY, "disk is full"),
    sqlite3.SQLITE_IOERR: (RETRY, "disk I/O error"),
    sqlite3.SQLITE_READONLY: (RETRY, "file or disk is read-only"),
    sqlite3.SQLITE_CANTOPEN: (RETRY, "a file of the database can't be opened"),
    sqlite3.SQLITE_NOMEM: (RETRY, "out of memory"),
    sqlite3.SQLITE_TOOBIG: (SKIP, "value too large for SQLite"),
    sqlite3.SQLITE_MISMATCH: (SKIP, "value of a wrong type"),
}
"""Primary result codes of SQLite (its documentation, "Result and Error Codes")."""

HTTP_STATUSES: dict[int, tuple[ErrorRecoveryAction, str]] = {
    408: (RETRY, "timed out"),
    413: (SKIP, "too large"),  # the engine halves the batch first
    425: (RETRY, "too early"),
    429: (RETRY, "too many requests"),
}
"""What the status of an answer means (RFC 9110); 5xx is RETRY, every other one FAIL."""

REFUSED_TEXTS = frozenset({400, 422})
"""What an embedder answers to a text that it can't take, or to too many of them; there it is SKIP."""

FILE_ERRORS: dict[int, tuple[ErrorRecoveryAction, str]] = {
    errno.ENOSPC: (RETRY, "disk is full"),
    errno.EDQUOT: (RETRY, "quota of the disk is used up"),
    errno.EROFS: (RETRY, "disk is read-only"),
    errno.EIO: (RETRY, "disk reports an error"),
    errno.ESTALE: (RETRY, "file server forgot the file"),
    errno.EMFILE: (RETRY, "too many open files"),
    errno.ENFILE: (RETRY, "too many open files on this machine"),
}
"""What the operating system says of files, by errno."""


@hookimpl(trylast=True)
def classify_error(failure: Failure) -> Verdict:
    """Always answers; an unknown error is FAIL."""
    for error in failure.chain:
        if _is_a(error, "IntegrityError"):
            return Verdict(FAIL, "integrity constraint violated")
    if failure.sqlstate:
        for key in (failure.sqlstate, failure.sqlstate[:2]):
            if key in SQLSTATES:
                action, reason = SQLSTATES[key]
                return Verdict(action, f"{reason} (SQLSTATE {failure.sqlstate})")
        return Verdict(FAIL, f"SQLSTATE {failure.sqlstate} is not known to pass")
    if failure.http_status:
        return _by_http_status(failure.http_status, embeds=failure.phase == "embed")
    says_what_to_do = isinstance(failure.error, SinkError)
    for error in _deliberate_causes(failure.error):
        verdict = _by_type(error)
        if verdict:
            return verdict
        if not says_what_to_do and _is_out_of_reach(error):
            return Verdict(RETRY, "database out of reach")
    return Verdict(FAIL, "it says what to do" if says_what_to_do else "unknown error")


def _by_http_status(status: int, *, embeds: bool) -> Verdict:
    if embeds and status in REFUSED_TEXTS:
        return Verdict(SKIP, f"texts refused (HTTP status {status})")
    action, reason = HTTP_STATUSES.get(status, (FAIL, "refused"))
    if status >= 500:
        action, reason = RETRY, "the server failed"
    return Verdict(action, f"{reason} (HTTP status {status})")


def _by_type(error: BaseException) -> Verdict | None:
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int):
        action, reason = SQLITE_CODES.get(code & 0xFF, (FAIL, "SQLite error that won't pass"))
        return Verdict(action, reason)
    if isinstance(error, ConfigError):
        return Verdict(FAIL, "wrong settings")
    if isinstance(error, BadRecords):
        return Verdict(SKIP, "records that the sink can't store")
    if isinstance(error, TimeoutError):
        return Verdict(RETRY, "timed out")
    if isinstance(error, ConnectionError):
        return Verdict(RETRY, "connection lost")
    if isinstance(error, OSError) and error.errno in FILE_ERRORS:
        return Verdict(*FILE_ERRORS[error.errno])
    if isinstance(error, ValueError | TypeError) or _is_a(error, "DataError"):
        return Verdict(SKIP, "invalid data")
    return None


def _is_out_of_reach(error: BaseException) -> bool:
    """Tell whether the way to a server broke: it had no say, so there is no SQLSTATE.

    A sink that looked into the error knows better: one that passes it raises as a ConnectionError.
    """
    return _is_a(error, "OperationalError") and not isinstance(error, sqlite3.Error)


def _is_a(error: BaseException, name: str) -> bool:
    """Tell by name, since every DB-API driver has its own classes (PEP 249) and none need be installed."""
    return any(base.__name__ == name for base in type(error).__mro__)


def _deliberate_causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and what it was raised from; not what was merely being handled at the time."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        orig = getattr(current, "orig", None)
        current = current.__cause__ or (orig if isinstance(orig, BaseException) else None)
