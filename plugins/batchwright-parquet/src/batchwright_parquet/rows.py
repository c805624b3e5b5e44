"""Chunks as an Arrow table, and what is wrong with those that Parquet can't hold."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from batchwright import ProcessedChunk

_TEXTS = ("chunk_text", "chunk_hash", "context_header", "source_file", "source_category")
_WHOLE_NUMBERS = ("chunk_index", "total_chunks", "chunk_token_count", "span_start", "span_end")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DEEPEST = 100  # levels of JSON; many readers give up on much deeper ones
_SLICE = 1_000  # records between two looks at whether the write was cancelled
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=lambda value: _plain(value)).encode

_TYPES: dict[str, pa.DataType] = {
    "id": pa.string(),
    **dict.fromkeys(_TEXTS, pa.string()),
    "document_date": pa.date32(),
    "chunk_index": pa.int64(),
    "total_chunks": pa.int64(),
    "chunk_token_count": pa.int64(),
    "metadata": pa.string(),
    "span_start": pa.int64(),
    "span_end": pa.int64(),
}
SCHEMA = pa.schema(_TYPES)
"""The columns of the files, those of the published view in any other sink. The metadata are JSON."""


def to_arrow(chunks: Sequence[ProcessedChunk], check: Callable[[], None]) -> pa.Table:
    """Return the chunks as a table, calling `check` now and then.

    Raises:
        ValueError, TypeError, OverflowError, RecursionError: A chunk can't be stored; see `bad_records`.
    """
    known: dict[int, tuple[object, str]] = {}  # the chunks of a document share their metadata
    batches = []
    for start in range(0, len(chunks), _SLICE):
        check()
        part = chunks[start : start + _SLICE]
        columns: dict[str, list[Any]] = {
            name: [getattr(chunk, name) for chunk in part] for name in ("id", *_TEXTS, *_WHOLE_NUMBERS)
        }
        columns["document_date"] = [_day(chunk.document_date) for chunk in part]
        metadata = columns["metadata"] = []
        for chunk in part:
            text = known.get(id(chunk.metadata))
            if text is None:
                text = known[id(chunk.metadata)] = (chunk.metadata, _encode(chunk.metadata))
            metadata.append(text[1])
        batches.append(pa.RecordBatch.from_pydict(columns, schema=SCHEMA))
    return pa.Table.from_batches(batches, schema=SCHEMA)


def bad_records(chunks: Sequence[ProcessedChunk]) -> dict[int, str]:
    """Return what is wrong with the chunks that can't be stored, by their position."""
    return {position: reason for position, chunk in enumerate(chunks) if (reason := _fault(chunk))}


def misnamed(chunks: Sequence[ProcessedChunk]) -> dict[int, str]:
    """Return what is wrong with the ids that aren't UUIDs in the one form that is stored."""
    matches = _UUID.fullmatch
    return {position: _MISNAMED for position, chunk in enumerate(chunks) if not matches(chunk.id)}


_MISNAMED = "id is not a UUID in lower case with dashes"


def _day(value: date | None) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def _fault(chunk: ProcessedChunk) -> str | None:
    for name in _TEXTS:
        value = getattr(chunk, name)
        if value is None and name == "source_category":
            continue
        if not isinstance(value, str):
            return f"{name} is not text, but {type(value).__name__}"
        if fault := _surrogate(value):
            return f"{name} {fault}"
    for name in _WHOLE_NUMBERS:
        value = getattr(chunk, name)
        if value is None and name.startswith("span_"):
            continue
        if not isinstance(value, int):
            return f"{name} is not a whole number, but {type(value).__name__}"
        if not -(2**63) <= value < 2**63:
            return f"{name} is outside of 64 bits"
    day: object = chunk.document_date
    if day is not None and not isinstance(day, date):
        return f"document_date is not a date, but {type(day).__name__}"
    try:
        fault = _surrogate(_encode(chunk.metadata)) or _depth(chunk.metadata)
    except RecursionError:
        fault = "is nested too deeply"
    except (TypeError, ValueError) as error:
        fault = f"is not JSON: {error}"
    return f"metadata {fault}" if fault else None


def _surrogate(text: str) -> str | None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        return f"holds a lone surrogate, U+{ord(text[error.start]):04X}, at character {error.start}"
    return None


def _depth(value: object, depth: int = 0) -> str | None:
    if depth > _DEEPEST:
        return f"is nested more than {_DEEPEST} levels deep"
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return next((fault for item in inner if (fault := _depth(item, depth + 1))), None)


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"it holds a {type(value).__name__}")
