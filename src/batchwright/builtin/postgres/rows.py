"""The columns of a chunk, and their binary form: the same for COPY and for arrays.

Every field is encoded once, with its length before it. A batch is then a matter of joining: by rows for
COPY, by columns for `unnest` of arrays. That takes half the time of psycopg's lists (5 and
10 µs a row in one measurement), since those ask for the type of every element.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import chain, repeat
from operator import add, attrgetter, contains
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import Any, NamedTuple

from batchwright.errors import BadRecords
from batchwright.model import ProcessedChunk, chunk_id

MAX_TEXT = 512 * 1024 * 1024
"""Bytes of a text; Postgres takes 1 GB a value and a row, and needs room to work on them."""

MAX_JSON = 128 * 1024 * 1024
"""Bytes of metadata; jsonb takes 256 MB in its own form."""

NULL = b"\xff\xff\xff\xff"
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"
BLOCK = 64
"""Rows that are encoded and sent at a time by COPY."""

Encoder = Callable[[Sequence[ProcessedChunk]], list[bytes]]
Fields = list[list[bytes]]

_int32 = Struct("!i").pack
_field32 = Struct("!ii").pack
_field64 = Struct("!iq").pack
_array_header = Struct("!iiIii").pack
_LAST_INDEX = 0xFFFFFFFF
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


class BinaryArray(NamedTuple):
    """An array in binary form, as a parameter of a statement."""

    type: ColumnType
    data: bytes


def _uuid(text: str) -> bytes:
    data = bytes.fromhex(text.replace("-", ""))
    if len(data) != 16:
        raise ValueError(f"not a UUID: {text[:50]!r}")
    return _UUID_LENGTH + data


_repeated_uuid = lru_cache(maxsize=1024)(_uuid)


def uuids(values: Iterable[str]) -> list[bytes]:
    """Return fields of UUIDs in text form that come again and again."""
    return list(map(_repeated_uuid, values))


def texts(values: Iterable[str]) -> list[bytes]:
    """Return fields of texts.

    Raises:
        ValueError: One holds NUL or a lone surrogate, or is too long.
    """
    known = list(values)
    if any(map(contains, known, repeat("\0"))):
        position = next(text.index("\0") for text in known if "\0" in text)
        raise ValueError(f"NUL at character {position}, which Postgres can't store")
    encoded = list(map(str.encode, known))
    lengths = list(map(len, encoded))
    if lengths and max(lengths) > MAX_TEXT:
        raise ValueError(f"{max(lengths)} bytes; Postgres has room for {MAX_TEXT}")
    return list(map(add, map(_int32, lengths), encoded))


def integers(values: Iterable[int]) -> list[bytes]:
    """Return fields of integers of 32 bits."""
    return list(map(_field32, repeat(4), values))


def big_integers(values: Iterable[int | None]) -> list[bytes]:
    """Return fields of integers of 64 bits; None is NULL."""
    return [NULL if value is None else _field64(8, value) for value in values]


def _ids(chunks: Sequence[ProcessedChunk]) -> list[bytes]:
    return [_uuid(chunk.id) for chunk in chunks]


def _document_ids(chunks: Sequence[ProcessedChunk]) -> list[bytes]:
    return [field[:-4] + bytes(4) for field in _ids(chunks)]


def _texts(name: str) -> Encoder:
    get = attrgetter(name)
    return lambda chunks: texts(map(get, chunks))


def _repeated_texts(name: str, *, nullable: bool = False) -> Encoder:
    """Encode texts that neighbours share, each once."""
    get = attrgetter(name)

    def encode(chunks: Sequence[ProcessedChunk]) -> list[bytes]:
        values = list(map(get, chunks))
        distinct = dict.fromkeys(values)
        if nullable:
            distinct.pop(None, None)
        known: dict[Any, bytes] = dict(zip(distinct, texts(distinct), strict=True))
        if nullable:
            known[None] = NULL
        return list(map(known.__getitem__, values))

    return encode


def _dates(chunks: Sequence[ProcessedChunk]) -> list[bytes]:
    return [
        NULL if (day := chunk.document_date) is None else _field32(4, day.toordinal() - _POSTGRES_EPOCH)
        for chunk in chunks
    ]


def _integers(name: str) -> Encoder:
    get = attrgetter(name)
    return lambda chunks: integers(map(get, chunks))


def _offsets(name: str) -> Encoder:
    get = attrgetter(name)
    return lambda chunks: big_integers(map(get, chunks))


def _json_field(value: Mapping[str, Any]) -> bytes:
    text = _to_json(value if isinstance(value, dict) else dict(value))
    if "\\u0000" in text and _ESCAPED_NUL.search(text):
        raise ValueError("NUL in a text, which jsonb can't store")
    data = b"\x01" + text.encode()
    if len(data) > MAX_JSON:
        raise ValueError(f"{len(data)} bytes of JSON; there is room for {MAX_JSON}")
    return _int32(len(data)) + data


def _metadata(chunks: Sequence[ProcessedChunk]) -> list[bytes]:
    values = [chunk.metadata for chunk in chunks]
    # By identity: the chunks of a document share one mapping.
    distinct = {id(value): value for value in values}
    known = {key: _json_field(value) for key, value in distinct.items()}
    return [known[id(value)] for value in values]


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
REFUSALS = (ValueError, TypeError, AttributeError, RecursionError, StructError)


def encode(chunks: Sequence[ProcessedChunk]) -> Fields:
    """Return the fields of the chunks by column, each with its length before it.

    Raises:
        ValueError: A chunk can't be stored; `diagnose` says which, and why.
        TypeError: As above, as may be AttributeError, RecursionError and struct.error.
    """
    return [column.encode(chunks) for column in COLUMNS]


def diagnose(chunks: Sequence[ProcessedChunk], error: Exception) -> Exception:
    """Return BadRecords with all chunks that can't be stored; the error itself if there is none."""
    reasons = dict(_refused(chunks))
    return BadRecords(reasons) if reasons else error


def check_ids(chunks: Sequence[ProcessedChunk]) -> None:
    """Check that no two chunks have the same id.

    Raises:
        ValueError: Two have; names the id.
    """
    ids = [chunk.id for chunk in chunks]
    if len(set(ids)) < len(ids):
        repeated = next(identity for identity, count in Counter(ids).items() if count > 1)
        raise ValueError(f"two records of the batch have the same id: {repeated}")


def array(kind: ColumnType, fields: Sequence[bytes], *, nullable: bool = False) -> BinaryArray:
    """Return fields as an array."""
    header = _array_header(1, int(nullable and NULL in fields), kind.oid, len(fields), 1)
    return BinaryArray(kind, header + b"".join(fields))


def arrays(fields: Fields) -> list[BinaryArray]:
    """Return the columns as arrays, for ``unnest``."""
    return [
        array(column.type, values, nullable=column.nullable)
        for column, values in zip(COLUMNS, fields, strict=True)
    ]


def copy_blocks(chunks: Sequence[ProcessedChunk]) -> Iterator[bytes]:
    """Return the rows as COPY wants them, in binary, a block at a time: encoding overlaps with storing.

    Raises:
        ValueError: And others, as `encode`.
    """
    yield COPY_HEADER
    for start in range(0, len(chunks), BLOCK):
        rows = zip(repeat(_FIELD_COUNT), *encode(chunks[start : start + BLOCK]))
        yield b"".join(chain.from_iterable(rows))
    yield COPY_TRAILER


def span(version: str) -> tuple[str, str]:
    """Return the first and the last id that a chunk of the document version can have."""
    return chunk_id(version, 0), chunk_id(version, _LAST_INDEX)


def _refused(chunks: Sequence[ProcessedChunk]) -> Iterator[tuple[int, str]]:
    for position, chunk in enumerate(chunks):
        for column in COLUMNS:
            try:
                column.encode([chunk])
            except UnicodeEncodeError as error:
                reason = f"a lone surrogate at character {error.start}, which UTF-8 can't express"
                yield position, f"{column.name}: {reason}"
                break
            except REFUSALS as error:
                yield position, f"{column.name}: {error}"
                break
