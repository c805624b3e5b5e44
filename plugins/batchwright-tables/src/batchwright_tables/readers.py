"""The readers of Parquet and Arrow files: rows with the types that the file declares."""

from __future__ import annotations

import shutil
import tempfile
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import IO, Any, BinaryIO, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from batchwright import BadLine, ConfigError, DocumentError, Item, ReaderOptions, RecordType, RowReader
from batchwright.contracts.fields import Field
from batchwright_tables.arrow_fields import field_of
from batchwright_tables.arrow_values import Convert, converter
from batchwright_tables.unheld import bad_row, has_unheld

_KEYS = ("text", "integer", "uuid", "date")
_ROWS = 2_000
"""Rows that are converted at a time, at most."""
_BYTES = 8 * 1024 * 1024
"""Bytes of them, about."""
_BUFFER = 1024 * 1024
"""Bytes of a column that are read at a time."""
_IN_MEMORY = 8 * 1024 * 1024
"""Bytes kept in memory of a stream that can't go back; more go to a temporary file."""

Row = tuple[int, Mapping[str, Any] | BadLine]


class TableOptions(ReaderOptions):
    """Options of the readers.

    Attributes:
        nanoseconds: What to do with a time that has nanoseconds, where fields have microseconds: ``reject``
            the row, or ``cut`` them off.
    """

    nanoseconds: Literal["reject", "cut"] = "reject"


class TableReader(RowReader[TableOptions]):
    """What both have in common: batches of columns become rows."""

    options_type = TableOptions
    typed = True

    def sample(self, stream: BinaryIO) -> RecordType:
        """Return the type that the file declares. Its key is the first column that can be one."""
        with self._opened(stream) as (schema, _):
            return _record_type(schema)

    def rows(self, stream: BinaryIO, item: Item) -> Iterator[Row]:
        """Yield the rows, numbered from 1."""
        with self._opened(stream, item.key) as (schema, batches):
            names = [column.name for column in schema]
            cut = self.options.nanoseconds == "cut"
            converters = [converter(column.type, cut_nanoseconds=cut) for column in schema]
            yield from enumerate(chain.from_iterable(_rows(names, converters, batch) for batch in batches), 1)

    @abstractmethod
    def _batches(self, stream: Any) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        """Return the file's schema, and its rows in batches of moderate size."""

    @contextmanager
    def _opened(
        self, stream: BinaryIO, key: str = ""
    ) -> Iterator[tuple[pa.Schema, Iterator[pa.RecordBatch]]]:
        try:
            with _seekable(stream) as file:
                yield self._batches(file)
        except ConfigError as error:
            raise DocumentError(key, str(error)) from error
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            if isinstance(error, OSError) and (type(error) is not OSError or error.errno is not None):
                raise  # the stream's own, such as a lost connection: not the file's fault
            said = " ".join(str(error).split())
            raise DocumentError(key, f"it can't be read as {self.name}: {said}") from error


class ParquetReader(TableReader):
    """Reads Parquet, by row group and within one by pages."""

    name = "parquet"
    suffixes = (".parquet", ".pq")
    media_types = ("application/vnd.apache.parquet",)
    version = 1

    def _batches(self, stream: Any) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        # pre_buffer would hold a whole row group
        file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=_BUFFER, arrow_extensions_enabled=True)
        metadata = file.metadata
        groups = [metadata.row_group(position) for position in range(metadata.num_row_groups)]
        widest = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=1)
        rows = max(1, min(_ROWS, _BYTES // max(widest, 1)))
        return file.schema_arrow, file.iter_batches(batch_size=rows, use_threads=False)


class ArrowReader(TableReader):
    """Reads Arrow IPC: files (Feather is one), and streams. What it was written in batches is read so."""

    name = "arrow"
    suffixes = (".arrow", ".arrows", ".feather", ".ipc")
    media_types = ("application/vnd.apache.arrow.file", "application/vnd.apache.arrow.stream")
    version = 1

    def _batches(self, stream: Any) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
        magic = stream.read(6)
        stream.seek(0)
        if magic[:4] == b"FEA1":
            raise ConfigError("it is Feather of version 1; write it again as version 2")
        if magic == b"ARROW1":
            file = pa.ipc.open_file(stream)
            batches = (file.get_batch(position) for position in range(file.num_record_batches))
            return file.schema, _divided(batches)
        reader = pa.ipc.open_stream(stream)
        return reader.schema, _divided(iter(reader))


def _divided(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        batch.validate(full=True)  # offsets that lead out of the buffers would read anybody's memory
        rows = max(1, min(_ROWS, _BYTES * batch.num_rows // max(batch.nbytes, 1)))
        yield from (batch.slice(start, rows) for start in range(0, batch.num_rows, rows))


def _record_type(schema: pa.Schema) -> RecordType:
    fields = [field_of(column) for column in schema]
    key = next((field for field in fields if field.type in _KEYS), None)
    if key is None:
        raise ConfigError(f"it has no column that can be a key: one of {', '.join(_KEYS)}")
    return RecordType(
        "rows", tuple(_not_null(field) if field is key else field for field in fields), key.name
    )


def _not_null(field: Field) -> Field:
    return Field(field.name, field.type)


def _rows(
    names: list[str], converters: list[Convert], batch: pa.RecordBatch
) -> Iterator[Mapping[str, Any] | BadLine]:
    columns = [convert(column) for convert, column in zip(converters, batch.columns, strict=True)]
    rows = (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))
    if not any(map(has_unheld, columns)):
        yield from rows
        return
    for row in rows:
        yield bad_row(row) if has_unheld(list(row.values())) else row


@contextmanager
def _seekable(stream: BinaryIO) -> Iterator[BinaryIO | IO[bytes]]:
    """Lend the stream, or a copy of it on disk where it can't go back: formats are read from the end."""
    if stream.seekable():
        yield stream
        return
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as copy:
        shutil.copyfileobj(stream, copy)
        copy.seek(0)
        yield copy
