"""The transaction of a write.

A small batch is one pipeline without BEGIN: the server makes one transaction of it, which commits at its
end, with a snapshot for each statement, in one round trip. In a large one the rows go by COPY, which is
what Postgres takes fastest.

Rows are taken for new, which neither COPY nor a plain INSERT can do without. They are not where a run repeats
what another had begun. Then the key of the chunks is violated, nothing is stored, and the same write is made
again with an INSERT that updates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import psycopg

from batchwright.builtin.postgres import rows, statements
from batchwright.builtin.postgres.dialect import PostgresDialect
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.pipeline import Prepared, Statement, send
from batchwright.contracts.receipts import Receipt
from batchwright.model import ProcessedChunk
from batchwright.sinkkit.sql_ledger.ledger import now
from batchwright.sinkkit.sql_ledger.steps import Step, after_rows, before_rows

COPY_FROM_ROWS = 200
"""Rows from which on a batch goes by COPY. Measured faster at 256 and more; the exact crossover is open."""

Connection = psycopg.Connection[Any]

_BEGIN: Statement = (b"BEGIN ISOLATION LEVEL READ COMMITTED", ())
_COMMIT: Statement = (b"COMMIT", ())


class Writing:
    """Carries out receipts and stores rows.

    Args:
        names: The relations.
        dialect: How the steps of a receipt are said.
        check: Called between the parts of a write; raises where it was cancelled.
        prepare: Whether the server keeps the statements, for one connection.
    """

    def __init__(
        self, names: Names, dialect: PostgresDialect, check: Callable[[], None], *, prepare: bool
    ) -> None:
        self._dialect = dialect
        self._check = check
        self._prepared = Prepared() if prepare else None
        self._new_rows = names.statement(statements.NEW_ROWS).as_bytes(None)
        self._rows = names.statement(statements.ROWS).as_bytes(None)
        self._copy = names.statement(statements.COPY).as_bytes(None)

    def write(
        self, connection: Connection, chunks: Sequence[ProcessedChunk], receipt: Receipt, *, new: bool = True
    ) -> None:
        """Store the rows and carry out the receipt, in a transaction of its own on an idle connection.

        Args:
            connection: The connection.
            chunks: The rows.
            receipt: What commits with them.
            new: Whether none of the rows is there yet.

        Raises:
            IncompleteDocument: A guard found something that isn't as it should be.
            psycopg.errors.UniqueViolation: The receipt is stored already, another writer stored rows of this
                batch meanwhile, or they are not new.
        """
        at = now()
        before, after = list(before_rows(receipt, at)), list(after_rows(receipt, at))
        with self._dialect.explaining([*before, *after]):
            if new and len(chunks) >= COPY_FROM_ROWS:
                self._by_copy(connection, before, chunks, after)
                return
            insert = self._new_rows if new else self._rows
            stored = [(insert, rows.arrays(rows.encode(chunks)))] if chunks else []
            self._check()
            statements = self._dialect.statements
            send(connection, chain(statements(before), stored, statements(after)), self._prepared)

    def _by_copy(
        self, connection: Connection, before: list[Step], chunks: Sequence[ProcessedChunk], after: list[Step]
    ) -> None:
        send(connection, [_BEGIN, *self._dialect.statements(before)], self._prepared)
        with connection.cursor().copy(self._copy) as copy:
            for block in rows.copy_blocks(chunks):
                self._check()
                copy.write(block)
            finish = list(self._dialect.statements(after))  # while the server is busy with the rows
        self._check()
        send(connection, [*finish, _COMMIT], self._prepared)
