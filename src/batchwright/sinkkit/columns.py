"""Records as columns of plain values, and which records can't be stored and why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from batchwright.contracts.fields import Field, FieldType
from batchwright.contracts.records import RecordType
from batchwright.contracts.rows import Placed, ids_of
from batchwright.errors import BadRecords
from batchwright.values import dataclass

FEWER_COLUMNS = "load fewer columns; with --chunk COLUMN all others are kept together, as metadata"
"""What to do where a database can't have a table of so many columns."""

Form = Callable[[Any], Any]
"""Gives a value that isn't None the form in which it is stored."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MISNAMED = "id is not a UUID in lower case with dashes"

json_text = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=lambda v: _plain(v)).encode
"""Return a value as JSON text; raises ValueError, TypeError or RecursionError for what isn't JSON."""


@dataclass(frozen=True, slots=True)
class ValueLimits:
    """What a target can't hold.

    Attributes:
        bytes: What a text may have in UTF-8; None for no limit.
        depth: Levels that JSON may nest; None for no limit.
        nan: Whether a real number may be NaN.
    """

    bytes: int | None = None
    depth: int | None = None
    nan: bool = True


def decimal_text(value: Decimal) -> str:
    """Return a decimal in digits, without an exponent."""
    return format(value, "f")


def day_of(value: date) -> date:
    """Return a date without a time; a datetime is one to Python."""
    return value.date() if isinstance(value, datetime) else value


TEXT_FORMS: Mapping[FieldType, Form] = {
    "decimal": decimal_text,
    "boolean": int,
    "date": lambda value: value.isoformat()[:10],  # a datetime is a date to Python
    "time": time.isoformat,
    "datetime": lambda value: value.isoformat(timespec="microseconds"),  # so that they sort as text
    "timestamp": lambda value: value.isoformat(timespec="microseconds"),
    "uuid": str,
    "json": json_text,
}
"""The forms for a database that has texts, numbers and bytes only."""

PLAIN_FORMS: Mapping[FieldType, Form] = {"date": day_of, "uuid": str, "json": json_text}
"""The forms for one that has dates, times and decimals as well."""


def columns_of(
    records: Sequence[Placed],
    record_type: RecordType,
    forms: Mapping[FieldType, Form] = PLAIN_FORMS,
    limits: ValueLimits = ValueLimits(),  # noqa: B008 - it is frozen
) -> list[Sequence[Any]]:
    """Return the values of the records by column, in the order of the type's fields.

    Raises:
        ValueError, TypeError, RecursionError: A record can't be stored; see `refusing`.
    """
    columns: list[Sequence[Any]] = []
    for field, values in zip(record_type.fields, record_type.columns(records), strict=True):
        if not record_type.is_chunk:  # those are checked where storing them fails
            check_column(field, values, limits)
        form = forms.get(field.type)
        if form is None:
            columns.append(values)
        elif field.type == "json":
            columns.append(_shared(values, form))
        else:
            columns.append([None if value is None else form(value) for value in values])
    return columns


def _shared(values: Sequence[Any], form: Form) -> list[Any]:
    """Return the forms of values that neighbours share: the chunks of a document have one metadata."""
    keys = list(map(id, values))
    distinct = dict(zip(keys, values, strict=True))
    known = {key: None if value is None else form(value) for key, value in distinct.items()}
    return list(map(known.__getitem__, keys))


@contextmanager
def refusing(
    records: Sequence[Placed],
    record_type: RecordType,
    *errors: type[Exception],
    limits: ValueLimits = ValueLimits(),  # noqa: B008 - it is frozen
) -> Iterator[None]:
    """Check the ids before the block, and name the records at fault where it fails for its data.

    Args:
        records: What the block stores.
        record_type: What they are.
        *errors: What the driver raises for bad data, beside what Python raises.
        limits: What the target can't hold.

    Raises:
        BadRecords: Names all records that can't be stored.
        ValueError: The same id twice.
    """
    ids = ids_of(records)
    if len({*ids}) != len(ids):
        raise ValueError("the batch holds the same id twice; a record goes into a batch once")
    fits = _UUID.fullmatch
    if wrong := {position: _MISNAMED for position, identity in enumerate(ids) if not fits(identity)}:
        raise BadRecords(bad_records(records, record_type, limits) | wrong)
    faults: tuple[type[Exception], ...] = (ValueError, TypeError, RecursionError, OverflowError, *errors)
    try:
        yield
    except faults as error:
        if wrong := bad_records(records, record_type, limits):
            raise BadRecords(wrong) from error
        raise


def bad_records(
    records: Sequence[Placed],
    record_type: RecordType,
    limits: ValueLimits = ValueLimits(),  # noqa: B008 - it is frozen
) -> dict[int, str]:
    """Return what is wrong with the records that a target of UTF-8 and 64 bits can't hold, by position."""
    found: dict[int, str] = {}
    for position, values in enumerate(record_type.rows(records)):
        for field, value in zip(record_type.fields, values, strict=True):
            if fault := fault_of(field, value, limits, exact=not record_type.is_chunk):
                found[position] = f"{field.name} {fault}"
                break
    return found


def fault_of(field: Field, value: Any, limits: ValueLimits, *, exact: bool = True) -> str | None:
    """Return what is wrong with a value, as a sentence about its field; None where nothing is.

    Args:
        field: The field.
        value: Its value.
        limits: What the target can't hold.
        exact: Whether a datetime is no date, and a bool no number; of a chunk's date the time is dropped.
    """
    if value is None and field.nullable:
        return None
    kind, said = _KINDS[field.type]
    if kind is not object and (not isinstance(value, kind) or (exact and _is_another(kind, value))):
        return f"is not {said}, but {type(value).__name__}"
    check = _CHECKS.get(field.type)
    return check(field, value, limits) if check else None


def check_column(field: Field, values: Sequence[Any], limits: ValueLimits) -> None:
    """Check what a driver might take for something else; what it can't encode, it refuses itself.

    Raises:
        TypeError, ValueError: A value isn't one of the field; says which.
    """
    kind = _KINDS[field.type][0]
    if kind is object:
        return
    odd = set(map(type, values)) - {kind}
    if (odd and odd != {type(None)}) or (odd and not field.nullable):
        raise TypeError(field.name)
    if field.type in _TO_BE_SEEN:
        check = _CHECKS[field.type]
        if any(value is not None and check(field, value, limits) for value in values):
            raise ValueError(field.name)


def _is_another(kind: type, value: object) -> bool:
    """Tell whether a value is of a class that only Python takes for the field's."""
    return (kind is int and isinstance(value, bool)) or (kind is date and isinstance(value, datetime))


def _text_fault(_field: Field, text: str, limits: ValueLimits) -> str | None:
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        return f"holds a lone surrogate, U+{ord(text[error.start]):04X}, at character {error.start}"
    too_long = limits.bytes is not None and size > limits.bytes
    return f"has {size:,} bytes, more than the target holds" if too_long else None


def _bytes_fault(_field: Field, data: bytes, limits: ValueLimits) -> str | None:
    too_long = limits.bytes is not None and len(data) > limits.bytes
    return f"has {len(data):,} bytes, more than the target holds" if too_long else None


def _integer_fault(_field: Field, number: int, _limits: ValueLimits) -> str | None:
    return None if -(2**63) <= number < 2**63 else "is outside of 64 bits"


def _real_fault(_field: Field, number: float, limits: ValueLimits) -> str | None:
    return "is NaN, which the target can't tell from None" if number != number and not limits.nan else None


def _decimal_fault(field: Field, number: Decimal, _limits: ValueLimits) -> str | None:
    if not number.is_finite():
        return f"is {number}, which is no number"
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - since it is finite
    last = len(digits)
    while last > 1 and digits[last - 1] == 0:  # 1.50 needs no more room than 1.5
        last, exponent = last - 1, exponent + 1
    whole = last + exponent
    if digits[0] and (whole > field.precision - field.scale or -exponent > field.scale):
        return f"has more digits than {field.kind.removesuffix(', nullable')} holds"
    return None


def _time_fault(_field: Field, value: time, _limits: ValueLimits) -> str | None:
    return "has a zone, which a time of day can't have" if value.tzinfo is not None else None


def _datetime_fault(_field: Field, value: datetime, _limits: ValueLimits) -> str | None:
    return "has a zone; declare an AwareDatetime" if value.tzinfo is not None else None


def _timestamp_fault(_field: Field, value: datetime, _limits: ValueLimits) -> str | None:
    return "has no zone, so it is no instant" if value.tzinfo is None else None


def _json_fault(field: Field, value: Any, limits: ValueLimits) -> str | None:
    try:
        return _text_fault(field, json_text(value), limits) or _depth_fault(value, limits.depth)
    except RecursionError:
        return "is nested too deeply"
    except (TypeError, ValueError) as error:
        return f"is not JSON: {error}"


def _depth_fault(value: object, deepest: int | None, depth: int = 0) -> str | None:
    if deepest is None:
        return None
    if depth > deepest:
        return f"is nested more than {deepest} levels deep"
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return next((fault for item in inner if (fault := _depth_fault(item, deepest, depth + 1))), None)


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Decimal):
        raise TypeError(f"it holds {value!s:.60}, of more digits than its numbers keep; a text keeps them")
    raise TypeError(f"it holds a {type(value).__name__}")


_KINDS: Mapping[FieldType, tuple[type, str]] = {
    "text": (str, "text"),
    "integer": (int, "a whole number"),
    "real": (float, "a number"),
    "decimal": (Decimal, "a decimal"),
    "boolean": (bool, "true or false"),
    "date": (date, "a date"),
    "time": (time, "a time"),
    "datetime": (datetime, "a datetime"),
    "timestamp": (datetime, "a datetime"),
    "uuid": (UUID, "a UUID"),
    "bytes": (bytes, "bytes"),
    "json": (object, "JSON"),
}

_CHECKS: Mapping[FieldType, Callable[[Field, Any, ValueLimits], str | None]] = {
    "text": _text_fault,
    "integer": _integer_fault,
    "real": _real_fault,
    "decimal": _decimal_fault,
    "time": _time_fault,
    "datetime": _datetime_fault,
    "timestamp": _timestamp_fault,
    "bytes": _bytes_fault,
    "json": _json_fault,
}

_TO_BE_SEEN: frozenset[FieldType] = frozenset({"real", "decimal", "time", "datetime", "timestamp"})
"""Types of which a driver takes values that it stores as something else."""
