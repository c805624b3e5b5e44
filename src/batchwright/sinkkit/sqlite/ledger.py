"""The ledger in a SQLite file beside a sink that has none of its own."""

# ruff: noqa: S608 - what goes into a statement besides parameters is the name of a table, quoted

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Self

from batchwright.contracts.lease import Lease, Patience
from batchwright.contracts.ledger import LedgerBeside
from batchwright.contracts.receipts import Receipt, Run
from batchwright.errors import CollectionBusy
from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_ledger.ledger import SqlLedger, now
from batchwright.sinkkit.sqlite.database import Database
from batchwright.sinkkit.sqlite.faults import is_busy
from batchwright.sinkkit.sqlite.schema import LedgerSchema

_TARGET = "target"  # of the table meta: what the ledger lies beside


class SqliteLedger(SqlLedger):
    """A ledger on one connection; several threads may use it, taking turns."""

    def __init__(self, database: Database, dialect: Dialect) -> None:
        super().__init__(database, dialect)
        self._file = database

    def swap_lease(self, collection: str, token: str | None, lease: Lease | None, patience: Patience) -> bool:
        """Put a lease, or none, in the place of the one with this token; tell whether it was still there.

        Whoever writes has the file's lock, and nobody can take it away. A takeover doesn't wait for long:
        what it waits for may be stopped for good.

        Raises:
            CollectionBusy: Somebody else kept the file locked.
        """
        try:
            with self._file.transaction(patience=None if patience.ending is None else patience.writing):
                return super().swap_lease(collection, token, lease, patience)
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            raise self._locked(collection) from error

    def _locked(self, collection: str) -> CollectionBusy:
        """Return the error that says who may have the file's lock."""
        held = self.lease(collection)
        return CollectionBusy(
            collection,
            run_id=held.run_id if held else "",
            held_by=str(held.owner) if held else "",
            since=held.since if held else "",
            message=f"{self._file.path} is locked in the middle of a write"
            + (f", perhaps by {held.owner} (the run {held.run_id}, since {held.since})" if held else "")
            + "; end the process that holds it, or wait for it, then try again",
        )

    def finish_run(self, run: Run, token: str | None = None) -> None:
        """Store state, end and account of the run; make all that is committed survive a loss of power."""
        with self._file.transaction(durable=True):
            super().finish_run(run, token)


class SqliteLedgerBeside(SqliteLedger, LedgerBeside):
    """A ledger in a file of its own."""

    @classmethod
    def open(cls, path: Path, prefix: str = "ledger") -> Self:
        """Open the ledger in the file at `path`, created if it is missing; `close` it in the end.

        Args:
            path: The database file.
            prefix: What the names of the tables begin with.

        Raises:
            SinkError: With what is wrong and what to do.
        """
        database = Database(path.absolute())
        schema = LedgerSchema(prefix)
        database.open(schema)
        return cls(database, schema.dialect)

    def close(self) -> None:
        """Close the connection; may come more than once."""
        self._file.close()

    def claim(self, target: str, *, adopt: bool = False) -> str:
        """Note which target the ledger is of, where that isn't known yet; return which one it is.

        Args:
            target: Names a target, and its relation.
            adopt: Whether it is this one's from now on, whatever it was before.
        """
        meta = self._dialect.tables["meta"]
        known = f"SELECT value FROM {meta} WHERE key = ?"
        with self._file.transaction() as connection:
            if adopt:
                connection.execute(f"DELETE FROM {meta} WHERE key = ?", (_TARGET,))
            connection.execute(f"INSERT INTO {meta} VALUES (?, ?) ON CONFLICT DO NOTHING", (_TARGET, target))
            return str(connection.execute(known, (_TARGET,)).fetchone()[0])

    def removals(self, receipt: Receipt) -> tuple[str, ...]:
        """Return the ids of the versions whose rows a write has to remove, as the ledger is now.

        Raises:
            IncompleteDocument: The receipt continues a version that is neither pending nor published.
        """
        from batchwright.sinkkit.sql_ledger.steps.receipt import ReceiptSteps

        found: dict[str, None] = {}
        with self._file.reading() as connection:
            for step in ReceiptSteps(receipt, now(), locks=self._dialect.locks).before_rows():
                if step.kind in ("remove", "guard"):
                    rows = self._dialect.fetch(connection, step.text, step.columns, step.rows)
                    if rows and step.kind == "guard":
                        raise step.wrong(*rows[0])
                    found.update((version, None) for (version,) in rows)
        return tuple(found)
