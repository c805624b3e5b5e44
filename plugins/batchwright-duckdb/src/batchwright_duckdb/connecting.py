"""Opening a database: the file, its folder and its tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from batchwright import RecordType, SinkError
from batchwright.contracts.records import relation_of
from batchwright.sinkkit.relations import relations_among
from batchwright_duckdb.faults import explain
from batchwright_duckdb.instance import Session, Settings, is_open
from batchwright_duckdb.options import DuckdbOptions
from batchwright_duckdb.schema import Schema, tables_of
from batchwright_duckdb.store import DuckdbStore


def open_store(
    path: Path, options: DuckdbOptions, record_type: RecordType | None, *, create: bool
) -> DuckdbStore:
    """Open the database, and create the file, its folder and the tables where they are missing.

    Args:
        path: The file.
        options: How it is opened, and what the tables are called.
        record_type: What it is to hold; None for what it holds.
        create: Whether to create what is missing; without it, that is an error.

    Raises:
        SinkError: With what is wrong and what to do.
        ConnectionError: DuckDB gave the database up.
    """
    if create:
        _make_folder(path)
    elif not _has_content(path):
        raise SinkError(f"there is no database {path}; load something into it first")
    schema = Schema(options.schema_name, relation_of(options.table, record_type), record_type)
    session = Session(path, settings(options), options.busy_timeout)
    try:
        with session.reading() as connection:
            ready = schema.is_ready(connection)
            if not ready and not create:
                schema.check_dropped(connection)
        if not ready and not create:
            raise SinkError(f"{path} lacks tables that belong to it; load into it again to create them")
        if not ready:
            with session.transaction() as connection:
                schema.create(connection)
        with session.reading() as connection:
            kept = schema.resolved(connection)
    except duckdb.Error as error:
        session.close()
        raise SinkError(explain(error, path)) from error
    except BaseException:
        session.close()
        raise
    return DuckdbStore(session, schema, kept)


def exists(path: Path, options: DuckdbOptions) -> bool:
    """Tell whether there is a database with the sink's tables; make no file where there is none.

    Raises:
        SinkError: The file is no database, another process has it, or the tables are another program's.
    """
    schema = Schema(options.schema_name, relation_of(options.table, None))
    with _looking_into(path, options) as connection:
        return connection is not None and bool(schema.existing(connection))


def relations(path: Path, options: DuckdbOptions) -> list[str]:
    """Return the published views with a ledger in the schema; none where there is no database.

    Raises:
        SinkError: The file is no database, or another process has it.
    """
    with _looking_into(path, options) as connection:
        return [] if connection is None else relations_among(tables_of(connection, options.schema_name))


@contextmanager
def _looking_into(path: Path, options: DuckdbOptions) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """Lend a connection that reads, or None where there is no database; make none."""
    _check_no_folder(path)
    if not _has_content(path):
        yield None
        return
    if is_open(path):
        with (
            closing(Session(path, settings(options), options.busy_timeout)) as session,
            session.reading() as connection,
        ):
            yield connection
        return
    try:
        with duckdb.connect(str(path), read_only=True, config=settings(options)) as connection:
            yield connection
    except duckdb.Error as error:
        raise SinkError(explain(error, path)) from error


def settings(options: DuckdbOptions) -> Settings:
    """Return the settings that a handle is made with."""
    # no downloads: a missing extension must be an error, not a connection to somewhere
    found: Settings = {"autoinstall_known_extensions": False}
    if options.memory_limit is not None:
        found["memory_limit"] = options.memory_limit
    if options.threads is not None:
        found["threads"] = options.threads
    return found


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror
        raise SinkError(f"the folder {path.parent} can't be used: {reason}; choose another") from error
    _check_no_folder(path)


def _check_no_folder(path: Path) -> None:
    if path.is_dir():
        raise SinkError(f"{path} is a folder; name a file, as in {path / 'kb.duckdb'}")
