"""What the tests of the SQLite sink share: documents, receipts, and a look into the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from batchwright.builtin.sqlite.store import SqliteStore
from batchwright.contracts.receipts import DocumentVersion, Publication, Receipt, Reject
from batchwright.model import Batch, ProcessedChunk, document_id, record_id
from batchwright.sinkkit.search.normal import normal

COLLECTION = "docs"

_numbers = count()


def url_of(path: Path) -> SecretStr:
    return SecretStr(f"sqlite:///{quote(str(path))}")


def sink_at(path: Path, **options: Any) -> SqliteSink:
    return SqliteSink(SqliteOptions(url=url_of(path), **options))


def store_at(path: Path, **options: Any) -> SqliteStore:
    """Open a store, made where it is missing."""
    return sink_at(path, **options).open()


def document(
    key: str, texts: Sequence[str], content: str = "v1", **fields: Any
) -> tuple[DocumentVersion, list[ProcessedChunk]]:
    """A version of a document, and its chunks."""
    identity = document_id(COLLECTION, key.encode("utf-8", "surrogatepass").hex(), content)
    fields = {"metadata": {"title": key}, "document_date": date(2026, 1, 31), **fields}
    chunks = [
        ProcessedChunk(
            text,
            context_header=f"{key} > Part {index}",
            source_file=key,
            chunk_index=index,
            total_chunks=len(texts),
            id=record_id(identity, index),
            **fields,
        )
        for index, text in enumerate(texts)
    ]
    return DocumentVersion(key, identity, content, "settings", 100, len(texts)), chunks


def receipt(batch_id: str = "", **fields: Any) -> Receipt:
    """A receipt with an id of its own."""
    given = {"run_id": "run", "collection": COLLECTION, **fields}
    return Receipt(batch_id or f"batch {next(_numbers)}", **given)


def publish(store: SqliteStore, key: str, texts: Sequence[str], **fields: Any) -> DocumentVersion:
    """Store a document in one batch."""
    version, chunks = document(key, texts, **fields)
    store.write(Batch(chunks, 0), receipt(records=len(chunks), publications=(Publication(version),)))
    return version


def reject(identity: str = "r1", **fields: Any) -> Reject:
    values: dict[str, Any] = {
        "run_id": "run",
        "collection": COLLECTION,
        "key": "a.md",
        "document_id": "version",
        "position": 0,
        "error": "builtins.ValueError",
        "message": "no",
        "sqlstate": None,
        "attempts": 1,
        "decided_by": "classifier",
        "created_at": "2026-01-31T00:00:00Z",
        **fields,
    }
    return Reject(identity, **values)


def select(path: Path, sql: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """Ask the file itself, over a connection of its own."""
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        return connection.execute(sql, values).fetchall()


def rows_of(store: SqliteStore, version: str) -> int:
    """How many rows the store holds of a document version."""
    return {holding.document_id: holding.rows for holding in store.holdings()}.get(version, 0)


def published(path: Path, table: str = "knowledge_base") -> list[str]:
    """The texts that a reader of the view sees, by document and position."""
    rows = select(path, f'SELECT chunk_text FROM "{table}" ORDER BY source_file, chunk_index')
    return [text for (text,) in rows]


def check_index(path: Path, table: str = "knowledge_base") -> None:
    """Fail unless the full-text index has exactly the terms of the rows, in their order."""
    with closing(sqlite3.connect(path, timeout=5)) as connection:
        connection.execute(f'INSERT INTO "{table}_fts" ("{table}_fts") VALUES (\'integrity-check\')')
        connection.rollback()
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute(f'SELECT count(*) FROM "{table}_unindexed"').fetchall() == [(0,)]
        name = f"{table}_fts".replace('""', '"').replace("'", "''")
        connection.execute(f"CREATE VIRTUAL TABLE temp.found USING fts5vocab(main, '{name}', instance)")
        found: dict[tuple[int, str], list[str]] = {}
        for number, column, term in connection.execute(
            "SELECT doc, col, term FROM temp.found ORDER BY doc, col, offset"
        ):
            found.setdefault((number, column), []).append(term)
        rows = connection.execute(f'SELECT _seq, context_header, chunk_text FROM "{table}_records"')
        wanted = {
            (number, column): normal(text).split()
            for number, heading, body in rows
            for column, text in (("heading", heading), ("body", body))
            if normal(text).split()
        }
        assert found == wanted
