"""Rows as a format has them become values of a record type: compiled once for each."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from batchwright.contracts.fields import Field, FieldType
from batchwright.contracts.record_json import record_of
from batchwright.contracts.record_rows import shortest
from batchwright.contracts.records import RecordType
from batchwright.engine.rows.value_checks import TEXT_CHECKS

Convert = Callable[[Sequence[Any]], tuple[Any, ...]]
"""Makes values, in the order of the fields, of a row's, in the order of its columns.

Raises ValueError, which names the column.
"""

ConvertAll = Callable[[Sequence[Sequence[Any]]], Sequence[Sequence[Any]]]
"""Does so for many rows, and returns the values by field.

Raises ValueError, InvalidOperation or RecursionError if one of them is at fault.
"""


def of_texts(record_type: RecordType, columns: Sequence[str], doubtful: frozenset[str]) -> Convert:
    """Return what converts rows of texts, in which an empty one says that there is no value.

    Args:
        record_type: What the rows are to be.
        columns: The names of their columns.
        doubtful: Columns with texts that do not fit: a text has to be one that its value gives back.
    """
    readers = [
        _strict(field) if field.name in doubtful else _OF_TEXT[field.type] for field in record_type.fields
    ]
    fields = record_type.fields
    order = _order(record_type, columns)
    nothing = [None] * len(fields)

    def convert(row: Sequence[Any]) -> tuple[Any, ...]:
        values: list[Any] = nothing.copy()
        for position, at, read in steps:
            text = row[at] if at < len(row) else None
            if text:
                try:
                    values[position] = read(text) if read else text
                except (ValueError, InvalidOperation, RecursionError) as error:
                    raise ValueError(_unfit(fields[position], text, error)) from None
            elif not fields[position].nullable:
                raise ValueError(f"{fields[position].name} is empty, and it can't be NULL")
        if lacking:
            raise ValueError(f"{fields[lacking[0]].name} is missing, and it can't be NULL")
        return tuple(values)

    steps = [
        (position, at, read)
        for position, (at, read) in enumerate(zip(order, readers, strict=True))
        if at >= 0
    ]
    lacking = [
        position for position, at in enumerate(order) if at < 0 and not record_type.fields[position].nullable
    ]
    return convert


def all_of_texts(record_type: RecordType, columns: Sequence[str], doubtful: frozenset[str]) -> ConvertAll:
    """Return what converts many rows of texts, column by column. The arguments are those of `of_texts`."""
    steps = [
        (at, field.nullable, _strict(field) if field.name in doubtful else _OF_TEXT[field.type])
        for field, at in zip(record_type.fields, _order(record_type, columns), strict=True)
    ]

    def convert(rows: Sequence[Sequence[Any]]) -> Sequence[Sequence[Any]]:
        given = list(zip(*rows, strict=True))
        found: list[Sequence[Any]] = []
        for at, nullable, read in steps:
            texts: Sequence[Any] = given[at] if 0 <= at < len(given) else (None,) * len(rows)
            if all(texts):
                found.append([*map(read, texts)] if read else texts)
            elif nullable:
                found.append([(read(text) if read else text) if text else None for text in texts])
            else:
                raise ValueError("one lacks a value")
        return found

    return convert


def of_text(field: Field, text: str) -> Any:
    """Return the value that a text stands for. Raises ValueError, which names the column."""
    read = _OF_TEXT[field.type]
    try:
        return text if read is None else read(text)
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise ValueError(_unfit(field, text, error)) from None


def of_json(record_type: RecordType, columns: Sequence[str]) -> Convert:
    """Return what converts rows with values of JSON."""
    decimals = [field.name for field in record_type.fields if field.type == "decimal"]
    key = record_type.key or ""
    is_text_key = record_type.key is not None and record_type.field(key).type == "text"
    known = frozenset(record_type.names)
    places = [place for place, field in enumerate(record_type.fields) if field.type == "decimal"]
    names = [name if name in known else None for name in columns]

    def convert(row: Sequence[Any]) -> tuple[Any, ...]:
        found = {name: value for name, value in zip(names, row, strict=False) if name and value is not None}
        for name in decimals:
            if isinstance(value := found.get(name), float | Decimal):
                found[name] = str(value)
        if is_text_key and type(found.get(key)) is int:  # some are numbers, and some texts
            found[key] = str(found[key])
        try:
            placed = record_of(record_type, "", found)
        except ValueError as error:
            raise ValueError(f"{error}; {SAY_ANOTHER}") from None
        values: tuple[Any, ...] = record_type.values(placed)
        for place in places:
            if values[place] is not None:
                values = (*values[:place], shortest(values[place]), *values[place + 1 :])
        return values

    return convert


SAY_ANOTHER = "fix the row, or say another type with types"


def _order(record_type: RecordType, columns: Sequence[str]) -> list[int]:
    """Return where in a row the value of each field stands, -1 for nowhere."""
    places = {name: place for place, name in enumerate(columns)}
    return [places.get(name, -1) for name in record_type.names]


def _unfit(field: Field, text: str, error: Exception) -> str:
    shown = text if len(text) <= 60 else f"{text[:60]}…"
    said = f" ({error})" if isinstance(error, _Wrong) else ""
    return f"{field.name} is {field.type}, and {shown!r} is none{said}; {SAY_ANOTHER}"


class _Wrong(ValueError):
    """Why a text is no value, in words for people."""


_TRUTHS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}


def _boolean(text: str) -> bool:
    value = _TRUTHS.get(text.strip().lower())
    if value is None:
        raise _Wrong("true and false are, and yes, no, 1, 0, t, f")
    return value


_USUAL = re.compile(r"(-?[0-9]{1,60}\.[0-9]{0,60}[1-9])0*")


def _decimal(text: str) -> Decimal:
    usual = _USUAL.fullmatch(text)
    return Decimal(usual[1]) if usual else shortest(Decimal(text))


def _naive(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise _Wrong("it has a zone, as a timestamp has")
    return moment


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise _Wrong("it has no zone, as a datetime has none")
    return moment.astimezone(UTC)


_OF_TEXT: Mapping[FieldType, Callable[[str], Any] | None] = {
    "text": None,
    "integer": int,
    "real": float,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "datetime": _naive,
    "timestamp": _instant,
    "uuid": UUID,
    "bytes": lambda text: b64decode(text, validate=True),
    "json": json.loads,
}


def _strict(field: Field) -> Callable[[str], Any] | None:
    check, read = TEXT_CHECKS.get(field.type), _OF_TEXT[field.type]
    if check is None or read is None:
        return read

    def strictly(text: str) -> Any:
        value = read(text)
        if not check([text]):
            raise _Wrong("it would be given back as another text")
        return value

    return strictly


def text_of_key(kind: FieldType) -> Callable[[str], str]:
    """Return what gives a key its one form, where its type is said: ``007`` is ``7`` as an integer."""
    read = _OF_TEXT[kind]
    if read is None:
        return str
    return lambda text: str(read(text))
