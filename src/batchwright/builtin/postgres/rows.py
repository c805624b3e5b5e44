"""Records in Postgres' binary form: the same for COPY and for arrays.

Every field is encoded once, with its length before it. A batch is then a matter of joining: by rows for
COPY, by columns for `unnest` of arrays. That takes half the time of psycopg's lists (5 and
10 µs a row in one measurement), since those ask for the type of every element.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, repeat
from struct import Struct

from batchwright.builtin.postgres.columns import kept
from batchwright.builtin.postgres.encoding import (
    REFUSALS,
    UUID,
    BinaryArray,
    ColumnType,
    Encoder,
    array,
    column_type,
    encoder,
    uuid_field,
    uuids,
)
from batchwright.builtin.postgres.narrow import ServerEncoding
from batchwright.builtin.postgres.search_column import SEARCH_COLUMN, SearchColumn
from batchwright.builtin.postgres.tsvector import TSVECTOR
from batchwright.contracts.records import RecordType
from batchwright.contracts.rows import Placed, ids_of
from batchwright.errors import BadRecords
from batchwright.model import record_id, version_of
from batchwright.sinkkit.columns import ValueLimits, check_column, fault_of

COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"
BLOCK = 64
"""Rows that are encoded and sent at a time."""

Fields = list[list[bytes]]

_LAST_POSITION = 0xFFFFFFFF
_LIMITS = ValueLimits()


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its quoted name, its type, and whether NULL is allowed."""

    name: str
    type: ColumnType
    nullable: bool = False


class Rows:
    """What a record type is in Postgres: its columns, and how its records are encoded.

    Args:
        record_type: The record type.
        searched: The encoding of the database where there is a search column; else None.

    Attributes:
        record_type: The record type.
        columns: The columns, the engine's first, the search column last.
    """

    def __init__(self, record_type: RecordType, searched: ServerEncoding | None = None) -> None:
        self.record_type = record_type
        self._search = None if searched is None else SearchColumn(record_type, searched)
        self.columns = (
            Column("_id", UUID),
            Column("_document_id", UUID),
            *(Column(kept(one.name), column_type(one), one.nullable) for one in record_type.fields),
            *([] if searched is None else [Column(SEARCH_COLUMN, TSVECTOR, nullable=True)]),
        )
        self._encoders: list[Encoder] = [encoder(field, record_type) for field in record_type.fields]
        self._field_count = Struct("!h").pack(len(self.columns))

    def encode(self, records: Sequence[Placed]) -> Fields:
        """Return the fields of the records by column, each with its length before it.

        Raises:
            ValueError: A record can't be stored; `diagnose` says which, and why.
            TypeError: As above, as may be AttributeError, RecursionError and struct.error.
        """
        ids = uuids(ids_of(records))
        columns = self.record_type.columns(records)
        if not self.record_type.is_chunk:
            for field, values in zip(self.record_type.fields, columns, strict=True):
                check_column(field, values, _LIMITS)
        encoded = [encode(values) for encode, values in zip(self._encoders, columns, strict=True)]
        if self._search is not None:
            encoded.append(self._search.encode(columns))
        return [ids, [field[:-4] + bytes(4) for field in ids], *encoded]

    def diagnose(self, records: Sequence[Placed], error: Exception) -> Exception:
        """Return BadRecords with all records that can't be stored; the error itself if there is none."""
        reasons = dict(self._refused(records))
        return BadRecords(reasons) if reasons else error

    def arrays(self, blocks: Iterable[Fields]) -> list[BinaryArray]:
        """Return blocks of fields as arrays by column, for ``unnest``. Raises as `encode`."""
        return [
            array(column.type, [*chain.from_iterable(values)], nullable=column.nullable)
            for column, values in zip(self.columns, zip(*blocks, strict=True), strict=True)
        ]

    def blocks(self, records: Sequence[Placed]) -> Iterator[Fields]:
        """Return the fields of the records, a block of records at a time. Raises as `encode`."""
        return (self.encode(records[start : start + BLOCK]) for start in range(0, len(records), BLOCK))

    def copy_blocks(self, blocks: Iterable[Fields]) -> Iterator[bytes]:
        """Return blocks of fields as COPY wants them: encoding overlaps with storing. Raises as `encode`."""
        yield COPY_HEADER
        for fields in blocks:
            yield b"".join(chain.from_iterable(zip(repeat(self._field_count), *fields)))
        yield COPY_TRAILER

    def _refused(self, records: Sequence[Placed]) -> Iterator[tuple[int, str]]:
        for position, record in enumerate(records):
            try:
                uuid_field(record.id)
            except REFUSALS as error:
                yield position, f"id: {error}"
                continue
            if reason := self._reason(self.record_type.values(record)):
                yield position, reason

    def _reason(self, values: Sequence[object]) -> str | None:
        for field, encode, value in zip(self.record_type.fields, self._encoders, values, strict=True):
            if fault := fault_of(field, value, _LIMITS, exact=not self.record_type.is_chunk):
                return f"{field.name} {fault}"
            try:
                encode([value])
            except REFUSALS as error:
                return f"{field.name} {error}"
        return None


@lru_cache(maxsize=64)
def rows_of(record_type: RecordType, searched: ServerEncoding | None = None) -> Rows:
    """Return the rows of a record type, compiled once. Arguments as for `Rows`."""
    return Rows(record_type, searched)


def check_ids(records: Sequence[Placed]) -> None:
    """Check that no two records have the same id.

    Raises:
        ValueError: Two have; names the id.
    """
    ids = ids_of(records)
    if len(set(ids)) < len(ids):
        repeated = next(identity for identity, count in Counter(ids).items() if count > 1)
        raise ValueError(f"two records of the batch have the same id: {repeated}")


def held(records: Sequence[Placed]) -> Counter[str]:
    """Return how many of the records each document version has."""
    return Counter([*map(version_of, ids_of(records))])


def span(version: str) -> tuple[str, str]:
    """Return the first and the last id that a record of the document version can have."""
    return record_id(version, 0), record_id(version, _LAST_POSITION)
