"""A record as JSON text and back: what a ledger keeps of a reject, and a person fixes in an editor.

`reject_row` and `reject_of` are a whole reject as a row, for ledgers in tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from batchwright.contracts.receipts import Reject
from batchwright.errors import SinkError
from batchwright.model import ProcessedChunk

_REJECT = tuple(field.name for field in fields(Reject))

REJECT_COLUMNS = (*_REJECT, "exact")
"""The columns of a reject, in the order of `reject_row`."""

_FIELDS = tuple(field.name for field in fields(ProcessedChunk))
_DEEPEST = 64


def to_json(chunk: ProcessedChunk) -> str:
    """Return the chunk as a JSON object in pure ASCII, so that NUL and lone surrogates survive anywhere.

    Metadata that JSON can't hold may be the very reason why a record is rejected, so it must not stop the
    reject from being kept: such values (sets, NaN, cycles …) become their `repr`. All else round-trips.
    """
    values = {name: getattr(chunk, name) for name in _FIELDS}
    values["document_date"] = chunk.document_date.isoformat() if chunk.document_date else None
    try:
        return json.dumps(values, allow_nan=False, default=_plain)
    except (TypeError, ValueError, RecursionError):
        values["metadata"] = {str(key): _json_value(value) for key, value in chunk.metadata.items()}
        return json.dumps(values, allow_nan=False)


def from_json(text: str) -> ProcessedChunk:
    """Return the chunk that `to_json` wrote, perhaps changed by hand since.

    Where ``chunk_hash`` or ``id`` is left out or empty, it is computed anew.

    Raises:
        ValueError: Not JSON, not an object, or a field is unknown, missing or of the wrong type; says which.
    """
    try:
        values = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("the record is nested too deeply to be read; flatten its metadata") from None
    if not isinstance(values, dict):
        raise ValueError(f"a record is a JSON object, not {_kind(values)}")
    if unknown := sorted(values.keys() - set(_FIELDS)):
        raise ValueError(f"a record has no field {', '.join(unknown)}; its fields are {', '.join(_FIELDS)}")
    if "chunk_text" not in values:
        raise ValueError("the record lacks its chunk_text")
    return ProcessedChunk(**{name: _CHECKS[name](name, value) for name, value in values.items()})


def storable(text: str) -> str:
    """Return `text` with what not every database holds, NUL and lone surrogates, written as in Python."""
    if text.isprintable():  # has neither; most have no line breaks either, and are asked for often
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def reject_row(reject: Reject) -> tuple[Any, ...]:
    """Return the columns; the last one has, as JSON, the exact values of those that had to be changed."""
    row = {name: getattr(reject, name) for name in _REJECT}
    row["payload"] = to_json(reject.payload) if reject.payload is not None else None
    exact = {}
    for name, value in row.items():
        if isinstance(value, str) and (text := storable(value)) != value:
            exact[name], row[name] = value, text
    return (*row.values(), json.dumps(exact) if exact else None)


def reject_of(row: tuple[Any, ...]) -> Reject:
    """Return the reject that `reject_row` made a row of.

    Raises:
        SinkError: Its payload can't be read.
    """
    values = dict(zip((*_REJECT, "exact"), row, strict=True))
    exact, payload = values.pop("exact"), values.pop("payload")
    values.update(json.loads(exact) if exact else {})
    try:
        return Reject(**values, payload=None if payload is None else from_json(payload))
    except ValueError as error:
        raise SinkError(
            f"the payload of the reject {values['id']} can't be read: {error}; drop it"
        ) from error


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(type(value).__name__)


def _json_value(value: object, depth: int = 0) -> object:
    if depth > _DEEPEST:
        return f"<{type(value).__name__}, nested too deeply>"
    if isinstance(value, Mapping):
        return {str(key): _json_value(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json_value(item, depth + 1) for item in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and value == value and abs(value) != float("inf"):
        return value
    return repr(value)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON; use null or text")


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text, not {_kind(value)}")
    return value


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{name} must be a whole number, not {_kind(value)}")
    return value


def _mapping(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object, not {_kind(value)}")
    return value


def _date(name: str, value: object) -> date:
    text = _text(name, value)
    try:
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{name} must be a date as in 2026-01-31, not {text!r}") from None


def _optional(check: Callable[[str, object], Any]) -> Callable[[str, object], Any]:
    return lambda name, value: None if value is None else check(name, value)


_CHECKS: dict[str, Callable[[str, object], Any]] = {
    "chunk_text": _text,
    "chunk_hash": _text,
    "context_header": _text,
    "source_file": _text,
    "source_category": _optional(_text),
    "document_date": _optional(_date),
    "chunk_index": _whole,
    "total_chunks": _whole,
    "chunk_token_count": _whole,
    "metadata": _mapping,
    "id": _text,
    "span_start": _optional(_whole),
    "span_end": _optional(_whole),
}
