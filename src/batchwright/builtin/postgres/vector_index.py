"""The index of a model's vectors, and the view of them: what is made once the vectors are there."""

# ruff: noqa: S608 - what is put together here are our own names

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psycopg
from psycopg import errors, sql

from batchwright.builtin.postgres.columns import kept, shown
from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.vector_tables import MOST_INDEXED, Extension, alone, is_there
from batchwright.contracts.embedder import EmbeddingModel
from batchwright.contracts.records import RecordType
from batchwright.sinkkit.filters import METADATA
from batchwright.sinkkit.sql_tables import for_format

Connection = psycopg.Connection[Any]

_MEMORY = 256 * 1024  # kB; an index that doesn't fit takes several times as long
_SETTINGS = f"""
    SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true),
    set_config('maintenance_work_mem', greatest(
        {_MEMORY}, (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'maintenance_work_mem')
    )::text || 'kB', true)"""
_BY_ITSELF = "SELECT set_config('max_parallel_maintenance_workers', '0', true)"
_BUILD = "CREATE INDEX {{own}} ON {{vectors}} USING hnsw ({unit} {{ext}}.halfvec_cosine_ops) WHERE {model}"


def build(
    connection: Connection, names: Names, extension: Extension, number: int, model: EmbeddingModel
) -> None:
    """Build the index where it isn't there, if pgvector can and the role may; else searches look at all.

    If another run builds it, wait for that.

    Args:
        connection: In a transaction.
        names: The relations.
        extension: pgvector.
        number: The model's number.
        model: The model.
    """
    if model.dimensions > MOST_INDEXED or is_built(connection, names, number):
        return
    unit = extension.unit(model.dimensions, "vector")
    statement = names.statement(
        _BUILD.format(unit=unit, model=f"model = {number}"),
        own=sql.Identifier(f"{names.table}_vectors_{number}"),
        ext=sql.SQL(extension.schema),
    )
    # A server in a container may have little shared memory for several processes to build it together.
    for by_itself in (False, True):
        try:
            with connection.transaction():
                connection.execute(_SETTINGS)
                alone(connection, names, "index")
                if is_built(connection, names, number):
                    return
                if by_itself:
                    connection.execute(_BY_ITSELF)
                connection.execute(statement)
                connection.execute(names.statement("ANALYZE {vectors}"))
            return
        except errors.InsufficientPrivilege:
            return
        except (errors.DiskFull, errors.OutOfMemory, errors.InternalError):
            if by_itself:
                raise


def is_built(connection: Connection, names: Names, number: int) -> bool:
    """Tell whether the index of a model is there."""
    return is_there(connection, names, f"vectors_{number}")


def drop(connection: Connection, names: Names, number: int) -> None:
    """Drop the index of a model, if the role may; without one that is dropped its rows take longer to go."""
    with suppress(errors.InsufficientPrivilege), connection.transaction():
        connection.execute(f"DROP INDEX IF EXISTS {_qualified(names, number)}".encode())


def show(connection: Connection, names: Names, record_type: RecordType) -> None:
    """Create the view that LangChain reads, where it isn't there, if the role may."""
    if is_there(connection, names, "langchain"):
        return
    view = sql.Identifier(names.schema, f"{names.table}_langchain")
    with suppress(errors.InsufficientPrivilege), connection.transaction():
        connection.execute(names.statement(_langchain(record_type), langchain=view))


def _langchain(record_type: RecordType) -> str:
    """Return the statement that creates the view, as a template; its columns have LangChain's own names."""
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
        f"CREATE VIEW {{langchain}} AS SELECT {', '.join(columns)} FROM {{records}} AS c "
        "JOIN {documents} AS d ON d.document_id = c._document_id "
        "JOIN {models} AS m ON m.is_used JOIN {vectors} AS v ON v.model = m.id AND v.key = c._vector_key"
    )


def _qualified(names: Names, number: int) -> str:
    return sql.Identifier(names.schema, f"{names.table}_vectors_{number}").as_string(None)
