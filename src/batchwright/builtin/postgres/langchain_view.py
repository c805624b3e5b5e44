"""The view that LangChain reads: the published records with the vectors in use."""

# ruff: noqa: S608 - what is put together here are our own names

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psycopg
from psycopg import errors

from batchwright.builtin.postgres.columns import kept, shown
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.vector_tables import is_there
from batchwright.contracts.records import RecordType
from batchwright.sinkkit.filters import METADATA
from batchwright.sinkkit.sql_tables import for_format

LANGCHAIN = "langchain"
"""The suffix of its name."""

_OURS = """
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.oid = to_regclass($1) AND c.relkind = 'v' AND a.attname = 'langchain_id'
    )"""

Connection = psycopg.Connection[Any]


def show(connection: Connection, names: Names, record_type: RecordType) -> None:
    """Create the view where it isn't there, if the role may."""
    if not is_there(connection, names, LANGCHAIN):
        with suppress(errors.InsufficientPrivilege), connection.transaction():
            connection.execute(names.statement(definition(record_type)))


def is_shown(connection: Connection, names: Names) -> bool:
    """Tell whether the view is there; somebody else's relation may have its name."""
    ((found,),) = connection.execute(_OURS, [names.tables[LANGCHAIN]]).fetchall()
    return bool(found)


def definition(record_type: RecordType) -> str:
    """Return the statement that creates it, or adds columns at its end, as a template.

    Its first columns have LangChain's own names.
    """
    metadata = METADATA if record_type.is_chunk else None
    own = ("langchain_id", "content", "embedding", "langchain_metadata", "collection")
    fields = [name for name in record_type.names if name not in {record_type.text, metadata, *own}]
    columns = [
        "c._id AS langchain_id",
        f"c.{for_format(kept(record_type.text or ''))} AS content",
        "v.vector AS embedding",
        f"{f'c.{metadata}::json' if metadata else 'NULL::json'} AS langchain_metadata",
        "d.collection AS collection",
        *(for_format(f"c.{kept(name)} AS {shown(name)}") for name in fields),
    ]
    return (
        f"CREATE OR REPLACE VIEW {{langchain}} AS SELECT {', '.join(columns)} FROM {{records}} AS c "
        "JOIN {documents} AS d ON d.document_id = c._document_id "
        "JOIN {models} AS m ON m.is_used JOIN {vectors} AS v ON v.model = m.id AND v.key = c._vector_key"
    )
