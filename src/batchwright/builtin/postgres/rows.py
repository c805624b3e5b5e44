"""The columns of a chunk, and their binary form: the same for COPY and for arrays.

Every field is encoded once, with its length before it. A batch is then a matter of joining: by rows for
COPY, by columns for `unnest` of arrays. That costs 4 µs a row; psycopg's lists take 20 µs, since they ask
for the type of every element.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, repeat
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import Any

from batchwright.errors import BadRecords
from batchwright.model import ProcessedChunk

MAX_TEXT = 512 * 1024 * 1024
"""Bytes of a text; Postgres takes 1 GB a value and a row, and needs room to work on them."""

MAX_JSON = 128 * 1024 * 1024
"""Bytes of metadata; jsonb takes 256 MB in its own form."""

NULL = b"\xff\xff\xff\xff"
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"
_BLOCK = 128

Encoder = Callable[[Sequence[ProcessedChunk]], list[bytes]]
Fields = list[list[bytes]]

_int32 = Struct("!i").pack
_field32 = Struct("!ii").pack
_field64 = Struct("!iq").pack
_array_header = Struct("!iiIii").pack
_POSTGRES_EPOCH = date(2000, 1, 1).toordinal()
_UUID_LENGTH = _int32(16)
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_to_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A type of Postgres, with its oids (fixed in ``pg_type.dat``) as an element and as an array."""

    name: str
    oid: int
    array_oid: int


UUID = ColumnType("uuid", 2950, 2951)
TEXT = ColumnType("text", 25, 1009)
DATE = ColumnType("date", 1082, 1182)
INT4 = ColumnType("integer", 23, 1007)
INT8 = ColumnType("bigint", 20, 1016)
JSONB = ColumnType("jsonb", 3802, 3807)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a chunk: its name, type, encoding, and whether NULL is allowed."""

    name: str
    type: ColumnType
    encode: Encoder
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class BinaryArray:
    """An array in binary form, as a parameter of a statement."""

    type: ColumnType
    data: bytes


def _uuid(text: str) -> bytes:
    data = bytes.fromhex(text.replace("-", ""))
    if len(data) != 16:
        raise ValueError(f"not a UUID: {text[:50]!r}")
    return data


def _ids(chunks: Sequence[ProcessedChunk]) -> list[bytes]:
    return [_UUID_LENGTH + _uuid(chunk.id) for chunk in chunks]


def _document_ids(chunks: Sequence[ProcessedChunk]) -> list[bytes]:
    return [_UUID_LENGTH + _uuid(chunk.document_id) for chunk in chunks]


def _text_field(text: str) -> bytes:
    if "\0" in text:
        raise ValueError(f"NUL at character {text.index(chr(0))}, which Postgres can't store")
    data = text.encode()
    if len(data) > MAX_TEXT:
        raise ValueError(f"{len(data)} bytes; Postgres has room for {MAX_TEXT}")
    return _int32(len(data)) + data


def _texts(name: str) -> Encoder:
    def encode(chunks: Sequence[ProcessedChunk]) -> list[bytes]:
        return [_text_field(getattr(chunk, name)) for chunk in chunks]

    return encode


def _repeated_texts(name: str, *, nullable: bool = False) -> Encoder:
    """Encode texts that neighbours share, each once."""

    def encode(chunks: Sequence[ProcessedChunk]) -> list[bytes]:
        known: dict[Any, bytes] = {None: NULL} if nullable else {}
        fields: list[bytes] = []
        for chunk in chunks:
            text = getattr(chunk, name)
            field = known.get(text)
            if field is None:
                field = known[text] = _text_field(text)
            fields.append(field)
        return fields

    return encode


def _dates(chunks: Sequence[ProcessedChunk]) -> list[bytes]:
    return [
        NULL if (day := chunk.document_date) is None else _field32(4, day.toordinal() - _POSTGRES_EPOCH)
        for chunk in chunks
    ]


def _integers(name: str) -> Encoder:
    def encode(chunks: Sequence[ProcessedChunk]) -> list[bytes]:
        return [_field32(4, getattr(chunk, name)) for chunk in chunks]

    return encode


def _offsets(name: str) -> Encoder:
    def encode(chunks: Sequence[ProcessedChunk]) -> list[bytes]:
        return [NULL if (offset := getattr(chunk, name)) is None else _field64(8, offset) for chunk in chunks]

    return encode


def _json_field(value: Mapping[str, Any]) -> bytes:
    text = _to_json(value if isinstance(value, dict) else dict(value))
    if "\\u0000" in text and _ESCAPED_NUL.search(text):
        raise ValueError("NUL in a text, which jsonb can't store")
    data = b"\x01" + text.encode()
    if len(data) > MAX_JSON:
        raise ValueError(f"{len(data)} bytes of JSON; there is room for {MAX_JSON}")
    return _int32(len(data)) + data


def _metadata(chunks: Sequence[ProcessedChunk]) -> list[bytes]:
    known: dict[int, bytes] = {}  # by identity: the chunks of a document share one mapping
    fields: list[bytes] = []
    for chunk in chunks:
        field = known.get(id(chunk.metadata))
        if field is None:
            field = known[id(chunk.metadata)] = _json_field(chunk.metadata)
        fields.append(field)
    return fields


COLUMNS = (
    Column("id", UUID, _ids),
    Column("document_id", UUID, _document_ids),
    Column("chunk_text", TEXT, _texts("chunk_text")),
    Column("chunk_hash", TEXT, _texts("chunk_hash")),
    Column("context_header", TEXT, _repeated_texts("context_header")),
    Column("source_file", TEXT, _repeated_texts("source_file")),
    Column("source_category", TEXT, _repeated_texts("source_category", nullable=True), nullable=True),
    Column("document_date", DATE, _dates, nullable=True),
    Column("chunk_index", INT4, _integers("chunk_index")),
    Column("total_chunks", INT4, _integers("total_chunks")),
    Column("chunk_token_count", INT4, _integers("chunk_token_count")),
    Column("metadata", JSONB, _metadata),
    Column("span_start", INT8, _offsets("span_start"), nullable=True),
    Column("span_end", INT8, _offsets("span_end"), nullable=True),
)

_FIELD_COUNT = Struct("!h").pack(len(COLUMNS))
_REFUSALS = (ValueError, TypeError, AttributeError, RecursionError, StructError)


def encode(chunks: Sequence[ProcessedChunk]) -> Fields:
    """Return the fields of the chunks by column, each with its length before it.

    Raises:
        BadRecords: Names the chunks that can't be stored, and why.
        ValueError: Two of them have the same id.
    """
    try:
        fields = [column.encode(chunks) for column in COLUMNS]
    except _REFUSALS:
        if reasons := dict(_refused(chunks)):
            raise BadRecords(reasons) from None
        raise
    if len(set(fields[0])) < len(chunks):
        raise ValueError(f"two records of the batch have the same id: {_first_repeated(fields[0])}")
    return fields


def arrays(fields: Fields) -> list[BinaryArray]:
    """Return the columns as arrays, for ``unnest``."""
    return [
        BinaryArray(
            column.type,
            _array_header(1, NULL in values if column.nullable else 0, column.type.oid, len(values), 1)
            + b"".join(values),
        )
        for column, values in zip(COLUMNS, fields, strict=True)
    ]


def copy_blocks(fields: Fields) -> Iterator[bytes]:
    """Return the rows as COPY wants them, in binary, a block at a time."""
    yield COPY_HEADER
    for start in range(0, len(fields[0]), _BLOCK):
        block = [values[start : start + _BLOCK] for values in fields]
        rows = zip(repeat(_FIELD_COUNT), *block)
        yield b"".join(chain.from_iterable(rows))
    yield COPY_TRAILER


def _refused(chunks: Sequence[ProcessedChunk]) -> Iterator[tuple[int, str]]:
    for position, chunk in enumerate(chunks):
        for column in COLUMNS:
            try:
                column.encode([chunk])
            except UnicodeEncodeError as error:
                reason = f"a lone surrogate at character {error.start}, which UTF-8 can't express"
                yield position, f"{column.name}: {reason}"
                break
            except _REFUSALS as error:
                yield position, f"{column.name}: {error}"
                break


def _first_repeated(ids: Sequence[bytes]) -> str:
    seen: set[bytes] = set()
    for number in ids:
        if number in seen:
            digits = number[4:].hex()
            return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
        seen.add(number)
    raise AssertionError("no id is repeated")
