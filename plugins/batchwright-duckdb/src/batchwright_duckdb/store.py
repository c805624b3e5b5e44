"""What the sink does with an open database; loaded when a sink is opened, since it loads DuckDB."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from batchwright import (
    Batch,
    BatchTooLarge,
    IncompleteDocument,
    ProcessedChunk,
    Receipt,
    SearchHit,
    SinkError,
)
from batchwright.contracts.sink import Holding
from batchwright.sinkkit.columns import refusing
from batchwright_duckdb import schema
from batchwright_duckdb.faults import explain
from batchwright_duckdb.instance import Session, Settings, is_open
from batchwright_duckdb.ledger import DuckdbLedger
from batchwright_duckdb.options import DuckdbOptions
from batchwright_duckdb.rows import to_arrow
from batchwright_duckdb.search import search

_STORED = (*schema.COLUMNS, "document_id")
_DEEPEST = 100  # levels of JSON; DuckDB's functions give up on much deeper ones


class Store:
    """An open database.

    Attributes:
        ledger: The ledger in it.
    """

    def __init__(self, path: Path, options: DuckdbOptions) -> None:
        """Open the database, and create the file, its folder and the tables where they are missing.

        Raises:
            SinkError: With what is wrong and what to do.
        """
        _make_folder(path)
        self._names = schema.Names(options.schema_name, options.table)
        self._session = Session(path, _settings(options), options.busy_timeout)
        try:
            with self._session.reading() as connection:
                ready = schema.is_ready(connection, self._names)
            if not ready:
                with self._session.transaction() as connection:
                    schema.create(connection, self._names)
        except duckdb.Error as error:
            self._session.close()
            raise SinkError(explain(error, path)) from error
        except BaseException:
            self._session.close()
            raise
        self.ledger = DuckdbLedger(self._session, self._names)

    def close(self) -> None:
        """Let go of the database."""
        self._session.close()

    def cancel(self) -> None:
        """Make a write that is under way in another thread end."""
        self._session.cancel()

    def probe(self) -> None:
        """Check that the database answers and that it can be written to."""
        with self._session.transaction() as connection:
            connection.execute("SELECT 1").fetchall()

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        """See `DuckdbSink.write`."""
        chunks = batch.documents
        try:
            with (
                refusing(chunks, duckdb.DataError, deepest=_DEEPEST),
                self._session.transaction() as connection,
            ):
                if not self.ledger.committed(receipt.batch_id):
                    if chunks:
                        self._insert(connection, to_arrow(chunks, self._session.check_cancelled))
                    self._session.check_cancelled()
                    self._remove(connection, receipt.obsolete)
                    self._check_publications(connection, receipt)
                    self.ledger.record(receipt)
        except duckdb.OutOfMemoryException as error:
            if len(chunks) > 1:
                raise BatchTooLarge("DuckDB ran out of memory; raise memory_limit") from error
            raise

    def holdings(self) -> Iterator[Holding]:
        """Yield what is there of every document version, by document_id."""
        with self._session.reading() as connection:
            rows = connection.execute(
                f"SELECT CAST(document_id AS VARCHAR), count(*), "
                f"count(*) FILTER (sha256(chunk_text) <> chunk_hash) "
                f"FROM {self._names.chunks} GROUP BY document_id ORDER BY document_id"
            ).fetchall()
        yield from (Holding(document_id, count, damaged) for document_id, count, damaged in rows)

    def sound(self, document_id: str) -> frozenset[str]:
        """Return the ids of the rows of a version whose text is the one of their hash."""
        with self._session.reading() as connection:
            rows = connection.execute(
                f"SELECT CAST(id AS VARCHAR) FROM {self._names.chunks} "
                f"WHERE document_id = CAST(? AS UUID) AND sha256(chunk_text) = chunk_hash",
                [document_id],
            ).fetchall()
        return frozenset(identity for (identity,) in rows)

    def search(self, text: str, limit: int) -> Sequence[SearchHit]:
        """Search the published chunks."""
        with self._session.reading() as connection:
            return search(connection, self._names.view, text, limit)

    def stored(self, document_ids: Sequence[str]) -> dict[str, int]:
        """Count the rows stored of document versions."""
        with self._session.reading() as connection:
            rows = connection.execute(
                f"SELECT CAST(document_id AS VARCHAR), count(*) FROM {self._names.chunks} "
                f"WHERE document_id IN (SELECT unnest(CAST(? AS UUID[]))) GROUP BY document_id",
                [list(document_ids)],
            ).fetchall()
        return dict(rows)

    def _insert(self, connection: duckdb.DuckDBPyConnection, incoming: pa.Table) -> None:
        connection.register("incoming_chunks", incoming)
        try:
            connection.execute(
                f"DELETE FROM {self._names.chunks} WHERE id IN (SELECT CAST(id AS UUID) FROM incoming_chunks)"
            )
            connection.execute(
                f"INSERT INTO {self._names.chunks} BY NAME SELECT {', '.join(_STORED)} FROM incoming_chunks"
            )
        finally:
            connection.unregister("incoming_chunks")

    def _remove(self, connection: duckdb.DuckDBPyConnection, versions: Sequence[str]) -> None:
        if versions:
            connection.execute(
                f"DELETE FROM {self._names.chunks} "
                f"WHERE document_id IN (SELECT TRY_CAST(unnest(CAST(? AS VARCHAR[])) AS UUID))",
                [list(versions)],
            )

    def _check_publications(self, connection: duckdb.DuckDBPyConnection, receipt: Receipt) -> None:
        begun = [p for p in receipt.publications if p.stored_before > 0]
        if not begun:
            return
        found = self.stored([publication.version.document_id for publication in begun])
        for publication in begun:
            version = publication.version
            rows = found.get(version.document_id, 0)
            if rows != publication.rows:
                raise IncompleteDocument(
                    f"{version.source_file}: {rows} of {publication.rows} rows are in "
                    f"{self._names.plain['view']!r}; run again, and it will be loaded anew"
                )


def exists(path: Path, options: DuckdbOptions) -> bool:
    """Tell whether there is a database with the sink's tables; make no file where there is none.

    Raises:
        SinkError: The file is no database, another process has it, or the tables are another program's.
    """
    if not path.is_file() or path.stat().st_size == 0:
        return False
    names = schema.Names(options.schema_name, options.table)
    if is_open(path):
        session = Session(path, _settings(options), options.busy_timeout)
        try:
            with session.reading() as connection:
                return bool(schema.existing(connection, names))
        finally:
            session.close()
    try:
        with duckdb.connect(str(path), read_only=True, config=_settings(options)) as connection:
            return bool(schema.existing(connection, names))
    except duckdb.Error as error:
        raise SinkError(explain(error, path)) from error


def _settings(options: DuckdbOptions) -> Settings:
    # no downloads: an extension that is missing shall be an error, not a connection to somewhere
    settings: Settings = {"autoinstall_known_extensions": False}
    if options.memory_limit is not None:
        settings["memory_limit"] = options.memory_limit
    if options.threads is not None:
        settings["threads"] = options.threads
    return settings


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror
        raise SinkError(f"the folder {path.parent} can't be used: {reason}; choose another") from error
    if path.is_dir():
        raise SinkError(f"{path} is a folder; name a file, as in {path / 'kb.duckdb'}")
