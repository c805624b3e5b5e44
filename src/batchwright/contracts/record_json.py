"""A record as JSON and back: what is kept of a reject, what a person fixes in an editor, what is hashed."""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from batchwright.contracts.fields import Field, FieldType
from batchwright.contracts.record_rows import size_of
from batchwright.contracts.records import RecordType
from batchwright.contracts.rows import Placed, Row
from batchwright.model import ProcessedChunk

_DEEPEST = 64
_canonical = json.JSONEncoder(sort_keys=True).encode


def as_json(record_type: RecordType, record: Placed) -> dict[str, Any]:
    """Return the fields of a record as values of JSON, which `record_of` understands.

    A value of the wrong type may be the very reason why a record is rejected, so it must not stop the reject
    from being kept: what JSON doesn't have (sets, cycles …) becomes its `repr`. All else round-trips; texts
    with NUL and lone surrogates do in ASCII.
    """
    values = zip(record_type.fields, record_type.values(record), strict=True)
    return {field.name: _as_json(field, value) for field, value in values}


def content_hash(record_type: RecordType, values: tuple[Any, ...]) -> str:
    """Return the SHA-256 of a record, in hex. None doesn't enter it: a new nullable field changes nothing.

    Args:
        record_type: What it is.
        values: Its values, as `Rows.values` returns them.
    """
    named = {
        field.name: _as_json(field, value)
        for field, value in zip(record_type.fields, values, strict=True)
        if value is not None
    }
    return hashlib.sha256(_canonical(named).encode()).hexdigest()


def record_of(record_type: RecordType, identity: str, values: Mapping[str, Any]) -> Placed:
    """Return the record that `as_json` wrote, perhaps changed by hand since.

    The hash of the text is computed anew. What is missing is None, where it may be.

    Raises:
        ValueError: A field is unknown, missing or of the wrong type; says which.
    """
    if unknown := sorted(values.keys() - set(record_type.names)):
        known = ", ".join(record_type.names)
        raise ValueError(f"a record has no field {', '.join(unknown)}; its fields are {known}")
    found: dict[str, Any] = {}
    for field in record_type.fields:
        value = values.get(field.name)
        if field.name == record_type.text_hash:
            found[field.name] = ""
        elif value is not None:
            found[field.name] = _READERS[field.type](field, value)
        elif field.nullable:
            found[field.name] = None
        elif field.name in values:
            raise ValueError(f"{field.name} must be {_SAID[field.type]}, not null")
        else:
            raise ValueError(f"the record lacks its {field.name}")
    if record_type.text_hash is not None and record_type.text is not None:
        text = (found[record_type.text] or "").encode("utf-8", "surrogatepass")
        found[record_type.text_hash] = hashlib.sha256(text).hexdigest()
    if record_type.is_chunk:
        _check_objects(record_type, found)
        return ProcessedChunk(**found, id=identity)
    row = tuple(found.values())
    return Row(identity, row, size_of(row))


def value_of(field: Field, value: Any) -> Any:
    """Return the value of a field that JSON has as this.

    Raises:
        ValueError: It is none; says so.
    """
    return _READERS[field.type](field, value)


def _check_objects(record_type: RecordType, values: Mapping[str, Any]) -> None:
    for field in record_type.fields:
        if field.type == "json" and not isinstance(values[field.name], dict):
            raise ValueError(f"{field.name} must be an object, not {type(values[field.name]).__name__}")


_AS_IT_IS = frozenset({str, int, bool})


def _as_json(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if type(value) in _AS_IT_IS and field.type != "json":
        return value  # also where it is of the wrong type: it is to be seen
    try:
        return _WRITERS[field.type](value)
    except (TypeError, ValueError, AttributeError, RecursionError, InvalidOperation):
        return _plain(value)


def _json(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False, default=_mapping))


def _mapping(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def _plain(value: object, depth: int = 0) -> object:
    """Return a value as JSON has it, or else its `repr`."""
    if depth > _DEEPEST:
        return f"<{type(value).__name__}, nested too deeply>"
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return value
    return repr(value)


def _exactly(kind: type, write: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError
        return write(value)

    return checked


_WRITERS: Mapping[FieldType, Callable[[Any], Any]] = {
    "text": _exactly(str, str.__str__),
    "integer": _exactly(int, int),
    "real": _exactly(float, lambda value: value if abs(value) < float("inf") else str(value)),
    "decimal": _exactly(Decimal, str),
    "boolean": _exactly(bool, bool),
    "date": _exactly(date, lambda value: value.isoformat()),
    "time": _exactly(time, time.isoformat),
    "datetime": _exactly(datetime, datetime.isoformat),
    "timestamp": _exactly(datetime, datetime.isoformat),
    "uuid": _exactly(UUID, str),
    "bytes": _exactly(bytes, lambda value: b64encode(value).decode()),
    "json": _json,
}

_SAID: Mapping[FieldType, str] = {
    "text": "text",
    "integer": "a whole number",
    "real": "a number",
    "decimal": "a decimal as text, as in '12.50'",
    "boolean": "true or false",
    "date": "a date as in 2026-01-31",
    "time": "a time as in 12:30:00",
    "datetime": "a date and time as in 2026-01-31T12:30:00",
    "timestamp": "an instant as in 2026-01-31T12:30:00+00:00",
    "uuid": "a UUID",
    "bytes": "bytes in base64",
    "json": "JSON",
}


def _reader(kinds: type | tuple[type, ...], read: Callable[[Any], Any]) -> Callable[[Field, Any], Any]:
    def checked(field: Field, value: Any) -> Any:
        said = _SAID[field.type]
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            given = "null" if value is None else type(value).__name__
            raise ValueError(f"{field.name} must be {said}, not {given}")
        try:
            return read(value)
        except (ValueError, InvalidOperation):
            raise ValueError(f"{field.name} must be {said}, not {value!r}") from None

    return checked


def _day(text: str) -> date:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _naive(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is not None:
        raise ValueError
    return value


def _instant(text: str) -> datetime:
    value = datetime.fromisoformat(text)
    if value.tzinfo is None:
        raise ValueError
    return value.astimezone(UTC)


_READERS: Mapping[FieldType, Callable[[Field, Any], Any]] = {
    "text": _reader(str, str),
    "integer": _reader(int, int),
    "real": _reader((int, float, str), float),
    "decimal": _reader((str, int), Decimal),
    "boolean": _reader(bool, bool),
    "date": _reader(str, _day),
    "time": _reader(str, time.fromisoformat),
    "datetime": _reader(str, _naive),
    "timestamp": _reader(str, _instant),
    "uuid": _reader(str, UUID),
    "bytes": _reader(str, lambda text: b64decode(text, validate=True)),
    "json": lambda _field, value: value,
}
