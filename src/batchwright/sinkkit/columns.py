"""Chunks as columns of plain values, and which records can't be stored and why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from batchwright.errors import BadRecords
from batchwright.model import ProcessedChunk

TEXTS = ("chunk_text", "chunk_hash", "context_header", "source_file", "source_category")
"""The fields that are text; `source_category` may be None."""

WHOLE_NUMBERS = ("chunk_index", "total_chunks", "chunk_token_count", "span_start", "span_end")
"""The fields that are numbers; the last two may be None."""

_OPTIONAL = {"source_category", "span_start", "span_end"}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MISNAMED = "id is not a UUID in lower case with dashes"

metadata_text = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=lambda v: _plain(v)).encode
"""Return metadata as JSON text; raises ValueError, TypeError or RecursionError for what isn't JSON."""


def columns_of(chunks: Sequence[ProcessedChunk]) -> dict[str, list[Any]]:
    """Return the values of all fields by field, and `document_id`: metadata as JSON, dates without a time.

    Raises:
        ValueError, TypeError, RecursionError: The metadata of a chunk aren't JSON; see `refusing`.
    """
    names = ("id", "document_id", *TEXTS, *WHOLE_NUMBERS)
    columns: dict[str, list[Any]] = {name: [getattr(chunk, name) for chunk in chunks] for name in names}
    columns["document_date"] = [_day(chunk.document_date) for chunk in chunks]
    known: dict[int, tuple[object, str]] = {}  # the chunks of a document share their metadata
    columns["metadata"] = []
    for metadata in (chunk.metadata for chunk in chunks):
        text = known.get(id(metadata))
        if text is None:
            text = known[id(metadata)] = (metadata, metadata_text(metadata))
        columns["metadata"].append(text[1])
    return columns


@contextmanager
def refusing(
    chunks: Sequence[ProcessedChunk],
    *errors: type[Exception],
    most_bytes: int | None = None,
    deepest: int | None = None,
) -> Iterator[None]:
    """Check the ids before the block, and name the records at fault where it fails for its data.

    Args:
        chunks: What the block stores.
        *errors: What the driver raises for bad data, beside what Python raises.
        most_bytes: What a text may have in UTF-8; None for no limit.
        deepest: Levels that metadata may nest; None for no limit.

    Raises:
        BadRecords: Names all records that can't be stored.
        ValueError: The same id twice.
    """
    if len({chunk.id for chunk in chunks}) != len(chunks):
        raise ValueError("the batch holds the same id twice; a record goes into a batch once")
    fits = _UUID.fullmatch
    if wrong := {position: _MISNAMED for position, chunk in enumerate(chunks) if not fits(chunk.id)}:
        raise BadRecords(bad_records(chunks, most_bytes=most_bytes, deepest=deepest) | wrong)
    faults: tuple[type[Exception], ...] = (ValueError, TypeError, RecursionError, OverflowError, *errors)
    try:
        yield
    except faults as error:
        if wrong := bad_records(chunks, most_bytes=most_bytes, deepest=deepest):
            raise BadRecords(wrong) from error
        raise


def bad_records(
    chunks: Sequence[ProcessedChunk], *, most_bytes: int | None = None, deepest: int | None = None
) -> dict[int, str]:
    """Return what is wrong with the chunks that a target of UTF-8 and 64 bits can't hold, by position."""
    return {n: fault for n, chunk in enumerate(chunks) if (fault := _fault(chunk, most_bytes, deepest))}


def _fault(chunk: ProcessedChunk, most_bytes: int | None, deepest: int | None) -> str | None:
    for name in (*TEXTS, *WHOLE_NUMBERS):
        value = getattr(chunk, name)
        if value is None and name in _OPTIONAL:
            continue
        fault = _text_fault(value, most_bytes) if name in TEXTS else _number_fault(value)
        if fault:
            return f"{name} {fault}"
    day: object = chunk.document_date
    if day is not None and not isinstance(day, date):
        return f"document_date is not a date, but {type(day).__name__}"
    try:
        fault = _text_fault(metadata_text(chunk.metadata), most_bytes) or _depth(chunk.metadata, deepest)
    except RecursionError:
        fault = "is nested too deeply"
    except (TypeError, ValueError) as error:
        fault = f"is not JSON: {error}"
    return f"metadata {fault}" if fault else None


def _text_fault(text: object, most_bytes: int | None) -> str | None:
    if not isinstance(text, str):
        return f"is not text, but {type(text).__name__}"
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        return f"holds a lone surrogate, U+{ord(text[error.start]):04X}, at character {error.start}"
    too_long = most_bytes is not None and size > most_bytes
    return f"has {size:,} bytes, more than the target holds" if too_long else None


def _number_fault(number: object) -> str | None:
    if not isinstance(number, int):
        return f"is not a whole number, but {type(number).__name__}"
    return None if -(2**63) <= number < 2**63 else "is outside of 64 bits"


def _depth(value: object, deepest: int | None, depth: int = 0) -> str | None:
    if deepest is None:
        return None
    if depth > deepest:
        return f"is nested more than {deepest} levels deep"
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return next((fault for item in inner if (fault := _depth(item, deepest, depth + 1))), None)


def _day(value: date | None) -> date | None:
    return value.date() if isinstance(value, datetime) else value


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"it holds a {type(value).__name__}")
