"""A store on an SQL database with its ledger: the transaction of a write, and what is really stored."""

# ruff: noqa: S608 - what goes into a statement besides parameters are names, quoted by the sink

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from batchwright.contracts.receipts import Receipt
from batchwright.contracts.records import RecordType
from batchwright.contracts.rows import Placed
from batchwright.contracts.sink import Holding, Inspectable, Store
from batchwright.model import Batch
from batchwright.sinkkit.sql_ledger.database import SqlDatabase
from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.ledger import SqlLedger, now
from batchwright.sinkkit.sql_tables import for_format, quoted, rows_of, upsert_statement

_PAGE = 5_000  # rows that are looked at between two transactions of others
_FIRST = "00000000-0000-0000-0000-000000000000"


class SqlStore(Store, Inspectable):
    """Writes rows and receipt in one transaction. A subclass stores rows, cancels and closes.

    Args:
        database: The open database.
        dialect: The tables' names, and how the database says things. Its table `records` has a row for each
            record with the columns _id, _document_id and the fields of the record type.
        record_type: What the rows hold.
        ledger: The ledger in the same database; None for a plain one.
    """

    def __init__(
        self,
        database: SqlDatabase,
        dialect: Dialect,
        record_type: RecordType,
        ledger: SqlLedger | None = None,
    ) -> None:
        self.record_type = record_type
        self._database = database
        self._dialect = dialect
        self._ledger = ledger or SqlLedger(database, dialect)

    @property
    def ledger(self) -> SqlLedger:
        """The ledger, in the same database."""
        return self._ledger

    def write(self, batch: Batch[Any], receipt: Receipt) -> None:
        """Store the batch and carry out the receipt in one transaction; nothing, where it is stored already.

        Raises:
            BadRecords: Names the records that can't be stored.
            IncompleteDocument: A publication lacks rows, or a version was discarded meanwhile.
            Exception: Whatever the driver says, as it is.
        """
        from batchwright.sinkkit.sql_ledger.steps.receipt import (
            ReceiptSteps,
        )  # a run that writes nothing takes none

        with self._database.transaction() as connection:
            if self._ledger.committed(receipt.batch_id):
                return
            vectors = (receipt.embedded is not None or receipt.purge) and self.has_vectors(connection)
            steps = ReceiptSteps(receipt, now(), locks=self._dialect.locks, vectors=vectors)
            self._dialect.carry_out(connection, steps.before_rows())
            self.store_rows(connection, batch.documents)
            self._dialect.carry_out(connection, steps.after_rows())

    def store_rows(self, connection: Any, records: Sequence[Placed]) -> None:
        """Store the records in the transaction that is open, in place of rows with the same id.

        By default into the table that `sql_tables.create_statements` makes, with `?` for a value.
        """
        if records:
            statement = upsert_statement(self._dialect, self.record_type)
            connection.executemany(statement, rows_of(records, self.record_type))

    def has_vectors(self, connection: Any) -> bool:
        """Tell whether there are tables of vectors; `sinkkit.vectors.tables` says which."""
        return False

    def probe(self) -> None:
        """Check that the database answers and lets a transaction begin."""
        with self._database.transaction():
            pass

    def holdings(self) -> Iterator[Holding]:
        """Yield what is there of every document version, published or not, by document_id."""
        for version, rows in groupby(self._rows(), key=lambda row: row[0]):
            checked = [is_sound for _, is_sound in rows]
            yield Holding(version, len(checked), checked.count(False))

    def sound(self, document_id: str) -> frozenset[str]:
        """Return the ids of the rows of a document version whose text is the one of their hash."""
        columns = f"{self._dialect.read('c._id', 'id')}, {self._checked()}"
        query = (
            f"SELECT {columns} FROM (SELECT ? AS document_id) AS v CROSS JOIN {{records}} AS c "
            f"WHERE {self._dialect.belongs('v.document_id')}"
        )
        with self._database.reading() as connection:
            rows = connection.execute(self._dialect.fill(query), [document_id]).fetchall()
        return frozenset(identity for identity, text, digest in rows if _is_sound(text, digest))

    def _checked(self) -> str:
        """Return the columns of a text and its hash; of records without a hash nothing is known."""
        record_type = self.record_type
        if record_type.text is None or record_type.text_hash is None:
            return "NULL, NULL"
        text, digest = (f"c.{for_format(quoted(name))}" for name in (record_type.text, record_type.text_hash))
        return f"{self.text_of(text)}, {digest}"

    def text_of(self, column: str) -> str:
        """Return the expression that reads a text, as text or bytes."""
        return column

    def _rows(self) -> Iterator[tuple[str, bool]]:
        """Yield version and soundness of each row, by id: the rows of a version follow one another."""
        read, after = self._dialect.read, ""
        columns = f"{read('c._id', 'id')}, {read('c._document_id', 'id')}, {self._checked()}"
        query = self._dialect.fill(
            f"SELECT {columns} FROM {{records}} AS c WHERE c._id > ? ORDER BY c._id LIMIT {_PAGE}"
        )
        while True:
            with self._database.reading() as connection:
                rows = connection.execute(query, [after or _FIRST]).fetchall()
                page = [(version, _is_sound(text, digest)) for _, version, text, digest in rows]
            if not page:
                return
            yield from page
            after = rows[-1][0]


def _is_sound(text: str | bytes | None, digest: str | None) -> bool:
    if text is None or digest is None:
        return True
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(data).hexdigest() == digest
