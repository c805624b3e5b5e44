"""Tables made from a record type."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from batchwright.contracts.records import CHUNK
from batchwright.sinkkit.sql_ledger.dialect import Dialect
from batchwright.sinkkit.sql_tables import create_statements, rows_of, table_names, upsert_statement
from batchwright.testing.records import sample


def test_a_row_written_again_takes_the_new_values_and_tables_that_are_there_stay() -> None:
    dialect = Dialect(table_names('odd "name'))
    one, other = sample("a.md", ["x"]), sample("a.md", ["y"])
    with closing(sqlite3.connect(":memory:")) as connection:
        for _ in range(2):
            for statement in create_statements(dialect, CHUNK, 'odd "name'):
                connection.execute(statement)
            for chunks in (one.chunks, other.chunks):
                connection.executemany(upsert_statement(dialect, CHUNK), rows_of(chunks, CHUNK))
        records = dialect.tables["records"]
        found = connection.execute(f"SELECT _id, _document_id, chunk_text, document_date FROM {records}")
        assert found.fetchall() == [(one.chunks[0].id, one.id, "y", "2026-01-31")]
        assert connection.execute('SELECT * FROM "odd ""name"').fetchall() == [], "published without an entry"
        layout = connection.execute(f"SELECT value FROM {dialect.tables['meta']} WHERE key = 'layout'")
        assert layout.fetchall() == [("3",)]
