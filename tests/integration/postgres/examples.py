"""Documents, receipts and stores for these tests."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from batchwright.builtin.postgres import PostgresOptions, PostgresSink
from batchwright.builtin.postgres.store import PostgresStore
from batchwright.contracts.receipts import DocumentVersion, Publication, Receipt, Reject
from batchwright.contracts.record_json import as_json
from batchwright.contracts.records import CHUNK
from batchwright.model import Batch, ProcessedChunk, document_id, record_id

COLLECTION = "docs"

_numbers = itertools.count()
NO_METADATA: Mapping[str, Any] = {}


def sink_at(url: str, **options: Any) -> PostgresSink:
    """A sink, not yet open."""
    return PostgresSink(PostgresOptions.model_validate({"url": url, **options}))


def store_at(url: str, **options: Any) -> PostgresStore:
    """A sink that is open."""
    return sink_at(url, **options).open()


def plain_store_at(url: str, **options: Any) -> PostgresStore:
    """A sink that is open, in a database without our functions: only writing makes them."""
    with store_at(url, **options):
        pass
    return sink_at(url, **options).open(create=False)


def version(key: str = "a.md", content: str = "1", chunks: int = 3) -> DocumentVersion:
    """A version of a document."""
    identity = document_id(COLLECTION, key, content)
    return DocumentVersion(key, identity, f"hash of {content}", "512 cl100k", 100, chunks)


def chunks_of(document: DocumentVersion, text: str = "some text", **fields: Any) -> list[ProcessedChunk]:
    """All chunks of a version."""
    return [
        ProcessedChunk(
            f"{text} {index}",
            source_file=document.key,
            chunk_index=index,
            total_chunks=document.records,
            id=record_id(document.document_id, index),
            **{"context_header": f"{document.key} > {index}", **fields},
        )
        for index in range(document.records)
    ]


def receipt(records: Sequence[Any] = (), **fields: Any) -> Receipt:
    """A receipt with an id that no other has."""
    number = next(_numbers)
    return Receipt(
        **{
            "batch_id": f"batch {number}",
            "run_id": "run",
            "collection": COLLECTION,
            "records": len(records),
            **fields,
        }
    )


def write(store: PostgresStore, records: Sequence[ProcessedChunk] = (), **fields: Any) -> Receipt:
    """Write records with a new receipt, and return it."""
    made = receipt(records, **fields)
    store.write(Batch(records, 0), made)
    return made


def publish(store: PostgresStore, document: DocumentVersion, text: str = "some text", **fields: Any) -> None:
    """Write all of a version at once."""
    write(store, chunks_of(document, text), publications=(Publication(document),), **fields)


def reject(chunk: ProcessedChunk | None = None, **fields: Any) -> Reject:
    """A reject, of a chunk or of a document."""
    return Reject(
        **{
            "id": f"reject {chunk.id if chunk else 'document'}",
            "run_id": "run",
            "collection": COLLECTION,
            "key": chunk.source_file if chunk else "a.md",
            "document_id": chunk.document_id if chunk else None,
            "position": chunk.chunk_index if chunk else None,
            "error": "psycopg.errors.UntranslatableCharacter",
            "message": "no such character",
            "sqlstate": "22P05",
            "attempts": 2,
            "decided_by": "classifier",
            "created_at": "2026-01-01T00:00:00Z",
            "payload": as_json(CHUNK, chunk) if chunk else None,
            **fields,
        }
    )


def query(url: str, text: str, *values: Any, names: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """What a connection of its own sees."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql.SQL(text).format(*map(sql.Identifier, names)), values or None)
        return cursor.fetchall() if cursor.description else []


def rows_of(store: PostgresStore, version: str) -> int:
    """How many rows the store holds of a document version."""
    return {holding.document_id: holding.rows for holding in store.holdings()}.get(version, 0)


def texts(url: str, relation: str = "knowledge_base") -> list[str]:
    """The texts in a relation, in order."""
    return [
        text
        for (text,) in query(
            url, "SELECT chunk_text FROM {} ORDER BY source_file, chunk_index", names=[relation]
        )
    ]


def odd_chunks(count: int) -> list[ProcessedChunk]:
    """Chunks with every kind of value in every column."""
    letters = "aé€\U0001f600\U0010ffff\t\n\\'\"%{}\ufeff\u2028"
    document = version("odd/ﬁlé \U0001f600.md", chunks=count)
    metadata = [
        {"title": letters, "n": [1, 2.5, None, True, {"deep": letters}], "escaped": "\\u0000"},
        NO_METADATA,
    ]
    return [
        ProcessedChunk(
            f"{letters} {index}" if index % 3 else "",
            context_header=letters * (index % 2),
            source_file=document.key,
            source_category=letters if index % 2 else None,
            document_date=(None, date(1, 1, 1), date(2026, 2, 28), date(9999, 12, 31))[index % 4],
            chunk_index=index,
            total_chunks=count,
            chunk_token_count=(0, 2**31 - 1)[index % 2],
            metadata=metadata[index % 2],
            id=record_id(document.document_id, index),
            span_start=None if index % 3 == 0 else 2**40 + index,
            span_end=None if index % 3 == 0 else 2**40 + index + 1,
            line=None if index % 3 == 0 else index + 1,
            page=None if index % 3 == 0 else index + 1,
        )
        for index in range(count)
    ]
