"""What a script would do that keeps no account: chunk everything, then store it at once.

Run as ``python -m tests.benchmarks.bare TARGET FOLDER``; the target is the URL of a Postgres database or the
path of an SQLite file, with the tables that batchwright made. It imports no more than such a script would.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from batchwright.documents import Chunker, MarkdownReader, discover
from batchwright.model import document_id

if TYPE_CHECKING:
    import psycopg

    from batchwright.model import ProcessedChunk

SCHEMA = "bench"
TYPES = {
    "_id": "uuid",
    "_document_id": "uuid",
    "chunk_text": "text",
    "chunk_hash": "text",
    "context_header": "text",
    "source_file": "text",
    "source_category": "text",
    "document_date": "date",
    "chunk_index": "int8",
    "total_chunks": "int8",
    "chunk_token_count": "int8",
    "metadata": "jsonb",
    "span_start": "int8",
    "span_end": "int8",
    "line": "int8",
    "page": "int8",
}
NAMES = ", ".join(TYPES)


def copy(connection: psycopg.Connection[Any], rows: Iterable[Sequence[Any]], schema: str = SCHEMA) -> None:
    """Store rows of `postgres_row` with one binary COPY, a transaction of its own."""
    statement = f"COPY {schema}.knowledge_base_records ({NAMES}) FROM STDIN (FORMAT binary)"
    with connection.cursor().copy(statement.encode()) as copying:
        copying.set_types(list(TYPES.values()))
        for row in rows:
            copying.write_row(row)


def postgres_row(chunk: ProcessedChunk) -> tuple[Any, ...]:
    """Return what `copy` takes for a chunk."""
    from psycopg.types.json import Jsonb

    named = _values(chunk)
    named["_id"], named["_document_id"] = UUID(chunk.id), UUID(chunk.document_id)
    named["metadata"] = Jsonb(chunk.metadata)
    return tuple(named.values())


def insert(file: str, rows: Iterable[Sequence[Any]], *, full_text: bool = False) -> None:
    """Store rows of `sqlite_row` with one `executemany`, in one transaction."""
    import sqlite3

    from batchwright.sinkkit.search.normal import normal

    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    places = ", ".join("?" * len(TYPES))
    connection.executemany(f"INSERT INTO knowledge_base_records ({NAMES}) VALUES ({places})", rows)
    if full_text:
        found = connection.execute("SELECT _seq, context_header, chunk_text FROM knowledge_base_records")
        connection.executemany(
            "INSERT INTO knowledge_base_fts (rowid, heading, body) VALUES (?, ?, ?)",
            ((number, normal(heading), normal(text)) for number, heading, text in found),
        )
    connection.execute("COMMIT")
    connection.close()


def sqlite_row(chunk: ProcessedChunk) -> tuple[Any, ...]:
    """Return what `insert` takes for a chunk."""
    named = _values(chunk)
    named["document_date"] = None if chunk.document_date is None else chunk.document_date.isoformat()
    named["metadata"] = json.dumps(chunk.metadata, ensure_ascii=False)
    return tuple(named.values())


def _values(chunk: ProcessedChunk) -> dict[str, Any]:
    return {name: getattr(chunk, name.removeprefix("_")) for name in TYPES}


def main(target: str, folder: str) -> None:
    """Load the folder."""
    reader, chunker = MarkdownReader(), Chunker()
    chunks: list[ProcessedChunk] = []
    for found in discover(Path(folder)):
        document = reader.read(found.handle, folder)
        version = document_id(document.source_file, document.content_hash, "bare")
        chunks += chunker.chunk(document, version)
    if target.startswith("postgresql:"):
        import psycopg

        with psycopg.connect(target, autocommit=True) as connection:
            copy(connection, map(postgres_row, chunks))
    else:
        insert(target, map(sqlite_row, chunks))


if __name__ == "__main__":
    main(*sys.argv[1:])
