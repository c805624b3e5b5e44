"""The transaction of a write.

A small batch is one pipeline without BEGIN, as a rule of one statement that calls functions: the server makes
one transaction of it, which commits at its end, with a snapshot for each statement, also of those in
functions, in one round trip. Where the role's defaults are others, or settings are given, BEGIN and COMMIT go
along. In a large one the rows go by COPY, which is what Postgres takes fastest.

Rows are taken for new, which neither COPY nor a plain INSERT can do without. They are not where a run repeats
what another had begun. Then the key of the rows is violated, nothing is stored, and the same write is made
again with an INSERT that updates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import psycopg

from batchwright.builtin.postgres.dialect import PostgresDialect
from batchwright.builtin.postgres.encoding import BinaryArray
from batchwright.builtin.postgres.functions import Functions, Parameters
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.builtin.postgres.opening import Opening
from batchwright.builtin.postgres.pipeline import Statement, send
from batchwright.builtin.postgres.rows import Rows, held
from batchwright.builtin.postgres.statements import Statements
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.records import Placed
from batchwright.sinkkit.sql_ledger.ledger import now
from batchwright.sinkkit.sql_ledger.steps.receipt import after_rows, before_rows
from batchwright.sinkkit.sql_ledger.steps.step import Step

COPY_FROM_ROWS = 200
"""Rows from which on a batch goes by COPY. Measured faster at 256 and more; the exact crossover is open."""

Connection = psycopg.Connection[Any]

_COMMIT: Statement = (b"COMMIT", ())


class Writing:
    """Carries out receipts and stores rows.

    Args:
        names: The relations.
        rows: What the rows are.
        dialect: How the steps of a receipt are said.
        functions: What carries out most of them; None where they are not to be had.
        opening: How transactions are opened.
        check: Called between the parts of a write; raises where it was cancelled.
        encoding: The database's: rejects are kept even where it can't hold their names.
    """

    def __init__(
        self,
        names: Names,
        rows: Rows,
        dialect: PostgresDialect,
        functions: Functions | None,
        opening: Opening,
        check: Callable[[], None],
        encoding: ServerEncoding,
    ) -> None:
        self._kind = rows
        self._dialect = dialect
        self._functions = functions
        self._idling = opening.idling
        self._usual = opening.usual
        self._opening: list[Statement] = [(text, ()) for text in opening.write]
        self._check = check
        self._encoding = encoding
        statements = Statements(rows.record_type, rows.columns)
        self._new_rows = names.statement(statements.new_rows()).as_bytes(None)
        self._rows = names.statement(statements.rows).as_bytes(None)
        self._copy = names.statement(statements.copy).as_bytes(None)

    def write(
        self, connection: Connection, records: Sequence[Placed], receipt: Receipt, *, new: bool = True
    ) -> None:
        """Store the rows and carry out the receipt, in a transaction of its own on an idle connection.

        Args:
            connection: The connection.
            records: The rows.
            receipt: What commits with them.
            new: Whether none of the rows is there yet.

        Raises:
            IncompleteDocument: A guard found something that isn't as it should be.
            psycopg.errors.UniqueViolation: The receipt is stored already, another writer stored rows of this
                batch meanwhile, or they are not new.
        """
        at = now()
        there = held(records) if receipt.publications else {}
        before = list(before_rows(receipt, at))
        after = self._encoding.kept([*after_rows(receipt, at, held=there)])
        with self._dialect.explaining([*before, *after]):
            if new and len(records) >= COPY_FROM_ROWS:
                self._by_copy(connection, before, records, after)
                return
            stored = self._kind.arrays(self._kind.encode(records)) if records else []
            self._check()
            statements = self._together(before, stored, after, new=new)
            send(connection, statements if self._usual else [*self._opening, *statements, _COMMIT])

    def without_functions(self) -> bool:
        """Send all as statements from now on, since a function was dropped; tell whether that is new."""
        had, self._functions = self._functions is not None, None
        return had

    def _together(
        self, before: Sequence[Step], stored: Sequence[BinaryArray], after: Sequence[Step], *, new: bool
    ) -> Iterator[Statement]:
        """Yield the statements of a whole write; with the functions it is one, as a rule."""
        parameters = Parameters()
        call = self._functions.before(before, parameters) if self._functions else None
        if call is None:
            yield from self._dialect.statements(before)
        elif stored:
            joined = self._functions.rows(call, stored, parameters) if self._functions and new else None
            if joined:
                call, stored = joined, ()
            else:
                yield _select(call, parameters)
                call, parameters = None, Parameters()
        if stored:
            yield (self._new_rows if new else self._rows), stored
        yield from self._rest(call, after, parameters)

    def _rest(self, call: str | None, after: Sequence[Step], parameters: Parameters) -> Iterator[Statement]:
        """Yield the statements of what comes after the rows, and of the call that is to be made before."""
        whole = self._functions.after(call, after, parameters) if self._functions and after else None
        if whole or call:
            yield _select(whole or call or "", parameters)
        if not whole:
            yield from self._dialect.statements(after)

    def _by_copy(
        self, connection: Connection, before: list[Step], records: Sequence[Placed], after: list[Step]
    ) -> None:
        parameters = Parameters()
        call = self._functions.before(before, parameters) if self._functions else None
        # Only here does the server wait for us within a transaction: elsewhere all is sent in one go.
        first: Iterable[Statement] = [_select(f"{call}, {self._idling}", parameters)]
        if call is None:
            first = chain(self._dialect.statements(before), [(f"SELECT {self._idling}".encode(), ())])
        results = send(connection, [*self._opening, *first])
        found = (results[-1].get_value(0, 0) or b"").decode() if call else None
        with connection.cursor().copy(self._copy) as copy:
            for block in self._kind.copy_blocks(records):
                self._check()
                copy.write(block)
            finish = list(self._rest(found, after, Parameters()))  # while the server is busy with the rows
        self._check()
        send(connection, [*finish, _COMMIT])


def _select(call: str, parameters: Parameters) -> Statement:
    return f"SELECT {call}".encode(), parameters.values
