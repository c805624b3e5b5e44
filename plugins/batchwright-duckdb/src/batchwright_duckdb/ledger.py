"""The ledger, in the same database as the chunks."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa

from batchwright import DocumentVersion, KnownDocument, Ledger, Receipt, Reject, Run, SinkError
from batchwright.sinkkit.rejects import REJECT_COLUMNS, reject_of, reject_row, storable
from batchwright_duckdb.instance import Session
from batchwright_duckdb.schema import Names

_VERSION = tuple(field.name for field in fields(DocumentVersion))
_RUN = ("run_id", "started_at", "source", "state", "finished_at", "account")


class DuckdbLedger(Ledger):
    """A ledger on a session; several threads may use it, taking turns."""

    def __init__(self, session: Session, names: Names) -> None:
        """Use the tables `names`, which must exist."""
        self._session = session
        self._names = names

    def start_run(self, run: Run) -> None:
        """Store the run as running."""
        self._store_run(replace(run, state="running"))

    def finish_run(self, run: Run) -> None:
        """Store state, end and account of the run."""
        self._store_run(run)

    def runs(self, limit: int = 20) -> list[Run]:
        """Return the latest runs, newest first."""
        rows = self._read(
            f"SELECT {', '.join(_RUN)} FROM {self._names.runs} ORDER BY started_at DESC, seq DESC LIMIT ?",
            [limit],
        )
        return [
            Run(run_id, started, source, state, finished, json.loads(account))
            for run_id, started, source, state, finished, account in rows
        ]

    def record(self, receipt: Receipt) -> None:
        """Store the receipt; a second time, change nothing. Joins the transaction that the thread is in."""
        with self._session.transaction() as connection:
            if self.committed(receipt.batch_id):
                return
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            if receipt.batch_id:  # an empty one names no batch: a probe
                row = (receipt.batch_id, receipt.run_id, receipt.batch_index, receipt.records, now)
                connection.execute(f"INSERT INTO {self._names.receipts} VALUES (?, ?, ?, ?, ?)", row)
            self._publish(connection, receipt, now)
            self._note_versions(connection, receipt)
            self._note_rejects(connection, receipt)

    def committed(self, batch_id: str) -> bool:
        """Tell whether a receipt with this id is stored."""
        receipts = self._names.receipts
        return bool(self._read(f"SELECT 1 FROM {receipts} WHERE batch_id = ? LIMIT 1", [batch_id]))

    def documents(self, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        """Return published documents with source_file > `after`, by source_file in code point order."""
        rows = self._read(
            f"SELECT {', '.join(_VERSION)}, rejected, published_at FROM {self._names.documents} "
            f"WHERE source_file > ? ORDER BY source_file LIMIT ?",
            [storable(after), limit],
        )
        return [KnownDocument(DocumentVersion(*version), rejected, at) for *version, rejected, at in rows]

    def document(self, source_file: str) -> KnownDocument | None:
        """Return the published version of a document, or None."""
        rows = self._read(
            f"SELECT {', '.join(_VERSION)}, rejected, published_at FROM {self._names.documents} "
            f"WHERE source_file = ?",
            [storable(source_file)],
        )
        return next((KnownDocument(DocumentVersion(*v), rejected, at) for *v, rejected, at in rows), None)

    def pending(self) -> list[DocumentVersion]:
        """Return versions that were opened and neither published nor discarded."""
        rows = self._read(
            f"SELECT {', '.join(_VERSION)} FROM {self._names.pending} ORDER BY source_file, document_id", []
        )
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
        parameters: list[Any] = list(values)
        if ids is not None:
            conditions.append("id IN (SELECT unnest(CAST(? AS VARCHAR[])))")
            parameters.append(list(ids))
        if run_id is not None:
            conditions.append("run_id = ?")
            parameters.append(run_id)
        if source_file is not None:
            conditions.append("source_file = ?")
            parameters.append(storable(source_file))
        if error is not None:
            conditions.append("(contains(error, ?) OR sqlstate = ?)")
            parameters += [storable(error)] * 2
        rows = self._read(
            f"SELECT {', '.join(REJECT_COLUMNS)} FROM {self._names.rejects} "
            f"WHERE {' AND '.join(conditions)} ORDER BY id LIMIT ?",
            [*parameters, limit],
        )
        return [reject_of(row) for row in rows]

    def drop_rejects(self, ids: Sequence[str]) -> int:
        """Forget the rejects; return how many there were."""
        with self._session.transaction() as connection:
            return _delete(connection, self._names.rejects, "id", ids)

    def _read(self, statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._session.reading() as connection:
            return connection.execute(statement, parameters).fetchall()

    def _store_run(self, run: Run) -> None:
        with self._session.transaction() as connection:
            runs = self._names.runs
            row = connection.execute(
                f"SELECT coalesce(max(seq) FILTER (run_id = ?), max(seq) + 1, 1) FROM {runs}", [run.run_id]
            ).fetchone()
            _delete(connection, runs, "run_id", [run.run_id])
            account = json.dumps(dict(run.account))
            values = (run.run_id, run.started_at, storable(run.source), run.state, run.finished_at, account)
            connection.execute(
                f"INSERT INTO {runs} VALUES (?, ?, ?, ?, ?, ?, ?)", [*values, row[0] if row else 1]
            )

    def _publish(self, connection: duckdb.DuckDBPyConnection, receipt: Receipt, now: str) -> None:
        if not receipt.publications:
            return
        names = self._names
        last = {p.version.source_file: p for p in receipt.publications}
        for name in last:
            _check_name(name)
        files = list(last)
        _delete(connection, names.documents, "source_file", files)
        _insert(
            connection,
            names.documents,
            (*_VERSION, "rejected", "run_id", "published_at"),
            [(*_values(p.version), p.rejected, receipt.run_id, now) for p in last.values()],
        )
        _delete(connection, names.pending, "source_file", files)
        ids = [publication.version.document_id for publication in last.values()]
        connection.execute(
            f"DELETE FROM {names.rejects} WHERE source_file IN (SELECT unnest(CAST(? AS VARCHAR[]))) AND "
            f"(position = -1 OR document_id NOT IN (SELECT unnest(CAST(? AS VARCHAR[]))))",
            [files, ids],
        )

    def _note_versions(self, connection: duckdb.DuckDBPyConnection, receipt: Receipt) -> None:
        names = self._names
        if receipt.deleted:
            files = [storable(name) for name, _ in receipt.deleted]
            connection.execute(
                f"DELETE FROM {names.documents} WHERE (source_file, document_id) IN "
                f"(SELECT unnest(CAST(? AS VARCHAR[])), unnest(CAST(? AS VARCHAR[])))",
                [files, [version for _, version in receipt.deleted]],
            )
            _delete(connection, names.rejects, "source_file", files)
        _delete(connection, names.pending, "document_id", receipt.discarded)
        _delete(connection, names.rejects, "document_id", receipt.obsolete)  # they go with the rows
        if receipt.opened:
            opened = {version.document_id: version for version in receipt.opened}
            for version in opened.values():
                _check_name(version.source_file)
            known = connection.execute(
                f"SELECT document_id FROM {names.pending} "
                f"WHERE document_id IN (SELECT unnest(CAST(? AS VARCHAR[])))",
                [list(opened)],
            ).fetchall()
            new = [version for key, version in opened.items() if (key,) not in known]
            rows = [(*_values(version), receipt.run_id) for version in new]
            _insert(connection, names.pending, (*_VERSION, "run_id"), rows)

    def _note_rejects(self, connection: duckdb.DuckDBPyConnection, receipt: Receipt) -> None:
        last = {reject.id: reject for reject in receipt.rejects}
        _delete(connection, self._names.rejects, "id", [*receipt.resolved, *last])
        _insert(connection, self._names.rejects, REJECT_COLUMNS, [reject_row(r) for r in last.values()])


def _delete(connection: duckdb.DuckDBPyConnection, table: str, column: str, keys: Iterable[str]) -> int:
    keys = list(keys)
    if not keys:
        return 0
    [count] = connection.execute(
        f"DELETE FROM {table} WHERE {column} IN (SELECT unnest(CAST(? AS VARCHAR[])))", [keys]
    ).fetchone() or (0,)
    return int(count)


def _insert(
    connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert all rows in one statement: one by one takes 0.3 ms each."""
    if not rows:
        return
    incoming = pa.table([pa.array(values) for values in zip(*rows, strict=True)], names=list(columns))
    connection.register("incoming_entries", incoming)
    try:
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming_entries")
    finally:
        connection.unregister("incoming_entries")


def _values(version: DocumentVersion) -> tuple[Any, ...]:
    return tuple(getattr(version, name) for name in _VERSION)


def _check_name(name: str) -> None:
    if storable(name) != name:
        raise SinkError(f"the file name {storable(name)!r} is not valid Unicode; rename or exclude it")
