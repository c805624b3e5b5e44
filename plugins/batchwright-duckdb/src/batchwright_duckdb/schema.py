"""The tables: the ledger's, the chunks and the published view, and how they come into being."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `quoted`

from __future__ import annotations

import duckdb

from batchwright import SinkError
from batchwright.sinkkit.sql_ledger.definitions import definitions
from batchwright.sinkkit.sql_ledger.tables import LAYOUT, TABLES
from batchwright_duckdb.dialect import DuckdbDialect

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
"""The columns of the published view, in their order, but for `collection`, which stands second."""

_SHOWN = ["c.id", "d.collection", *(f"c.{name}" for name in COLUMNS if name != "id")]


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


class Schema:
    """The relations of one sink.

    Attributes:
        dialect: The ledger's tables, and the chunks as their records.
        chunks: The table with the chunks, quoted with its schema.
        view: The published view, likewise.
    """

    def __init__(self, schema: str, table: str) -> None:
        self._schema = schema
        self._plain = {"view": table, **{suffix: f"{table}_{suffix}" for suffix in (*TABLES, "chunks")}}
        full = {suffix: f"{quoted(schema)}.{quoted(name)}" for suffix, name in self._plain.items()}
        self.dialect = DuckdbDialect({**full, "records": full["chunks"]})
        self.chunks, self.view = full["chunks"], full["view"]

    def existing(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """Return the type of what exists, by suffix, after checking that it is ours.

        Raises:
            SinkError: Something else has one of the names, or the tables have another layout.
        """
        suffixes = {name.lower(): suffix for suffix, name in self._plain.items()}
        rows = connection.execute(
            "SELECT lower(table_name), table_type FROM information_schema.tables "
            "WHERE table_catalog = current_database() AND lower(table_schema) = lower(?)",
            [self._schema],
        ).fetchall()
        there = {suffixes[name]: kind for name, kind in rows if name in suffixes}
        if not there:
            return there
        alien = [key for key, kind in there.items() if (kind == "VIEW") != (key == "view")]
        layout = self._layout(connection) if there.get("meta") == "BASE TABLE" else None
        if layout is None or alien:
            name = self._plain[alien[0] if alien else next(iter(there))]
            raise SinkError(
                f"the database has a {name!r} that batchwright did not make; choose another table name, "
                f"as in duckdb:///…?table=OTHER"
            )
        if layout != LAYOUT:
            advice = "update batchwright" if layout > LAYOUT else "load the documents anew into another table"
            raise SinkError(
                f"the tables of {self._plain['view']!r} have layout {layout}, and this batchwright knows "
                f"{LAYOUT}; {advice}, or choose another table name"
            )
        return there

    def is_ready(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Tell whether everything is there."""
        return self.existing(connection).keys() == self._plain.keys()

    def create(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create what is missing, in the transaction that is open."""
        there = self.existing(connection)
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(self._schema)}")
        for statement in definitions(self.dialect).values():
            connection.execute(statement)
        if "meta" not in there:
            connection.execute(self.dialect.fill("INSERT INTO {meta} VALUES ('layout', ?)"), [str(LAYOUT)])
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"CREATE TABLE IF NOT EXISTS {self.chunks} ({columns}, document_id UUID NOT NULL)")
        connection.execute(
            f"CREATE VIEW IF NOT EXISTS {self.view} AS SELECT {', '.join(_SHOWN)} FROM {self.chunks} AS c "
            f"JOIN {self.dialect.tables['documents']} AS d ON CAST(d.document_id AS UUID) = c.document_id"
        )

    def _layout(self, connection: duckdb.DuckDBPyConnection) -> int | None:
        query = self.dialect.fill("SELECT value FROM {meta} WHERE key IN ('layout', 'schema')")
        try:
            rows = connection.execute(query).fetchall()
            return int(rows[0][0]) if rows else None
        except (duckdb.Error, ValueError):
            return None  # a table of that name, but none of ours
