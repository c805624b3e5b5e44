"""Values of a DB-API driver: the field that holds a column, and the form in which it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from batchwright import ConfigError, Field
from batchwright.contracts.fields import FieldType
from batchwright_tables.query import unbounded
from batchwright_tables.unheld import Unheld

_CLASSES: tuple[
    tuple[type, FieldType], ...
] = (  # a bool is an int and a datetime a date, so these come first
    (bool, "boolean"),
    (int, "integer"),
    (float, "real"),
    (Decimal, "decimal"),
    (str, "text"),
    (datetime, "datetime"),
    (date, "date"),
    (time, "time"),
    (UUID, "uuid"),
    (bytes, "bytes"),
    (bytearray, "bytes"),
    (memoryview, "bytes"),
    (dict, "json"),
    (list, "json"),
)
_JOINED: tuple[tuple[frozenset[FieldType], FieldType], ...] = (
    (frozenset({"integer", "real"}), "real"),
    (frozenset({"integer", "decimal"}), "decimal"),
    (
        frozenset({"text", "integer", "real", "decimal", "date", "time", "datetime", "timestamp", "uuid"}),
        "text",
    ),
)
_WRITTEN = (int, float, Decimal, UUID)
_MOMENTS = (datetime, date, time)


def field_of(name: str, values: Iterable[Any]) -> Field:
    """Return the field for a column by what it holds.

    Raises:
        ConfigError: No field can hold it; names the column.
    """
    kinds: set[FieldType] = {_type_of(name, value) for value in values if value is not None}
    if len(kinds) > 1:
        found = next(
            (kind for some, kind in _JOINED if kinds <= some and (kind != "text" or "text" in kinds)), None
        )
        if found is None:
            raise ConfigError(f"the column {name} holds {' and '.join(sorted(kinds))}; CAST it to one type")
        kinds = {found}
    kind: FieldType = kinds.pop() if kinds else "text"
    return unbounded(name) if kind == "decimal" else Field(name, kind)


def _type_of(name: str, value: Any) -> FieldType:
    for kind, found in _CLASSES:
        if isinstance(value, kind):
            aware = isinstance(value, datetime) and value.tzinfo is not None
            return "timestamp" if aware else found
    raise ConfigError(f"the column {name} holds {type(value).__name__}, which no field can hold; CAST it")


class Values:
    """Gives each value of a row the form of its field.

    Args:
        fields: The fields.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = fields
        self._plans: dict[tuple[type, ...], tuple[tuple[int, Callable[[Any], Any]], ...]] = {}

    def of(self, rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        """Yield the rows; what doesn't fit is an `Unheld`."""
        for row in rows:
            shape = tuple(map(type, row))
            plan = self._plans.get(shape)
            if plan is None:
                plan = self._plans[shape] = tuple(self._changes(shape))
            if not plan:
                yield row
                continue
            changed = list(row)
            for position, change in plan:
                changed[position] = change(changed[position])
            yield changed

    def _changes(self, shape: Sequence[type]) -> Iterator[tuple[int, Callable[[Any], Any]]]:
        for position, (field, kind) in enumerate(zip(self._fields, shape, strict=True)):
            if kind is not type(None) and (change := _change(field, kind)) is not None:
                yield position, change


def _change(field: Field, kind: type) -> Callable[[Any], Any] | None:
    """Return what gives values of a class the form of a field, None where they have it."""
    own = next((found for one, found in _CLASSES if issubclass(kind, one)), None)
    match field.type:
        case "datetime" | "timestamp" if own == "datetime":
            return _with_zone if field.type == "timestamp" else _without_zone
        case "text" if own != "text" and own != "boolean":
            if issubclass(kind, _WRITTEN):
                return str
            if issubclass(kind, _MOMENTS):
                return lambda value: value.isoformat()
        case "integer" if own == "decimal":
            return lambda value: int(value) if value == value.to_integral_value() else _unfit(value, field)
        case "real" if own == "integer":
            return lambda value: float(value) if abs(value) <= 2**53 else _unfit(value, field)
        case "decimal" if own == "integer":
            return None
        case "bytes" if own == "bytes":
            return None if kind is bytes else bytes
    return None if own == field.type else lambda value: _unfit(value, field)


def _with_zone(value: datetime) -> Any:
    return Unheld(str(value), "has no zone, as others of its column have") if value.tzinfo is None else value


def _without_zone(value: datetime) -> Any:
    return (
        value if value.tzinfo is None else Unheld(str(value), "has a zone, as others of its column have none")
    )


def _unfit(value: Any, field: Field) -> Unheld:
    return Unheld(
        repr(value),
        f"is no {field.type}, as the first rows of its column are; CAST it in the query to one type",
    )
