"""The transaction of a write.

A small batch is one pipeline without BEGIN: the server makes one transaction of it, which commits at its
end, with a snapshot for each statement, in one round trip. In a large one the rows go by COPY, which is
what Postgres takes fastest but which can't update. So the write looks first, under its locks, whether any
of the rows is there. That is so only where a run repeats what another had begun; then an INSERT, which
updates, takes large batches as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import psycopg

from batchwright.builtin.postgres import rows, statements
from batchwright.builtin.postgres.dialect import SETTINGS, PostgresDialect
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.pipeline import Statement, send
from batchwright.contracts.receipts import Receipt
from batchwright.model import ProcessedChunk
from batchwright.sinkkit.sql_ledger.ledger import now
from batchwright.sinkkit.sql_ledger.steps import Step, after_rows, before_rows

COPY_FROM_ROWS = 200
"""Rows from which on a batch goes by COPY. Measured faster at 256 and more; the exact crossover is open."""

Connection = psycopg.Connection[Any]

_BEGIN: Statement = (b"BEGIN ISOLATION LEVEL READ COMMITTED", ())
_SETTINGS: Statement = (SETTINGS.encode(), ())
_COMMIT: Statement = (b"COMMIT", ())


class Writing:
    """Carries out receipts and stores rows.

    Args:
        names: The relations.
        dialect: How the steps of a receipt are said.
        check: Called between the parts of a write; raises where it was cancelled.
    """

    def __init__(self, names: Names, dialect: PostgresDialect, check: Callable[[], None]) -> None:
        self._dialect = dialect
        self._check = check
        self._rows = names.statement(statements.ROWS).as_bytes(None)
        self._untouched = names.statement(statements.UNTOUCHED).as_bytes(None)
        self._copy = names.statement(statements.COPY).as_bytes(None)

    def write(self, connection: Connection, chunks: Sequence[ProcessedChunk], receipt: Receipt) -> None:
        """Store the rows and carry out the receipt, in a transaction of its own on an idle connection.

        Raises:
            IncompleteDocument: A guard found something that isn't as it should be.
            psycopg.errors.UniqueViolation: The receipt is stored already, or another writer stored rows
                of this batch meanwhile.
        """
        at = now()
        before, after = list(before_rows(receipt, at)), list(after_rows(receipt, at))
        with self._dialect.explaining([*before, *after]):
            if len(chunks) < COPY_FROM_ROWS:
                self._in_one_go(connection, before, chunks, after)
            else:
                self._by_copy(connection, before, chunks, after)

    def _in_one_go(
        self, connection: Connection, before: list[Step], chunks: Sequence[ProcessedChunk], after: list[Step]
    ) -> None:
        stored = [(self._rows, rows.arrays(rows.encode(chunks)))] if chunks else []
        self._check()
        send(
            connection,
            chain([_SETTINGS], self._dialect.statements(before), stored, self._dialect.statements(after)),
        )

    def _by_copy(
        self, connection: Connection, before: list[Step], chunks: Sequence[ProcessedChunk], after: list[Step]
    ) -> None:
        asked = (self._untouched, rows.spans(chunks))
        *_, untouched = send(connection, [_BEGIN, _SETTINGS, *self._dialect.statements(before), asked])
        statements: list[Statement] = []
        if untouched.get_value(0, 0) == b"t":
            with connection.cursor().copy(self._copy) as copy:
                for block in rows.copy_blocks(chunks):
                    self._check()
                    copy.write(block)
        else:
            statements.append((self._rows, rows.arrays(rows.encode(chunks))))
        self._check()
        send(connection, [*statements, *self._dialect.statements(after), _COMMIT])
