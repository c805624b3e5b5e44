"""From the type of an Arrow column to the field that holds it."""

from __future__ import annotations

import pyarrow as pa
from pyarrow import types

from batchwright import ConfigError, Field
from batchwright.contracts.fields import MOST_DIGITS, FieldType

_SAME: dict[str, FieldType] = {
    "bool": "boolean",
    "date32[day]": "date",
    "date64[ms]": "date",
    "halffloat": "real",
    "float": "real",
    "double": "real",
    "null": "text",
    "month_day_nano_interval": "text",
    "extension<arrow.uuid>": "uuid",
    "extension<arrow.json>": "json",
    "extension<arrow.bool8>": "boolean",
}


def field_of(column: pa.Field) -> Field:
    """Return the field for a column.

    Raises:
        ConfigError: No field can hold it; names the column.
    """
    kind = stored_type(column.type)
    if types.is_decimal(kind):
        return _decimal(column.name, kind, column.nullable)
    return Field(column.name, _type_of(kind), column.nullable)


def stored_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of a column's values: of a dictionary's, and behind extensions not known here."""
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return stored_type(kind.value_type)
    if isinstance(kind, pa.BaseExtensionType) and str(kind) not in _SAME:
        return stored_type(kind.storage_type)
    return kind


def is_text(kind: pa.DataType) -> bool:
    """Tell whether it holds texts."""
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def is_bytes(kind: pa.DataType) -> bool:
    """Tell whether it holds bytes."""
    return bool(
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_binary_view(kind)
        or types.is_fixed_size_binary(kind)
    )


def _type_of(kind: pa.DataType) -> FieldType:
    if found := _SAME.get(str(kind).partition("[")[0] if "extension" in str(kind) else str(kind)):
        return found
    if types.is_integer(kind):
        return "integer"
    if is_text(kind) or types.is_duration(kind):
        return "text"
    if is_bytes(kind):
        return "bytes"
    if types.is_time(kind):
        return "time"
    if types.is_timestamp(kind):
        return "datetime" if kind.tz is None else "timestamp"
    return "json"  # lists, structs, maps, unions


def _decimal(name: str, kind: pa.DataType, nullable: bool) -> Field:
    # a negative scale rounds to tens or hundreds, one above the precision has zeros after the point
    scale = max(kind.scale, 0)
    precision = max(kind.precision - min(kind.scale, 0), scale)
    if precision > MOST_DIGITS:
        raise ConfigError(
            f"the column {name} is {kind}; a decimal has at most {MOST_DIGITS} digits: "
            "write the column with fewer, or as text"
        )
    return Field(name, "decimal", nullable, precision, scale)
