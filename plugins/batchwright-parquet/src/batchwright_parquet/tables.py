"""Reading and writing single Parquet files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from batchwright_parquet.options import Compression
from batchwright_parquet.rows import fitted

_ROW_GROUP = 10_000
_HEAD = 28  # characters of a record's id that name its document version; the rest is its position


def write_file(path: Path, table: pa.Table, compression: Compression, *, durable: bool) -> None:
    """Write a table to a new file, down to the disk."""
    with path.open("xb") as file:
        pq.write_table(table, file, compression=compression, row_group_size=_ROW_GROUP)
        file.flush()
        if durable:
            os.fsync(file.fileno())


def read_file(path: Path, schema: pa.Schema) -> pa.Table:
    """Return what is in a file, by the columns of the schema; nothing where there is no file."""
    try:
        with pq.ParquetFile(path) as file:
            there = set(file.schema_arrow.names)
            return fitted(file.read(columns=[name for name in schema.names if name in there]), schema)
    except FileNotFoundError:
        return schema.empty_table()


def pieces(path: Path, columns: list[str]) -> Iterator[pa.RecordBatch]:
    """Yield some columns of a file piece by piece; nothing where there is no file."""
    try:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=2_000, columns=columns)
    except FileNotFoundError:
        return


def damage_of(path: Path) -> str:
    """Read all of a file, piece by piece; return what is wrong with it, or nothing."""
    try:
        with pq.ParquetFile(path) as file:
            for _ in file.iter_batches(batch_size=2_000):
                pass
    except FileNotFoundError:  # its rows are counted as missing
        return ""
    except (OSError, pa.ArrowException) as error:
        return " ".join(str(error).split()) or type(error).__name__
    return ""


def of_documents(table: pa.Table, document_ids: Iterable[str]) -> pa.Table:
    """Return the rows of some document versions."""
    return table.filter(_belongs(table, document_ids))


def without_documents(table: pa.Table, document_ids: Iterable[str]) -> pa.Table:
    """Return the rows of all other document versions."""
    return table.filter(pc.invert(_belongs(table, document_ids)))


def without_ids(table: pa.Table, ids: Iterable[str]) -> pa.Table:
    """Return the rows with other ids."""
    wanted = pa.array(list(ids), pa.string())
    return table.filter(pc.invert(pc.is_in(table.column(0), value_set=wanted)))


def merged(older: Iterable[pa.Table], newer: pa.Table) -> pa.Table:
    """Return all rows, of those with the same id the newest, by document and position."""
    result = newer
    for table in reversed(list(older)):
        rest = without_ids(table, result.column(0).to_pylist())
        result = pa.concat_tables([rest, result])
    return result.sort_by([(result.column_names[0], "ascending")])


def document_ids(ids: Iterable[str]) -> list[str]:
    """Return the document versions that ids of records belong to."""
    return [f"{identity[:_HEAD]}00000000" for identity in ids]


def texts(rows: pa.Table | pa.RecordBatch, column: str) -> list[str]:
    """Return the values of a column."""
    values: list[Any] = rows[column].to_pylist()
    return values


def _belongs(table: pa.Table, versions: Iterable[str]) -> Any:
    heads = pc.utf8_slice_codeunits(table.column(0), 0, _HEAD)
    return pc.is_in(heads, value_set=pa.array([version[:_HEAD] for version in versions], pa.string()))
