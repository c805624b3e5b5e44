"""The index of a model's vectors, built once they are there."""

# ruff: noqa: S608 - what is put together here are our own names

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psycopg
from psycopg import errors, sql

from batchwright.builtin.postgres.names import Names
from batchwright.builtin.postgres.vector_tables import MOST_INDEXED, Extension, alone, is_there
from batchwright.contracts.embedder import EmbeddingModel

Connection = psycopg.Connection[Any]

PATIENCE = 1.0
"""Seconds to wait for those who read the vectors, before an index is dropped."""

_SHORTLY = "SELECT set_config('lock_timeout', $1, true)"
_SMALL = 512 * 1024  # bytes of vectors; of fewer an index is made before other processes have started
# Postgres looks at the pages of the table alone, not at long vectors, which lie beside it, and has one
# process build an index of less than 8 MB. An index that doesn't fit into the memory takes several times as
# long. Processes that build one together take all of it at once; by default a container has 64 MB for that.
_SETTINGS = f"""
    SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true),
    set_config('min_parallel_table_scan_size', CASE WHEN vectors.size < {_SMALL}
        THEN current_setting('min_parallel_table_scan_size') ELSE '0' END, true),
    set_config('maintenance_work_mem', greatest(64 * 1024, least(256 * 1024, 6 * vectors.size / 1024),
        (SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'maintenance_work_mem')
    )::text || 'kB', true)
    FROM pg_table_size($1::regclass) AS vectors (size)"""
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
                connection.execute(_SETTINGS, [names.tables["vectors"]])
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


def drop(connection: Connection, names: Names, number: int) -> bool:
    """Drop the index of a model, if the role may; without one that is dropped its rows take longer to go.

    Returns:
        Whether that is done: not so where others read the vectors for long. Who wants to read them meanwhile
        waits behind this.
    """
    ((before,),) = connection.execute("SELECT current_setting('lock_timeout')").fetchall()
    try:
        with suppress(errors.InsufficientPrivilege), connection.transaction():
            connection.execute(_SHORTLY, [f"{round(1000 * PATIENCE)}ms"])
            connection.execute(f"DROP INDEX IF EXISTS {_qualified(names, number)}".encode())
            connection.execute(_SHORTLY, [before])
    except errors.LockNotAvailable:
        return False
    return True


def _qualified(names: Names, number: int) -> str:
    return sql.Identifier(names.schema, f"{names.table}_vectors_{number}").as_string(None)
