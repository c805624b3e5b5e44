"""The tables: their names, their columns, and how they come into being."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `quoted`

from __future__ import annotations

import duckdb

from batchwright import SinkError

VERSION = 1

COLUMNS = {
    "id": "UUID NOT NULL",
    "chunk_text": "VARCHAR NOT NULL",
    "chunk_hash": "VARCHAR NOT NULL",
    "context_header": "VARCHAR NOT NULL",
    "source_file": "VARCHAR NOT NULL",
    "source_category": "VARCHAR",
    "document_date": "DATE",
    "chunk_index": "BIGINT NOT NULL",
    "total_chunks": "BIGINT NOT NULL",
    "chunk_token_count": "BIGINT NOT NULL",
    "metadata": "JSON NOT NULL",
    "span_start": "BIGINT",
    "span_end": "BIGINT",
}
"""The columns of the published view, in their order."""

_VERSION_COLUMNS = (
    "document_id VARCHAR NOT NULL, source_file VARCHAR NOT NULL, content_hash VARCHAR NOT NULL, "
    "settings VARCHAR NOT NULL, size BIGINT NOT NULL, chunks BIGINT NOT NULL"
)

# No keys and no indexes: DuckDB would keep each in memory, slow every insert by it, and nothing here needs
# them. One process writes, its writers take turns, and every insert removes what has the same key first.
TABLES = {
    "meta": "key VARCHAR NOT NULL, value VARCHAR NOT NULL",
    "chunks": ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items()) + ", document_id UUID NOT NULL",
    "documents": f"{_VERSION_COLUMNS}, rejected BIGINT NOT NULL, run_id VARCHAR NOT NULL, "
    "published_at VARCHAR NOT NULL",
    "pending": f"{_VERSION_COLUMNS}, run_id VARCHAR NOT NULL",
    "receipts": "batch_id VARCHAR NOT NULL, run_id VARCHAR NOT NULL, batch_index BIGINT NOT NULL, "
    "records BIGINT NOT NULL, committed_at VARCHAR NOT NULL",
    "rejects": "id VARCHAR NOT NULL, run_id VARCHAR NOT NULL, source_file VARCHAR NOT NULL, "
    "document_id VARCHAR NOT NULL, position BIGINT NOT NULL, error VARCHAR NOT NULL, "
    "message VARCHAR NOT NULL, sqlstate VARCHAR, attempts BIGINT NOT NULL, decided_by VARCHAR NOT NULL, "
    "created_at VARCHAR NOT NULL, payload VARCHAR, exact VARCHAR",
    "runs": "run_id VARCHAR NOT NULL, started_at VARCHAR NOT NULL, source VARCHAR NOT NULL, "
    "state VARCHAR NOT NULL, finished_at VARCHAR, account VARCHAR NOT NULL, seq BIGINT NOT NULL",
}


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class Names:
    """The relations of one sink, quoted with their schema; `plain` has them as they are."""

    def __init__(self, schema: str, table: str) -> None:
        self.schema = schema
        self.plain = {"view": table, **{suffix: f"{table}_{suffix}" for suffix in TABLES}}
        full = {key: f"{quoted(schema)}.{quoted(name)}" for key, name in self.plain.items()}
        self.view, self.chunks, self.documents = full["view"], full["chunks"], full["documents"]
        self.pending, self.receipts, self.rejects = full["pending"], full["receipts"], full["rejects"]
        self.runs, self.meta = full["runs"], full["meta"]
        self.all = full


def existing(connection: duckdb.DuckDBPyConnection, names: Names) -> dict[str, str]:
    """Return the type of what exists, by suffix, after checking that it is ours.

    Raises:
        SinkError: Something else has one of the names, or a newer version of this plugin made them.
    """
    suffixes = {name.lower(): suffix for suffix, name in names.plain.items()}
    rows = connection.execute(
        "SELECT lower(table_name), table_type FROM information_schema.tables "
        "WHERE table_catalog = current_database() AND lower(table_schema) = lower(?)",
        [names.schema],
    ).fetchall()
    there = {suffixes[name]: kind for name, kind in rows if name in suffixes}
    if not there:
        return there
    alien = [key for key, kind in there.items() if (kind == "VIEW") != (key == "view")]
    version = _version(connection, names) if there.get("meta") == "BASE TABLE" else None
    if version is None or alien:
        name = names.plain[alien[0] if alien else next(iter(there))]
        raise SinkError(
            f"the database has a {name!r} that batchwright did not make; choose another table name, "
            f"as in duckdb:///…?table=OTHER"
        )
    if version > VERSION:
        raise SinkError(
            f"the tables of {names.plain['view']!r} have layout {version}, and this batchwright-duckdb "
            f"knows {VERSION}; update it, or choose another table name"
        )
    return there


def is_ready(connection: duckdb.DuckDBPyConnection, names: Names) -> bool:
    """Tell whether everything is there."""
    return existing(connection, names).keys() == names.plain.keys()


def create(connection: duckdb.DuckDBPyConnection, names: Names) -> None:
    """Create what is missing, in the transaction that is open."""
    there = existing(connection, names)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(names.schema)}")
    for suffix, columns in TABLES.items():
        if suffix not in there:
            connection.execute(f"CREATE TABLE {names.all[suffix]} ({columns})")
    if "meta" not in there:
        connection.execute(f"INSERT INTO {names.meta} VALUES ('schema', ?)", [str(VERSION)])
    if "view" not in there:
        columns = ", ".join(f"c.{name}" for name in COLUMNS)
        connection.execute(
            f"CREATE VIEW {names.view} AS SELECT {columns} FROM {names.chunks} AS c "
            f"WHERE c.document_id IN (SELECT CAST(d.document_id AS UUID) FROM {names.documents} AS d)"
        )


def _version(connection: duckdb.DuckDBPyConnection, names: Names) -> int | None:
    try:
        row = connection.execute(f"SELECT value FROM {names.meta} WHERE key = 'schema'").fetchone()
        return int(row[0]) if row else None
    except (duckdb.Error, ValueError):
        return None  # a table of that name, but none of ours
