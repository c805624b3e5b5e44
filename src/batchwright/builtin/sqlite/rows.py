"""Chunks as rows, and what is wrong with those that SQLite can't hold."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from batchwright.builtin.sqlite.schema import FIELDS
from batchwright.model import ProcessedChunk
from batchwright.sqlite.schema import Names

COLUMNS = ("id", "document_id", *FIELDS, "span_start", "span_end")

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WHOLE_NUMBERS = ("chunk_index", "total_chunks", "chunk_token_count", "span_start", "span_end")
_TEXTS = ("chunk_text", "chunk_hash", "context_header", "source_file", "source_category")
_MOST_BYTES = 1_000_000_000  # SQLITE_MAX_LENGTH as it is compiled in by default
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=lambda value: _plain(value)).encode


def upsert(names: Names) -> str:
    """Return the statement that stores a row, and writes nothing where it is there already as it is."""
    rest = COLUMNS[1:]
    old, new = (
        f"({', '.join(prefix + column for column in rest)})" for prefix in (f"{names.chunks}.", "excluded.")
    )
    return (
        f"INSERT INTO {names.chunks} ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "
        f"ON CONFLICT (id) DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in rest)} "
        f"WHERE {old} IS NOT {new}"
    )


def rows(chunks: Iterable[ProcessedChunk], check: Callable[[], None]) -> Iterator[tuple[Any, ...]]:
    """Yield the row of each chunk, calling `check` before each."""
    known: dict[int, tuple[object, str]] = {}  # the chunks of a document share their metadata
    for chunk in chunks:
        check()
        metadata = known.get(id(chunk.metadata))
        if metadata is None:
            metadata = known[id(chunk.metadata)] = (chunk.metadata, _encode(chunk.metadata))
        date = chunk.document_date
        yield (
            chunk.id,
            chunk.document_id,
            chunk.chunk_text,
            chunk.chunk_hash,
            chunk.context_header,
            chunk.source_file,
            chunk.source_category,
            None if date is None else date.isoformat(),
            chunk.chunk_index,
            chunk.total_chunks,
            chunk.chunk_token_count,
            metadata[1],
            chunk.span_start,
            chunk.span_end,
        )


def bad_records(chunks: Sequence[ProcessedChunk]) -> dict[int, str]:
    """Return what is wrong with the chunks that can't be stored, by their position."""
    return {position: reason for position, chunk in enumerate(chunks) if (reason := _fault(chunk))}


def misnamed(chunks: Sequence[ProcessedChunk]) -> dict[int, str]:
    """Return what is wrong with the ids that aren't UUIDs; ranges of such would hold other rows."""
    matches = _UUID.fullmatch
    return {position: _MISNAMED for position, chunk in enumerate(chunks) if not matches(chunk.id)}


_MISNAMED = "id is not a UUID in lower case with dashes"


def _fault(chunk: ProcessedChunk) -> str | None:
    for name in _TEXTS:
        value = getattr(chunk, name)
        if isinstance(value, str) and (fault := _text_fault(value)):
            return f"{name} {fault}"
    for name in _WHOLE_NUMBERS:
        value = getattr(chunk, name)
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            return f"{name} is outside of 64 bits"
    try:
        fault = _text_fault(_encode(chunk.metadata))
    except RecursionError:
        fault = "is nested too deeply"
    except (TypeError, ValueError) as error:
        fault = f"is not JSON: {error}"
    return f"metadata {fault}" if fault else None


def _text_fault(text: str) -> str | None:
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        return f"holds a lone surrogate, U+{ord(text[error.start]):04X}, at character {error.start}"
    return f"has {size:,} bytes, more than SQLite holds" if size > _MOST_BYTES else None


def _plain(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"it holds a {type(value).__name__}")
