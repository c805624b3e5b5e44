"""Chunks as rows."""

# ruff: noqa: S608 - what goes into a statement besides parameters is a name, quoted by `schema.quoted`

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from batchwright.builtin.sqlite.schema import FIELDS
from batchwright.model import ProcessedChunk
from batchwright.sinkkit.columns import metadata_text
from batchwright.sinkkit.sqlite.schema import Names

COLUMNS = ("id", "document_id", *FIELDS, "span_start", "span_end")


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
            metadata = known[id(chunk.metadata)] = (chunk.metadata, metadata_text(chunk.metadata))
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
