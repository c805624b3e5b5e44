"""Tables for batchwright: Parquet and Arrow files, queries of PostgreSQL and of other databases."""

from __future__ import annotations

from typing import Any

from batchwright import RowReader, Source, hookimpl
from batchwright_tables.dbapi_source import DbapiQuery, DbapiQueryOptions
from batchwright_tables.postgres_options import PostgresQueryOptions
from batchwright_tables.postgres_source import PostgresQuery
from batchwright_tables.readers import ArrowReader, ParquetReader, TableOptions

__all__ = [
    "ArrowReader",
    "DbapiQuery",
    "DbapiQueryOptions",
    "ParquetReader",
    "PostgresQuery",
    "PostgresQueryOptions",
    "TableOptions",
    "register_readers",
    "register_sources",
]


@hookimpl
def register_sources() -> list[type[Source[Any]]]:
    """Offer the queries."""
    return [PostgresQuery, DbapiQuery]


@hookimpl
def register_readers() -> list[type[RowReader[Any]]]:
    """Offer the readers of files."""
    return [ParquetReader, ArrowReader]
