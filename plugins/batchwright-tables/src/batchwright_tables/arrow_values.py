"""From an Arrow column to Python's values, by column, exactly; what can't be held is an `Unheld`."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from batchwright_tables.arrow_fields import is_bytes, is_text, stored_type
from batchwright_tables.exact_json import Inexact, loads
from batchwright_tables.unheld import NANOSECONDS, NO_DATE, Unheld, has_unheld

Values = list[Any]
Convert = Callable[[pa.Array], Values]
"""Returns the values of a column."""

_UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
"""Nanoseconds."""
_DAY = 86_400_000_000_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_NAIVE, _AWARE = datetime(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)
_HIGHEST = 2**63 - 1


def converter(kind: pa.DataType, *, cut_nanoseconds: bool = False) -> Convert:
    """Return what makes values of a column of this type.

    Args:
        kind: The type.
        cut_nanoseconds: Whether to cut off nanoseconds; else a value that has some can't be held.
    """
    if types.is_dictionary(kind):
        values = converter(kind.value_type, cut_nanoseconds=cut_nanoseconds)
        return lambda array: values(array.dictionary_decode())
    if types.is_run_end_encoded(kind):
        values = converter(kind.value_type, cut_nanoseconds=cut_nanoseconds)
        return lambda array: values(pc.run_end_decode(array))
    if isinstance(kind, pa.BaseExtensionType):
        return _extension(kind, cut_nanoseconds)
    if types.is_nested(kind):
        return _nested(kind, cut_nanoseconds)
    if types.is_timestamp(kind):
        start = _NAIVE if kind.tz is None else _AWARE
        return _instants(kind, lambda value: start + timedelta(microseconds=value), cut_nanoseconds)
    if types.is_time(kind):
        return _instants(kind, _time, cut_nanoseconds)
    if types.is_date32(kind):
        return _each(lambda value: date.fromordinal(value + _EPOCH_DAY), pa.int32())
    if types.is_date64(kind):
        return _each(_date_of_milliseconds, pa.int64())
    if types.is_duration(kind):
        unit = _UNITS[kind.unit]
        return _each(lambda value: f"PT{_seconds(value * unit)}S", pa.int64())
    if types.is_interval(kind):
        return _each(lambda value: f"P{value.months}M{value.days}DT{_seconds(value.nanoseconds)}S")
    if types.is_uint64(kind):
        return _unsigned
    if types.is_floating(kind):
        return lambda array: _plain(array.cast(pa.float64()))
    return _texts if is_text(kind) else _plain


def _plain(array: pa.Array) -> Values:
    values: Values = array.to_pylist()
    return values


def _texts(array: pa.Array) -> Values:
    try:
        return _plain(array)
    except UnicodeDecodeError:
        shown = [
            None if value is None else bytes(value) for value in array.cast(pa.large_binary()).to_pylist()
        ]
        return [None if value is None else _text(value) for value in shown]


def _text(value: bytes) -> str | Unheld:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return Unheld(repr(value), "is no text in UTF-8")


def _unsigned(array: pa.Array) -> Values:
    values = _plain(array)
    highest = pc.max(array).as_py()
    if highest is None or highest <= _HIGHEST:
        return values
    return [
        Unheld(str(value), "has more than 63 bits") if value is not None and value > _HIGHEST else value
        for value in values
    ]


def _each(convert: Callable[[Any], Any], as_type: pa.DataType | None = None) -> Convert:
    """Return what converts value by value, of the numbers behind them where their type is given."""

    def converted(array: pa.Array) -> Values:
        numbers = array if as_type is None else array.view(as_type)
        return [None if value is None else _held(convert, value) for value in numbers.to_pylist()]

    return converted


def _held(convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except (ValueError, OverflowError):
        return Unheld(f"{value} since 1970", NO_DATE)


def _instants(kind: pa.DataType, convert: Callable[[int], Any], cut: bool) -> Convert:
    """Return what converts times by their microseconds."""
    factor = _UNITS[kind.unit] // 1_000
    if factor:
        numbers = pa.int32() if kind.bit_width == 32 else pa.int64()
        return _each(lambda value: convert(value * factor), numbers)

    def exactly(value: int) -> Any:
        microseconds, rest = divmod(value, 1_000)
        found = convert(microseconds)
        if rest and not cut:
            return Unheld(f"{found.isoformat(timespec='microseconds')} and {rest} ns", NANOSECONDS)
        return found

    return _each(exactly, pa.int64())


def _time(microseconds: int) -> Any:
    found = _NAIVE + timedelta(microseconds=microseconds)
    if found.date() != _NAIVE.date():
        raise ValueError(microseconds)
    return found.time()


def _date_of_milliseconds(value: int) -> date | Unheld:
    days, rest = divmod(value * 1_000_000, _DAY)
    found = date.fromordinal(days + _EPOCH_DAY)
    return (
        Unheld(f"{found} and {rest // 1_000_000} ms", "has a time of day, and is a date") if rest else found
    )


def _seconds(nanoseconds: int) -> str:
    whole, rest = divmod(abs(nanoseconds), 1_000_000_000)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{'-' if nanoseconds < 0 else ''}{whole}{fraction}"


def _extension(kind: pa.BaseExtensionType, cut: bool) -> Convert:
    name = getattr(kind, "extension_name", "")
    if name in ("arrow.uuid", "arrow.bool8"):
        return _plain
    if name == "arrow.json":
        return lambda array: [None if text is None else _json(text) for text in array.storage.to_pylist()]
    values = converter(stored_type(kind.storage_type), cut_nanoseconds=cut)
    return lambda array: values(array.storage)


def _json(text: str) -> Any:
    try:
        return loads(text)
    except Inexact as error:
        return Unheld(text, str(error))
    except ValueError as error:
        return Unheld(text, f"is no JSON: {error}")


# --- nested: values of JSON ---------------------------------------------------------------------------


def _nested(kind: pa.DataType, cut: bool) -> Convert:
    if types.is_struct(kind):
        parts = [(part.name, _inner(part.type, cut)) for part in kind]
        return partial(_objects, parts)
    if types.is_map(kind):
        return partial(_maps, _inner(kind.key_type, cut), _inner(kind.item_type, cut))
    if types.is_fixed_size_list(kind):
        return partial(_fixed_lists, _inner(kind.value_type, cut))
    if types.is_list(kind) or types.is_large_list(kind):
        return partial(_lists, _inner(kind.value_type, cut))
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        return partial(_views, _inner(kind.value_type, cut))
    return _each(lambda value: value)  # unions


def _inner(kind: pa.DataType, cut: bool) -> Convert:
    """Return what makes the values within others; JSON has no bytes, so they are base64."""
    values = converter(kind, cut_nanoseconds=cut)
    if not is_bytes(stored_type(kind)):
        return values
    return lambda array: [None if value is None else b64encode(value).decode() for value in values(array)]


def _whole(value: Any) -> Any:
    """Return a list or object, or the first within it that can't be held."""
    parts = list(value.values()) if isinstance(value, dict) else value
    return next(part for part in parts if type(part) is Unheld) if has_unheld(parts) else value


def _objects(parts: list[tuple[str, Convert]], array: pa.StructArray) -> Values:
    names = [name for name, _ in parts]
    columns = [convert(array.field(position)) for position, (_, convert) in enumerate(parts)]
    rows = zip(*columns, strict=True) if columns else iter([()] * len(array))
    return [
        _whole(dict(zip(names, row, strict=True))) if there else None
        for row, there in zip(rows, array.is_valid().to_pylist(), strict=True)
    ]


def _lists(convert: Convert, array: pa.ListArray) -> Values:
    offsets = array.offsets.to_pylist()
    values = convert(array.values.slice(offsets[0], offsets[-1] - offsets[0]))
    return [_whole(values[first:last]) if there else None for first, last, there in _ranges(array, offsets)]


def _views(convert: Convert, array: pa.ListViewArray) -> Values:
    values = convert(array.values)  # lists may overlap, in any order
    places = zip(
        array.offsets.to_pylist(), array.sizes.to_pylist(), array.is_valid().to_pylist(), strict=True
    )
    return [_whole(values[first : first + size]) if there else None for first, size, there in places]


def _fixed_lists(convert: Convert, array: pa.FixedSizeListArray) -> Values:
    size = array.type.list_size
    values = convert(array.values.slice(array.offset * size, len(array) * size))
    return [
        _whole(values[position * size : (position + 1) * size]) if there else None
        for position, there in enumerate(array.is_valid().to_pylist())
    ]


def _maps(convert_key: Convert, convert_item: Convert, array: pa.MapArray) -> Values:
    offsets = array.offsets.to_pylist()
    first, length = offsets[0], offsets[-1] - offsets[0]
    keys = convert_key(array.keys.slice(first, length))
    items = convert_item(array.items.slice(first, length))
    by_text = is_text(stored_type(array.type.key_type))
    return [
        _map(keys[start:end], items[start:end], by_text) if there else None
        for start, end, there in _ranges(array, offsets)
    ]


def _map(keys: Values, items: Values, by_text: bool) -> Any:
    if has_unheld(keys):
        return _whole(keys)
    if not by_text:  # JSON's keys are texts; anything else is a list of pairs
        return _whole([_whole({"key": key, "value": item}) for key, item in zip(keys, items, strict=True)])
    if len(set(keys)) < len(keys):
        return Unheld(json.dumps(keys), "are keys of which one comes twice")
    return _whole(dict(zip(keys, items, strict=True)))


def _ranges(array: Any, offsets: list[int]) -> list[tuple[int, int, bool]]:
    start = offsets[0]
    firsts, lasts = (offset - start for offset in offsets), (offset - start for offset in offsets[1:])
    return list(zip(firsts, lasts, array.is_valid().to_pylist(), strict=False))
