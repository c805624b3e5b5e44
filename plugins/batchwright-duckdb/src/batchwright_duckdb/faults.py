"""What DuckDB's errors mean: to an operator in words, and to the engine as a verdict.

Errors are known by the names of their classes, so that nothing here imports DuckDB: this module is loaded
whenever batchwright starts, whatever the target.
"""

from __future__ import annotations

from pathlib import Path

from batchwright import ErrorRecoveryAction, Failure, Verdict

RETRY, SKIP, FAIL = ErrorRecoveryAction.RETRY, ErrorRecoveryAction.SKIP, ErrorRecoveryAction.FAIL

VERDICTS: dict[str, tuple[ErrorRecoveryAction, str]] = {
    "InterruptException": (RETRY, "statement was interrupted"),
    "TransactionException": (RETRY, "transactions got in each other's way"),
    "FatalException": (RETRY, "DuckDB gave the database up; it is opened anew"),
    "OutOfMemoryException": (RETRY, "out of memory"),
    "IOException": (RETRY, "disk full, or the disk reports an error"),
    "ConstraintException": (FAIL, "constraint violated"),
    "DataError": (SKIP, "data that DuckDB can't hold"),
}
"""By class, the nearest first."""


def names_of(error: BaseException) -> list[str]:
    """Return the names of the error's classes, the nearest first; none where it isn't DuckDB's."""
    if type(error).__module__ not in ("duckdb", "_duckdb"):
        return []
    return [kind.__name__ for kind in type(error).__mro__]


def judge(failure: Failure) -> Verdict | None:
    """Return what is known of the first error of DuckDB in the chain."""
    for error in failure.chain:
        for name in names_of(error):
            if name in VERDICTS:
                action, reason = VERDICTS[name]
                return Verdict(action, reason)
    return None


def is_locked(error: BaseException) -> bool:
    """Tell whether another process has the file."""
    return "IOException" in names_of(error) and "lock on file" in str(error)


def holder(error: BaseException) -> str:
    """Return the process that has the file, in words, as far as DuckDB says."""
    pid = " ".join(str(error).split()).partition("(PID ")[2].partition(")")[0]
    return f"process {pid}" if pid else "another process"


def explain(error: BaseException, path: Path) -> str:
    """Say what is wrong with the database at `path`, and what to do about it."""
    text = " ".join(str(error).split())
    if is_locked(error):
        return (
            f"{path} is in use by {holder(error)}; DuckDB lets in one process at a time: wait for its end, "
            "as with --wait SECONDS, then try again"
        )
    for sign, advice in _SIGNS:
        if sign in text:
            return f"{path} {advice}"
    return f"{path} can't be used: {text}"


_SIGNS = (
    ("not a valid DuckDB database", "is not a DuckDB database; choose another file"),
    ("sqlite", "is a SQLite database, not one of DuckDB; choose another file"),
    ("different configuration", "is open in this process with other settings; close it there first"),
    ("Permission denied", "can't be opened; make the file and its folder readable and writable"),
    ("Read-only file system", "can't be written to; choose a file on another disk"),
    ("No space left", "can't grow: the disk is full; make room, then run again"),
    ("newer version of DuckDB", "was made by a newer DuckDB; update the package duckdb"),
    ("older version of DuckDB", "was made by an older DuckDB; export it there, and import it here"),
)
