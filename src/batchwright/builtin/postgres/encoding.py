"""Values in Postgres' binary form, each with its length before it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import repeat
from operator import add, contains
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import Any, NamedTuple

from batchwright.contracts.fields import Field, FieldType
from batchwright.contracts.records import RecordType

MAX_TEXT = 512 * 1024 * 1024
"""Bytes of a text; Postgres takes 1 GB a value and a row, and needs room to work on them."""

MAX_JSON = 128 * 1024 * 1024
"""Bytes of JSON; jsonb takes 256 MB in its own form."""

NULL = b"\xff\xff\xff\xff"
REFUSALS = (ValueError, TypeError, AttributeError, RecursionError, StructError)

Encoder = Callable[[Sequence[Any]], list[bytes]]
"""Encodes the values of a column; None is NULL where the column may be."""

_int32 = Struct("!i").pack
_field32 = Struct("!ii").pack
_field64 = Struct("!iq").pack
_real_field = Struct("!id").pack
_numeric_head = Struct("!ihhHh").pack
_numeric_1, _numeric_2, _numeric_3 = (Struct("!ihhHh" + "h" * groups).pack for groups in (1, 2, 3))
_TENS = (10_000, 1_000, 100, 10, 1)
_digit = Struct("!h").pack
_array_header = Struct("!iiIii").pack
_POSTGRES_EPOCH = date(2000, 1, 1).toordinal()
_NAIVE_EPOCH = datetime(2000, 1, 1)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UUID_LENGTH = _int32(16)
_HYPHENS = (8, 13, 18, 23)  # of a UUID in text form, of 36 characters
_TRUE, _FALSE = _int32(1) + b"\1", _int32(1) + b"\0"
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
INT8 = ColumnType("bigint", 20, 1016)
JSONB = ColumnType("jsonb", 3802, 3807)
BYTEA = ColumnType("bytea", 17, 1001)

_TYPES: Mapping[FieldType, ColumnType] = {
    "text": TEXT,
    "integer": INT8,
    "real": ColumnType("double precision", 701, 1022),
    "decimal": ColumnType("numeric", 1700, 1231),
    "boolean": ColumnType("boolean", 16, 1000),
    "date": DATE,
    "time": ColumnType("time", 1083, 1183),
    "datetime": ColumnType("timestamp", 1114, 1115),
    "timestamp": ColumnType("timestamptz", 1184, 1185),
    "uuid": UUID,
    "bytes": BYTEA,
    "json": JSONB,
}


class BinaryArray(NamedTuple):
    """An array in binary form, as a parameter of a statement."""

    type: ColumnType
    data: bytes


def array(kind: ColumnType, fields: Sequence[bytes], *, nullable: bool = False) -> BinaryArray:
    """Return fields as an array."""
    header = _array_header(1, int(nullable and NULL in fields), kind.oid, len(fields), 1)
    return BinaryArray(kind, header + b"".join(fields))


def column_type(field: Field) -> ColumnType:
    """Return the type of a field's column."""
    return _TYPES[field.type]


def definition(field: Field) -> str:
    """Return the type of a field's column as a table is created with it."""
    return (
        f"numeric({field.precision}, {field.scale})" if field.type == "decimal" else column_type(field).name
    )


def encoder(field: Field, record_type: RecordType) -> Encoder:
    """Return what encodes the values of a field."""
    if field.type == "json":
        return _shared_json
    if field.type == "text" and field.name not in (record_type.text, record_type.text_hash):
        return _repeated_texts if not field.nullable else _repeated_texts_or_null
    encode = _ENCODERS[field.type]
    return _or_null(encode) if field.nullable else encode


def uuid_field(text: str) -> bytes:
    """Return a UUID in text form as a field.

    Raises:
        ValueError: It is none.
    """
    data = bytes.fromhex(text.replace("-", ""))
    if len(data) != 16:
        raise ValueError(f"not a UUID: {text[:50]!r}")
    return _UUID_LENGTH + data


def uuids(values: Iterable[str]) -> list[bytes]:
    """Return fields of UUIDs in text form. Raises as `uuid_field`."""
    known = list(values)
    together = "".join(known)
    hyphens = "-" * len(known)
    # All at once, in a fifth of the time, where each is of the usual form: its hyphens are where they belong.
    if {*map(len, known)} == {36} and all(together[place::36] == hyphens for place in _HYPHENS):
        digits = together.replace("-", "")
        with suppress(ValueError):
            data = bytes.fromhex(digits)
            if len(digits) == 2 * len(data) == 32 * len(known):  # it passes over spaces
                return [_UUID_LENGTH + data[start : start + 16] for start in range(0, len(data), 16)]
    return list(map(uuid_field, known))


def text_field(text: str) -> bytes:
    """Return a text as a field.

    Raises:
        ValueError: As `texts`.
    """
    data = text.encode()
    if "\0" in text or len(data) > MAX_TEXT:
        return texts([text])[0]  # which says what is wrong
    return _int32(len(data)) + data


def texts(values: Iterable[str]) -> list[bytes]:
    """Return fields of texts.

    Raises:
        ValueError: One holds NUL or a lone surrogate, or is too long.
    """
    known = list(values)
    if any(map(contains, known, repeat("\0"))):
        position = next(text.index("\0") for text in known if "\0" in text)
        raise ValueError(f"holds NUL at character {position}, which Postgres can't store")
    encoded = list(map(str.encode, known))
    lengths = list(map(len, encoded))
    if lengths and max(lengths) > MAX_TEXT:
        raise ValueError(f"has {max(lengths)} bytes; Postgres has room for {MAX_TEXT}")
    return list(map(add, map(_int32, lengths), encoded))


def big_integer(value: int) -> bytes:
    """Return an integer of 64 bits as a field."""
    return _field64(8, value)


def big_integers(values: Iterable[int]) -> list[bytes]:
    """Return fields of integers of 64 bits."""
    return list(map(_field64, repeat(8), values))


def _or_null(encode: Encoder) -> Encoder:
    def encode_some(values: Sequence[Any]) -> list[bytes]:
        if None not in values:
            return encode(values)
        known = iter(encode([value for value in values if value is not None]))
        return [NULL if value is None else next(known) for value in values]

    return encode_some


def _repeated_texts(values: Sequence[Any]) -> list[bytes]:
    """Encode texts that neighbours share, each once."""
    distinct = dict.fromkeys(values)
    known = dict(zip(distinct, texts(distinct), strict=True))
    return list(map(known.__getitem__, values))


def _repeated_texts_or_null(values: Sequence[Any]) -> list[bytes]:
    distinct = dict.fromkeys(values)
    distinct.pop(None, None)
    known: dict[Any, bytes] = dict(zip(distinct, texts(distinct), strict=True))
    known[None] = NULL
    return list(map(known.__getitem__, values))


def _reals(values: Sequence[float]) -> list[bytes]:
    return list(map(_real_field, repeat(8), values))


def _booleans(values: Sequence[bool]) -> list[bytes]:
    return [_TRUE if value else _FALSE for value in values]


def _days(values: Sequence[date]) -> list[bytes]:
    return [_field32(4, day.toordinal() - _POSTGRES_EPOCH) for day in values]


def _times(values: Sequence[time]) -> list[bytes]:
    return [
        _field64(8, ((at.hour * 60 + at.minute) * 60 + at.second) * 1_000_000 + at.microsecond)
        for at in values
    ]


def _datetimes(values: Sequence[datetime]) -> list[bytes]:
    return [_field64(8, (at - _NAIVE_EPOCH) // _MICROSECOND) for at in values]


def _timestamps(values: Sequence[datetime]) -> list[bytes]:
    return [_field64(8, (at - _EPOCH) // _MICROSECOND) for at in values]


def _uuids_of_python(values: Sequence[uuid.UUID]) -> list[bytes]:
    return [_UUID_LENGTH + value.bytes for value in values]


def _byteas(values: Sequence[bytes]) -> list[bytes]:
    if values and max(map(len, values)) > MAX_TEXT:
        raise ValueError(f"has {max(map(len, values))} bytes; Postgres has room for {MAX_TEXT}")
    return [_int32(len(value)) + value for value in values]


def _numerics(values: Sequence[Decimal]) -> list[bytes]:
    return list(map(_numeric, values))


def _numeric(value: Decimal) -> bytes:
    """Return a decimal as Postgres has it: groups of four digits, on both sides of the point."""
    whole, _, fraction = format(value, "f").lstrip("-").partition(".")  # abs() would round it
    scale = len(fraction)
    if scale <= 4 and len(whole) <= 8 and value:  # an amount of money, as a rule
        high, low = divmod(int(whole), 10_000)
        last = int(fraction) * _TENS[scale] if fraction else 0
        sign = 0x4000 if value < 0 else 0
        if high:
            if last:
                return _numeric_3(14, 3, 1, sign, scale, high, low, last)
            return (
                _numeric_2(12, 2, 1, sign, scale, high, low)
                if low
                else _numeric_1(10, 1, 1, sign, scale, high)
            )
        if low:
            return (
                _numeric_2(12, 2, 0, sign, scale, low, last)
                if last
                else _numeric_1(10, 1, 0, sign, scale, low)
            )
        return _numeric_1(10, 1, -1, sign, scale, last)
    whole = whole.lstrip("0")
    whole = whole.zfill(-(-len(whole) // 4) * 4)
    fraction = fraction.ljust(-(-scale // 4) * 4, "0")
    digits = whole + fraction
    groups = [int(digits[at : at + 4]) for at in range(0, len(digits), 4)]
    weight = len(whole) // 4 - 1
    while groups and not groups[0]:
        del groups[0]
        weight -= 1
    while groups and not groups[-1]:
        del groups[-1]
    sign = 0x4000 if value < 0 else 0
    length = 8 + 2 * len(groups)
    head = _numeric_head(length, len(groups), weight if groups else 0, sign, scale)
    return head + b"".join(map(_digit, groups))


def _json_field(value: Any) -> bytes:
    text = _to_json(value if isinstance(value, dict) or not isinstance(value, Mapping) else dict(value))
    if "\\u0000" in text and _ESCAPED_NUL.search(text):
        raise ValueError("holds NUL in a text, which jsonb can't store")
    data = b"\x01" + text.encode()
    if len(data) > MAX_JSON:
        raise ValueError(f"has {len(data)} bytes of JSON; there is room for {MAX_JSON}")
    return _int32(len(data)) + data


def _shared_json(values: Sequence[Any]) -> list[bytes]:
    # By identity: the chunks of a document share one mapping.
    distinct = {id(value): value for value in values}
    known = {key: NULL if value is None else _json_field(value) for key, value in distinct.items()}
    return [known[id(value)] for value in values]


_ENCODERS: Mapping[FieldType, Encoder] = {
    "text": texts,
    "integer": big_integers,
    "real": _reals,
    "decimal": _numerics,
    "boolean": _booleans,
    "date": _days,
    "time": _times,
    "datetime": _datetimes,
    "timestamp": _timestamps,
    "uuid": _uuids_of_python,
    "bytes": _byteas,
}
