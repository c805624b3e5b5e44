"""The transaction of a write.

A small batch is one pipeline without BEGIN, as a rule of one statement that calls functions: the server makes
one transaction of it, which commits at its end, with a snapshot for each statement, also of those in
functions, in one round trip. Where the role's defaults are others, or settings are given, BEGIN and COMMIT go
along. In a large one the rows go by COPY, which is what Postgres takes fastest; the end of the transaction is
sent together with the end of the rows. While the server works, the rows of the next batch are encoded.

Rows are taken for new, which neither COPY nor a plain INSERT can do without. They are not where a run repeats
what another had begun. Then the key of the rows is violated, nothing is stored, and the same write is made
again with an INSERT that updates.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import psycopg
from psycopg import errors

from batchwright.builtin.postgres import copying
from batchwright.builtin.postgres.ahead import Ahead
from batchwright.builtin.postgres.dialect import PostgresDialect
from batchwright.builtin.postgres.encoding import INT8, BinaryArray
from batchwright.builtin.postgres.functions import REST, Functions
from batchwright.builtin.postgres.keyed_rows import KEY, KeyedRows
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.opening import Opening
from batchwright.builtin.postgres.pipeline import Statement, send
from batchwright.builtin.postgres.rows import Column, Fields, Rows, held
from batchwright.builtin.postgres.statements import Statements
from batchwright.builtin.postgres.vector_tables import Numbers
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.rows import Placed
from batchwright.sinkkit.sql_ledger.ledger import now
from batchwright.sinkkit.sql_ledger.steps.receipt import ReceiptSteps
from batchwright.sinkkit.sql_ledger.steps.step import Step
from batchwright.sinkkit.vectors.keys import kept

COPY_FROM_ROWS = 200
"""Rows from which on a batch goes by COPY. Measured faster at 256 and more; the exact crossover is open."""

Connection = psycopg.Connection[Any]

_COMMIT: Statement = (b"COMMIT", ())


class _Stored:
    """How rows are stored: the statements, and the rows in the form that they take."""

    def __init__(self, names: Names, rows: Rows, columns: Sequence[Column]) -> None:
        statements = Statements(rows.record_type, columns)
        self.new_rows = names.statement(statements.new_rows()).as_bytes(None)
        self.rows = names.statement(statements.rows).as_bytes(None)
        self.copy = names.statement(statements.copy).as_bytes(None)
        self._kind = rows
        self._keyed: KeyedRows | None = None

    def with_keys(self, keys: Sequence[bytes]) -> _Stored:
        """Return the same for a batch with these keys."""
        stored = copy.copy(self)
        stored._keyed = KeyedRows(self._kind, keys)
        return stored

    def arrays(self, blocks: Iterable[Fields]) -> list[BinaryArray]:
        """Return the columns as arrays."""
        return (self._keyed or self._kind).arrays(blocks)

    def copy_blocks(self, blocks: Iterable[Fields]) -> Iterator[bytes]:
        """Return the rows as COPY wants them."""
        return (self._keyed or self._kind).copy_blocks(blocks)


class Writing:
    """Carries out receipts and stores rows.

    Args:
        names: The relations.
        rows: What the rows are.
        dialect: How the steps of a receipt are said.
        opening: How transactions are opened.
        cancelled: Asked between the parts of a write: whether it was cancelled.
        create: Whether the first write makes functions that are missing, if the role may.
        counts: Whether the server counts the rows of each document, since it may have left some out.

    Attributes:
        announce: Takes the records of the write after the next, as far as is known.
    """

    def __init__(
        self,
        names: Names,
        rows: Rows,
        dialect: PostgresDialect,
        opening: Opening,
        cancelled: Callable[[], bool],
        *,
        create: bool,
        counts: bool,
    ) -> None:
        self._kind = rows
        self._ahead = Ahead(rows)
        self.announce = self._ahead.announce
        self._dialect = dialect
        self._functions: dict[bool, Functions | None] = {}  # by whether rows have the keys of vectors
        self._creates = create
        self._copies = True
        self._names = names
        self._opened = opening
        self._idling = opening.idling
        self._usual = opening.usual
        self._opening: list[Statement] = [(text, ()) for text in opening.write]
        self._cancelled = cancelled
        self._counts = counts
        self._plain = _Stored(names, rows, rows.columns)
        self._keyed = _Stored(names, rows, (*rows.columns, KEY))
        self._numbers = Numbers(names, dialect)
        widening = Statements(rows.record_type, rows.columns).widening
        self._widening: list[Statement] = [
            (names.statement(text).as_bytes(None), ()) for text in filter(None, [widening])
        ]

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
        vectors = self._numbers.are_there(connection) if receipt.embedded or receipt.purge else False
        stored = self._stored(connection, receipt)
        functions = self._found(connection, embedded=stored is not self._plain)
        steps = ReceiptSteps(receipt, now(), vectors=vectors)
        there = held(records) if receipt.publications and not self._counts else {}
        kept = self._dialect.encoding.kept
        before, after = kept([*steps.before_rows()]), kept([*steps.after_rows(there)])
        with self._dialect.explaining([*before, *after]):
            if new and self._copies and len(records) >= COPY_FROM_ROWS:
                self._by_copy(connection, before, records, after, stored, functions)
                return
            arrays = stored.arrays(self._ahead.blocks(records)) if records else []
            self._check()
            statements = self._statements(before, arrays, after, stored, functions, new=new)
            whole = statements if self._usual else [*self._opening, *statements, _COMMIT]
            send(connection, whole, self._encode_ahead)

    def without_copy(self) -> bool:
        """Send no rows by COPY from now on, which row-level security forbids; tell whether that is new."""
        had, self._copies = self._copies, False
        return had

    def without_functions(self) -> bool:
        """Send all as statements from now on, since a function was dropped; tell whether that is new."""
        had, self._functions = any(self._functions.values()), dict.fromkeys((False, True))
        return had

    def _found(self, connection: Connection, *, embedded: bool) -> Functions | None:
        """Return what carries out most receipts; None where it isn't there, or not for this role."""
        if embedded not in self._functions:
            made = Functions(self._names, self._dialect, self._kind, embedded=embedded)
            is_there = made.installed(connection, self._opened, create=self._creates)
            self._functions[embedded] = made if is_there else None
        return self._functions[embedded]

    def _stored(self, connection: Connection, receipt: Receipt) -> _Stored:
        """Return how the rows are stored: with the keys of their vectors, or without."""
        if receipt.embedded is None or self._kind.record_type.text is None:
            return self._plain
        number = self._numbers.of(connection, receipt.embedded.model)
        return self._keyed.with_keys([*kept(receipt.embedded.keys, number)])

    def _statements(
        self,
        before: Sequence[Step],
        arrays: Sequence[BinaryArray],
        after: Sequence[Step],
        stored: _Stored,
        functions: Functions | None,
        *,
        new: bool,
    ) -> Iterator[Statement]:
        """Yield the statements of a whole write; with the functions it is one, as a rule."""
        whole = functions.write(before, arrays, after) if functions and new else None
        if whole:
            yield whole
            return
        opening, rest = self._around(functions, before, after)
        yield from opening
        if arrays:
            yield (stored.new_rows if new else stored.rows), arrays
        yield from rest

    def _by_copy(
        self,
        connection: Connection,
        before: Sequence[Step],
        records: Sequence[Placed],
        after: Sequence[Step],
        stored: _Stored,
        functions: Functions | None,
    ) -> None:
        opening, rest = self._around(functions, before, after)
        # Only here does the server wait for us within a transaction: elsewhere all is sent in one go.
        waiting: Statement = (f"SELECT {self._idling}".encode(), ())
        results = send(connection, [*self._opening, waiting, *self._widening, *opening])
        is_wider = False
        if self._widening:
            columns = results[len(self._opening) + 1]
            is_wider = {*map(columns.ftype, range(columns.nfields))} != {INT8.oid}
        self._check()
        fields = self._ahead.blocks(records)
        if is_wider:  # what takes COPY's fields as they are would take an integer for another number
            rows: Statement = (stored.new_rows, stored.arrays(fields))
            send(connection, [rows, *rest, _COMMIT], self._encode_ahead)
            return
        blocks = self._checked(stored.copy_blocks(fields))
        if any(values for _, values in rest):  # a COPY takes none, nor does what is sent together with it
            copying.copy(connection, stored.copy, blocks)
            self._check()
            send(connection, [*rest, _COMMIT], self._encode_ahead)
        else:
            whole = b"; ".join([stored.copy, *(text for text, _ in [*rest, _COMMIT])])
            copying.copy(connection, whole, blocks, self._encode_ahead)

    def _around(
        self, functions: Functions | None, before: Sequence[Step], after: Sequence[Step]
    ) -> tuple[list[Statement], list[Statement]]:
        """Return the statements of what comes before the rows, and of what comes after them."""
        if call := functions.before(before, after) if functions else None:
            return [call], [(REST, ())]
        return [*self._dialect.statements(before)], [*self._dialect.statements(after)]

    def _checked(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        for block in blocks:
            self._check()
            yield block

    def _check(self) -> None:
        if self._cancelled():
            raise errors.QueryCanceled("the write was cancelled")

    def _encode_ahead(self) -> None:
        self._ahead.encode(self._cancelled)
