"""Files in memory, and what the readers make of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from batchwright_tables import ArrowReader, ParquetReader, TableOptions
from batchwright_tables.readers import TableReader

from batchwright import Item, RecordType

Write = Callable[..., bytes]


def parquet(table: pa.Table, **options: Any) -> bytes:
    data = io.BytesIO()
    pq.write_table(table, data, **options)
    return data.getvalue()


def arrow(table: pa.Table, **options: Any) -> bytes:
    data = io.BytesIO()
    with pa.ipc.new_file(data, table.schema, **options) as file:
        file.write_table(table)
    return data.getvalue()


def arrow_stream(table: pa.Table) -> bytes:
    data = io.BytesIO()
    with pa.ipc.new_stream(data, table.schema) as stream:
        stream.write_table(table)
    return data.getvalue()


class Forward(io.RawIOBase):
    """A stream that can't go back, as one that is decompressed on the way."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._data.readinto(buffer)


def reader(write: Write, **options: Any) -> TableReader:
    made = ParquetReader if write is parquet else ArrowReader
    return made(TableOptions(**options))


def sample(write: Write, data: bytes) -> RecordType:
    return reader(write).sample(io.BytesIO(data))


def rows(write: Write, data: bytes, **options: Any) -> list[Any]:
    return list(reader(write, **options).rows(io.BytesIO(data), Item("table")))
