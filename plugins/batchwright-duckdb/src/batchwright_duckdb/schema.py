"""The tables: the ledger's, the records and the published view, and how they come into being."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `quoted`

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from batchwright import Field, RecordType
from batchwright.contracts.fields import FieldType
from batchwright.contracts.records import CHUNK
from batchwright.sinkkit.record_changes import META_KEY, added_fields, extended, widened_fields
from batchwright.sinkkit.refused_tables import check_layout, dropped, foreign
from batchwright.sinkkit.sql_ledger.tables import LAYOUT, TABLES
from batchwright.sinkkit.sql_tables import quoted, stored_type
from batchwright_duckdb.dialect import DuckdbDialect

TYPES: Mapping[FieldType, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "real": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "datetime": "TIMESTAMP",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "uuid": "UUID",
    "bytes": "BLOB",
    "json": "JSON",
}


class Schema:
    """The relations of one sink.

    Attributes:
        dialect: The ledger's tables, and that of the records.
        records: The table with the records, quoted with its schema.
        view: The published view, likewise.
    """

    def __init__(self, schema: str, table: str, record_type: RecordType | None = None) -> None:
        self._schema = schema
        self._table = table
        self._record_type = record_type
        self._plain = {"view": table, **{suffix: f"{table}_{suffix}" for suffix in (*TABLES, "records")}}
        full = {suffix: f"{quoted(schema)}.{quoted(name)}" for suffix, name in self._plain.items()}
        self.dialect = DuckdbDialect(full)
        self.records, self.view = full["records"], full["view"]

    def existing(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """Return the type of what exists, by suffix, after checking that it is ours.

        Raises:
            SinkError: Something else has one of the names, or the tables have another layout.
        """
        suffixes = {name.lower(): suffix for suffix, name in self._plain.items()}
        tables = ((name.lower(), kind) for name, kind in tables_of(connection, self._schema).items())
        there = {suffixes[name]: kind for name, kind in tables if name in suffixes}
        if not there:
            return there
        alien = [key for key, kind in there.items() if (kind == "VIEW") != (key == "view")]
        layout = self._layout(connection) if there.get("meta") == "BASE TABLE" else None
        if layout is None or alien:
            name = self._plain[alien[0] if alien else next(iter(there))]
            raise foreign(name, "duckdb")
        check_layout(self._plain["view"], layout)
        return there

    def is_ready(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Tell whether everything is there.

        Raises:
            ConfigError: The tables were made for another record type.
        """
        return self.existing(connection).keys() == self._plain.keys() and not self._lacking(connection)

    def resolved(self, connection: duckdb.DuckDBPyConnection) -> RecordType:
        """Return what the records are."""
        return self._record_type or stored_type(connection, self.dialect) or CHUNK

    def create(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Create what is missing, in the transaction that is open.

        Raises:
            SinkError: Some tables are there and others are not.
        """
        self.check_dropped(connection)
        there = self.existing(connection)
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(self._schema)}")
        for statement in self.dialect.definitions().values():
            connection.execute(statement)
        if "meta" not in there:
            connection.execute(self.dialect.fill("INSERT INTO {meta} VALUES ('layout', ?)"), [str(LAYOUT)])
        stored, lacking = stored_type(connection, self.dialect), self._lacking(connection)
        record_type = stored or self.resolved(connection)
        columns = ", ".join(map(_column, record_type.fields))
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {self.records} "
            f"(_id UUID NOT NULL, _document_id UUID NOT NULL, {columns})"
        )
        for field in lacking:
            change = f"ADD COLUMN {_column(field)}"
            if field.name in record_type.names:
                change = f"ALTER COLUMN {quoted(field.name)} TYPE {_kind(field)}"
            connection.execute(f"ALTER TABLE {self.records} {change}")
        record_type = extended(record_type, lacking)
        own = f"c._id AS {record_type.id_column}, d.collection AS {record_type.collection_column}"
        shown = ", ".join(f"c.{quoted(name)}" for name in record_type.names)
        connection.execute(
            f"CREATE OR REPLACE VIEW {self.view} AS SELECT {own}, {shown} FROM {self.records} AS c "
            f"JOIN {self.dialect.tables['documents']} AS d ON CAST(d.document_id AS UUID) = c._document_id"
        )
        values = [record_type.as_json(), META_KEY]
        if stored is None:
            connection.execute(self.dialect.fill("INSERT INTO {meta} (value, key) VALUES (?, ?)"), values)
        elif lacking:
            connection.execute(self.dialect.fill("UPDATE {meta} SET value = ? WHERE key = ?"), values)

    def check_dropped(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Check that where there are tables, none is gone whose rows nothing else holds.

        Raises:
            SinkError: Some are gone.
        """
        there = self.existing(connection)
        gone = self._plain.keys() - there.keys() - {"view"} if there else ()
        if gone:
            raise dropped(self._plain["view"], (self._plain[suffix] for suffix in gone))

    def _lacking(self, connection: duckdb.DuckDBPyConnection) -> tuple[Field, ...]:
        """Return the fields that the tables lack, or have in a narrower type."""
        stored = stored_type(connection, self.dialect)
        if stored is None or self._record_type is None:
            return ()
        added = added_fields(stored, self._record_type, self._table, widens=True)
        return (*added, *widened_fields(stored, self._record_type))

    def _layout(self, connection: duckdb.DuckDBPyConnection) -> int | None:
        query = self.dialect.fill("SELECT value FROM {meta} WHERE key IN ('layout', 'schema')")
        try:
            rows = connection.execute(query).fetchall()
            return int(rows[0][0]) if rows else None
        except (duckdb.Error, ValueError):
            return None  # a table of that name, but none of ours


def tables_of(connection: duckdb.DuckDBPyConnection, schema: str) -> dict[str, str]:
    """Return the tables and views of a schema, and which each is."""
    rows = connection.execute(
        "SELECT table_name, table_type FROM information_schema.tables "
        "WHERE table_catalog = current_database() AND lower(table_schema) = lower(?)",
        [schema],
    )
    return dict(rows.fetchall())


def _column(field: Field) -> str:
    return f"{quoted(field.name)} {_kind(field)}{'' if field.nullable else ' NOT NULL'}"


def _kind(field: Field) -> str:
    digits = f"DECIMAL({field.precision}, {field.scale})"
    return digits if field.type == "decimal" else TYPES[field.type]
