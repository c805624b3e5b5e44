"""What went wrong, as a classifier receives it, and its answer."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Literal

from batchwright.contracts.http_answers import attribute, retry_after_of, status_of
from batchwright.model import Batch, ErrorRecoveryAction
from batchwright.values import dataclass

Phase = Literal["open", "write", "ledger", "process", "read", "embed"]
"""What was going on: opening the sink, writing a batch, using the ledger, a program's own callable, or
fetching an item from its source."""


@dataclass(frozen=True)
class Failure:
    """A failure to be classified.

    Attributes:
        error: The exception.
        batch: The batch it happened to, or None.
        attempt: Which attempt failed, from 1.
        phase: What was going on; process is a callable given to `process_batch_with_retry`.
    """

    error: BaseException
    batch: Batch[Any] | None = None
    attempt: int = 1
    phase: Phase = "write"

    @cached_property
    def chain(self) -> tuple[BaseException, ...]:
        """The exception, then its causes: ``__cause__``, ``__context__`` unless suppressed, or ``orig``.

        ``orig`` is where SQLAlchemy keeps a driver's exception. A chain that loops is cut.
        """
        return tuple(_causes(self.error))

    @cached_property
    def sqlstate(self) -> str | None:
        """The first SQLSTATE in the chain (``sqlstate`` of psycopg and asyncpg, ``pgcode`` of psycopg2)."""
        return self._first_str("sqlstate", "pgcode")

    @cached_property
    def http_status(self) -> int | None:
        """The first HTTP status in the chain, as httpx, requests, aiohttp, urllib and botocore have it."""
        return next((status for error in self.chain if (status := status_of(error)) is not None), None)

    @cached_property
    def retry_after(self) -> float | None:
        """Seconds that the other side asks to wait: ``retry_after``, or the header Retry-After; else None."""
        return next((wait for error in self.chain if (wait := retry_after_of(error)) is not None), None)

    @cached_property
    def is_read_only(self) -> bool:
        """Whether the sink refuses every write: a standby (SQLSTATE 25006), a read-only file or disk."""
        return self.sqlstate == "25006" or any(
            getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
            or (isinstance(error, OSError) and error.errno == errno.EROFS)
            for error in self.chain
        )

    def _first_str(self, *names: str) -> str | None:
        for error in self.chain:
            for name in names:
                value = attribute(error, name)
                if isinstance(value, str) and value:
                    return value
        return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        cause = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
        orig = attribute(current, "orig")
        current = cause or (orig if isinstance(orig, BaseException) else None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a classifier decides about a failure.

    Attributes:
        action: What to do.
        reason: Why, for the log and the reject.
        wait: Seconds to wait before the retry, in place of the schedule's; None for the schedule's, or for
            what the other side asks for (`Failure.retry_after`). Such a wait uses up no retry, and does not
            count towards ``batch_timeout``; all of a batch together are bounded by ``max_outage``.
    """

    action: ErrorRecoveryAction
    reason: str = ""
    wait: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and the name of the plugin that gave it."""

    verdict: Verdict
    decided_by: str

    @property
    def action(self) -> ErrorRecoveryAction:
        """What to do."""
        return self.verdict.action


def class_and_message(error: BaseException, describe: Callable[[BaseException], str]) -> str:
    """Return the short name of the error's class, and what the error says.

    Args:
        error: The error.
        describe: Returns its message without secrets.
    """
    name, message = type(error).__name__, describe(error)
    return name if message == name else f"{name}: {message}"


def dotted_name(error: BaseException) -> str:
    """Return the exception's class with its module."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
