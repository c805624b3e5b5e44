"""The ledger in the sink's own database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from batchwright.builtin.postgres import statements
from batchwright.builtin.postgres.connection import Database
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.receipts import Receipts
from batchwright.builtin.postgres.rejects import clean, reject_of
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import DocumentVersion, KnownDocument, Receipt, Reject, Run

Rows = list[tuple[Any, ...]]

_START = """
    INSERT INTO {runs} (run_id, started_at, finished_at, state, source, account)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (run_id) DO UPDATE SET finished_at = excluded.finished_at, state = excluded.state,
        account = excluded.account"""

_RUNS = """
    SELECT run_id, started_at, source, state, finished_at, account FROM {runs}
    ORDER BY started_at DESC, run_id DESC LIMIT %s"""

_VERSION = "source_file, document_id::text, content_hash, settings, size, chunks"

_DOCUMENTS = f"""
    SELECT {_VERSION}, rejected, published_at FROM {{documents}}
    WHERE source_file > %s ORDER BY source_file LIMIT %s"""  # noqa: S608 - our own column names

_PENDING = f"SELECT {_VERSION} FROM {{pending}} ORDER BY source_file, document_id"  # noqa: S608 - as above


class PostgresLedger(Ledger):
    """Runs, receipts, documents and rejects, in tables beside the chunks.

    Reading reconnects by itself and is tried once more where the connection turns out to be lost.
    """

    def __init__(self, database: Database, names: Names, receipts: Receipts) -> None:
        self._database = database
        self._names = names
        self._receipts = receipts

    def start_run(self, run: Run) -> None:
        """Store the run as running."""
        self._store(run)

    def finish_run(self, run: Run) -> None:
        """Store state, end and account of the run."""
        self._store(run)

    def runs(self, limit: int = 20) -> list[Run]:
        """Return the latest runs, newest first."""
        return [Run(*row) for row in self._rows(_RUNS, limit)]

    def record(self, receipt: Receipt) -> None:
        """Store the receipt; a second time, change nothing."""
        text, values = self._receipts.alone(receipt)
        self._database.run(lambda connection: connection.execute(text, values))

    def committed(self, batch_id: str) -> bool:
        """Tell whether a receipt with this id is stored."""
        return bool(self._rows("SELECT FROM {receipts} WHERE batch_id = %s", batch_id))

    def documents(self, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        """Return published documents with source_file > `after`, by source_file in code point order."""
        return [
            KnownDocument(DocumentVersion(*version), rejected, published_at.astimezone(UTC).isoformat())
            for *version, rejected, published_at in self._rows(_DOCUMENTS, after, limit)
        ]

    def pending(self) -> list[DocumentVersion]:
        """Return versions that were opened and neither published nor discarded."""
        return [DocumentVersion(*row) for row in self._rows(_PENDING)]

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
        wanted = None if ids is None else list(ids)
        values = [after, wanted, wanted, run_id, run_id, source_file, source_file, error, error, error, limit]
        cleaned = [clean(value) if isinstance(value, str) else value for value in values]
        return [reject_of(row) for row in self._rows(statements.REJECTS, *cleaned)]

    def drop_rejects(self, ids: Sequence[str]) -> int:
        """Forget the rejects; return how many there were."""
        text = self._names.statement("DELETE FROM {rejects} WHERE id = ANY(%s::text[])")
        return self._database.run(lambda connection: connection.execute(text, [list(ids)]).rowcount)

    def _store(self, run: Run) -> None:
        text = self._names.statement(_START)
        values = [
            run.run_id,
            run.started_at,
            run.finished_at,
            run.state,
            run.source,
            Jsonb(dict(run.account)),
        ]
        self._database.run(lambda connection: connection.execute(text, values))

    def _rows(self, text: str, *values: Any) -> Rows:
        statement = self._names.statement(text)

        def fetch(connection: psycopg.Connection[Any]) -> Rows:
            return connection.execute(statement, values).fetchall()

        return self._database.read(fetch)
