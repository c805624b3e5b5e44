"""The ledger in a SQLite database: in the sink's own file, or beside a sink that has none."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import DocumentVersion, KnownDocument, Receipt, Reject, Run
from batchwright.errors import SinkError
from batchwright.sinkkit.rejects import REJECT_COLUMNS, reject_of, reject_row, storable
from batchwright.sinkkit.sqlite.database import Database
from batchwright.sinkkit.sqlite.schema import LedgerSchema, Names

_VERSION = tuple(field.name for field in fields(DocumentVersion))


class SqliteLedger(Ledger):
    """A ledger on one connection; several threads may use it, taking turns."""

    def __init__(self, database: Database, names: Names) -> None:
        """Use the tables `names` of a database that is open."""
        self._database = database
        self._names = names

    @classmethod
    def open(cls, path: Path, prefix: str = "batchwright") -> Self:
        """Open the ledger in the file at `path`, made where it is missing; `close` it in the end.

        Args:
            path: The database file.
            prefix: What the names of the tables begin with.

        Raises:
            SinkError: With what is wrong and what to do.
        """
        database = Database(path.absolute())
        schema = LedgerSchema(prefix)
        database.open(schema)
        return cls(database, schema.names)

    def close(self) -> None:
        """Close the connection; may come more than once."""
        self._database.close()

    def start_run(self, run: Run) -> None:
        """Store the run as running."""
        self._store_run(replace(run, state="running"))

    def finish_run(self, run: Run) -> None:
        """Store state, end and account of the run; make all that is committed withstand a loss of power."""
        self._store_run(run, durable=True)

    def runs(self, limit: int = 20) -> list[Run]:
        """Return the latest runs, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT run_id, started_at, source, state, finished_at, account FROM {self._names.runs} "
                f"ORDER BY started_at DESC, rowid DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return [
            Run(run_id, started, source, state, finished, json.loads(account))
            for run_id, started, source, state, finished, account in rows
        ]

    def record(self, receipt: Receipt) -> None:
        """Store the receipt; a second time, change nothing. Joins the transaction that the thread is in."""
        with self._database.transaction() as connection, _valid_names():
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            inserted = connection.execute(
                f"INSERT INTO {self._names.receipts} VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (receipt.batch_id, receipt.run_id, receipt.batch_index, receipt.records, now),
            )
            if inserted.rowcount == 1:
                self._publish(connection, receipt, now)
                self._note_versions(connection, receipt)
                self._note_rejects(connection, receipt)

    def committed(self, batch_id: str) -> bool:
        """Tell whether a receipt with this id is stored."""
        with self._database.reading() as connection:
            found = connection.execute(
                f"SELECT 1 FROM {self._names.receipts} WHERE batch_id = ?", (batch_id,)
            )
            return found.fetchone() is not None

    def documents(self, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        """Return published documents with source_file > `after`, by source_file in code point order."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {', '.join(_VERSION)}, rejected, published_at FROM {self._names.documents} "
                f"WHERE source_file > ? ORDER BY source_file LIMIT ?",
                (storable(after), limit),
            ).fetchall()
        return [KnownDocument(DocumentVersion(*version), rejected, at) for *version, rejected, at in rows]

    def pending(self) -> list[DocumentVersion]:
        """Return versions that were opened and neither published nor discarded."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {', '.join(_VERSION)} FROM {self._names.pending} ORDER BY source_file, document_id"
            ).fetchall()
        return [DocumentVersion(*row) for row in rows]

    def rejects(
        self,
        *,
        ids: Sequence[str] | None = None,
        run_id: str | None = None,
        source_file: str | None = None,
        error: str | None = None,
        after: str = "",
        limit: int = 1000,
    ) -> list[Reject]:
        """Return rejects that match all that is given, with id > `after`, by id."""
        conditions, values = ["id > ?"], [after]
        if ids is not None:
            conditions.append("id IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(list(ids)))
        if run_id is not None:
            conditions.append("run_id = ?")
            values.append(run_id)
        if source_file is not None:
            conditions.append("source_file = ?")
            values.append(storable(source_file))
        if error is not None:
            conditions.append("(instr(error, ?) > 0 OR sqlstate = ?)")
            values += [storable(error)] * 2
        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT {', '.join(REJECT_COLUMNS)} FROM {self._names.rejects} "
                f"WHERE {' AND '.join(conditions)} ORDER BY id LIMIT ?",
                (*values, limit),
            ).fetchall()
        return [reject_of(row) for row in rows]

    def drop_rejects(self, ids: Sequence[str]) -> int:
        """Forget the rejects; return how many there were."""
        with self._database.transaction() as connection:
            return self._drop_rejects(connection, ids)

    def _store_run(self, run: Run, *, durable: bool = False) -> None:
        with self._database.transaction(durable=durable) as connection:
            connection.execute(
                f"INSERT INTO {self._names.runs} (run_id, started_at, source, state, finished_at, account) "
                f"VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run_id) DO UPDATE SET "
                f"state = excluded.state, finished_at = excluded.finished_at, account = excluded.account",
                (
                    run.run_id,
                    run.started_at,
                    storable(run.source),
                    run.state,
                    run.finished_at,
                    json.dumps(dict(run.account)),
                ),
            )

    def _publish(self, connection: sqlite3.Connection, receipt: Receipt, now: str) -> None:
        names = self._names
        for publication in receipt.publications:
            version = publication.version
            connection.execute(
                f"INSERT INTO {names.documents} ({', '.join(_VERSION)}, rejected, run_id, published_at) "
                f"VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source_file) DO UPDATE SET "
                f"document_id = excluded.document_id, content_hash = excluded.content_hash, "
                f"settings = excluded.settings, size = excluded.size, chunks = excluded.chunks, "
                f"rejected = excluded.rejected, run_id = excluded.run_id, "
                f"published_at = excluded.published_at",
                (*_values(version), publication.rejected, receipt.run_id, now),
            )
        files = [(p.version.source_file, p.version.document_id) for p in receipt.publications]
        connection.executemany(
            f"DELETE FROM {names.pending} WHERE source_file = ?", ((source_file,) for source_file, _ in files)
        )
        connection.executemany(
            f"DELETE FROM {names.rejects} WHERE source_file = ? AND (position = -1 OR document_id <> ?)",
            files,
        )

    def _note_versions(self, connection: sqlite3.Connection, receipt: Receipt) -> None:
        names = self._names
        connection.executemany(
            f"DELETE FROM {names.documents} WHERE source_file = ? AND document_id = ?", receipt.deleted
        )
        connection.executemany(
            f"DELETE FROM {names.rejects} WHERE source_file = ?", ((name,) for name, _ in receipt.deleted)
        )
        connection.executemany(
            f"DELETE FROM {names.pending} WHERE document_id = ?",
            ((version,) for version in receipt.discarded),
        )
        connection.executemany(  # a version's rejects go with its rows
            f"DELETE FROM {names.rejects} WHERE document_id = ?", ((version,) for version in receipt.obsolete)
        )
        connection.executemany(
            f"INSERT INTO {names.pending} ({', '.join(_VERSION)}, run_id) VALUES (?, ?, ?, ?, ?, ?, ?) "
            f"ON CONFLICT (document_id) DO NOTHING",
            ((*_values(version), receipt.run_id) for version in receipt.opened),
        )

    def _note_rejects(self, connection: sqlite3.Connection, receipt: Receipt) -> None:
        if receipt.resolved:
            self._drop_rejects(connection, receipt.resolved)
        connection.executemany(
            f"INSERT INTO {self._names.rejects} ({', '.join(REJECT_COLUMNS)}) "
            f"VALUES ({', '.join('?' * len(REJECT_COLUMNS))}) ON CONFLICT (id) DO UPDATE SET "
            + ", ".join(f"{column} = excluded.{column}" for column in REJECT_COLUMNS[1:]),
            (reject_row(reject) for reject in receipt.rejects),
        )

    def _drop_rejects(self, connection: sqlite3.Connection, ids: Sequence[str]) -> int:
        return connection.execute(
            f"DELETE FROM {self._names.rejects} WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(ids)),),
        ).rowcount


def _values(version: DocumentVersion) -> tuple[Any, ...]:
    return tuple(getattr(version, name) for name in _VERSION)


@contextmanager
def _valid_names() -> Iterator[None]:
    try:
        yield
    except UnicodeEncodeError as error:
        raise SinkError(
            f"the file name {storable(str(error.object))!r} is not valid Unicode; rename or exclude it"
        ) from error
