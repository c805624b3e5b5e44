"""The records that a program brings, as rows: one form of each value, whatever class the record is of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Context, Decimal
from enum import Enum
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from batchwright.contracts.fields import MOST_DIGITS, Field, FieldType
from batchwright.contracts.records import RecordType
from batchwright.contracts.rows import Row

Getter = Callable[[Any], tuple[Any, ...]]
Change = Callable[[Any], Any]

_A_FIELD = 8
"""Bytes that a value counts which is no text."""

_EXACT = Context(prec=4 * MOST_DIGITS)
_CLASSES: Mapping[FieldType, type] = {
    "text": str,
    "integer": int,
    "real": float,
    "decimal": Decimal,
    "boolean": bool,
    "date": date,
    "time": time,
    "datetime": datetime,
    "timestamp": datetime,
    "uuid": UUID,
    "bytes": bytes,
}


class Rows:
    """Makes rows of the records of one type: models, dataclasses, mappings.

    Each combination of the values' types is looked at once. A value of a wrong type is left as it is: the
    store refuses it, and the record is set aside with the value in it.

    Args:
        record_type: What the records are.
    """

    def __init__(self, record_type: RecordType) -> None:
        self.record_type = record_type
        self._key = None if record_type.key is None else record_type.names.index(record_type.key)
        self._plans: dict[tuple[type, ...], tuple[tuple[int, Change], ...]] = {}
        self._getter = cache(self._getter_of)

    def values(self, record: object) -> tuple[Any, ...]:
        """Return a record's values in their one form: instants as UTC, models as JSON has them.

        Raises:
            ValueError: The record lacks a field, or has one that the type doesn't.
        """
        kind: type = type(record)
        values = self._getter(kind)(record)
        shape = tuple(map(type, values))
        plan = self._plans.get(shape)
        if plan is None:
            plan = self._plans[shape] = tuple(self._changes(shape))
        if not plan:
            return values
        changed = list(values)
        for position, change in plan:
            changed[position] = change(changed[position])
        return tuple(changed)

    def key(self, values: Sequence[Any]) -> str:
        """Return the key of a record by its values, as text.

        Raises:
            ValueError: It has none.
        """
        if self._key is None:
            raise ValueError(
                f"{self.record_type.name} has no key; name one, so that records can be told apart"
            )
        key = values[self._key]
        if key is None:
            raise ValueError(f"{self.record_type.key} is None; it names the record")
        return str(key)

    def row(self, identity: str, values: tuple[Any, ...]) -> Row:
        """Return the row of values that `values` returned."""
        return Row(identity, values, size_of(values))

    def _getter_of(self, kind: type) -> Getter:
        names = self.record_type.names
        if issubclass(kind, Mapping):
            return self._of_mapping
        get = attrgetter(*names)

        def of_object(record: Any) -> tuple[Any, ...]:
            try:
                return get(record) if len(names) > 1 else (get(record),)
            except AttributeError as error:
                raise ValueError(f"a {kind.__name__} is no {self.record_type.name}: {error}") from None

        return of_object

    def _of_mapping(self, record: Mapping[str, Any]) -> tuple[Any, ...]:
        names = self.record_type.names
        if len(record) == len(names) > 1:
            try:
                found: tuple[Any, ...] = itemgetter(*names)(record)
            except KeyError:
                pass
            else:
                return found
        if unknown := sorted(map(str, record.keys() - set(names))):
            raise ValueError(f"{self.record_type.name} has no field {', '.join(unknown)}")
        for field in self.record_type.fields:
            if not field.nullable and field.name not in record:
                raise ValueError(f"{field.name} is missing")
        return tuple(record.get(name) for name in names)

    def _changes(self, shape: Sequence[type]) -> list[tuple[int, Change]]:
        """Return which values of these types need another form, and how they get it."""
        found = []
        for position, (field, kind) in enumerate(zip(self.record_type.fields, shape, strict=True)):
            change = None if kind is type(None) else _change(field, kind)
            if change is not None:
                found.append((position, change))
        return found


def size_of(values: Sequence[Any]) -> int:
    """Return the size of values in bytes, about: a text has its own, anything else counts a little."""
    try:
        return sum(map(_size, values))
    except RecursionError:  # JSON that no store takes; it is to be set aside, not to stop the others
        return _A_FIELD


def _size(value: Any) -> int:
    kind = type(value)
    if kind is str:
        return len(value) if value.isascii() else len(value.encode("utf-8", "surrogatepass"))
    if kind is bytes:
        return len(value)
    if kind is dict:
        return size_of([*value]) + size_of([*value.values()])
    if kind is list:
        return size_of(value)
    return _A_FIELD


def _change(field: Field, kind: type) -> Change | None:
    """Return what gives a value of the class `kind` the form that its field has; None where it has it."""
    if field.type == "json":
        return as_plain
    if issubclass(kind, Enum):
        return lambda value: value.value
    wanted = _CLASSES[field.type]
    if field.type == "timestamp" and issubclass(kind, datetime):
        return _in_utc
    if field.type == "decimal" and issubclass(kind, Decimal | int) and kind is not bool:
        return shortest
    if field.type == "real" and issubclass(kind, int) and kind is not bool:
        return _real
    if field.type == "bytes" and issubclass(kind, bytearray | memoryview):
        return bytes
    if kind is wanted or not issubclass(kind, wanted):
        return None
    if kind is bool or kind is datetime:  # an integer or a date to Python alone
        return None
    return lambda value: _plainly(wanted, value)


def _plainly(wanted: type, value: Any) -> Any:
    """Return a value of a subclass as one of the class itself, so that no method of its own is called."""
    if wanted is str:
        return str.__str__(value)
    if wanted in (int, float, bytes):
        return wanted(value)
    return value


def _in_utc(value: datetime) -> datetime:
    return value if value.tzinfo is None else value.astimezone(UTC)


def shortest(value: Decimal | int) -> Decimal:
    """Return the number without zeros at its end: equal numbers have one form."""
    number = Decimal(value)
    if not number:
        return Decimal(0)
    if not number.is_finite() or len(number.as_tuple().digits) > _EXACT.prec:
        return number
    return _EXACT.normalize(number)


def _real(value: int) -> float | int:
    try:
        return float(value)
    except OverflowError:
        return value  # which the store refuses


def as_plain(value: Any) -> Any:
    """Return a value as JSON has it: models and dataclasses as objects, dates and numbers as pydantic does.

    What JSON doesn't have stays, and is refused by the store.
    """
    kind = type(value)
    if kind in (str, int, float, bool, type(None)):
        return value
    if isinstance(value, BaseModel):
        return as_plain(value.model_dump(mode="python"))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: as_plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    try:
        if isinstance(value, Mapping):
            return {as_plain(key): as_plain(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [as_plain(item) for item in value]
    except (RecursionError, TypeError):
        return value
    if isinstance(value, Enum):
        return as_plain(value.value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    return value
