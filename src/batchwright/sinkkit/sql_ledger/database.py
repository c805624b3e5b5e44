"""The database as a ledger needs it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol


class SqlDatabase(Protocol):
    """An open database: lends its connection, to one thread at a time.

    What it lends has `execute(text, values)`, which returns something with `fetchall()`, and
    `executemany(text, rows)`.
    """

    def reading(self) -> AbstractContextManager[Any]:
        """Lend a connection that sees what is committed; within a transaction, that of the transaction."""

    def transaction(self) -> AbstractContextManager[Any]:
        """Lend a connection in a transaction that commits at the end, and rolls back after any exception.

        Within a transaction of the same thread it joins that.
        """
