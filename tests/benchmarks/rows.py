"""Rows for the sinks, and the batches and receipts that the engine would make of them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from batchwright.contracts.receipts import DocumentVersion, Publication, Receipt
from batchwright.model import Batch, ProcessedChunk, document_id, record_id

TEXT_BYTES = 1_350  # which makes rows of about 1.6 KB
CHUNKS_A_DOCUMENT = 9


def documents(rows: int, seed: int = 7) -> list[list[ProcessedChunk]]:
    """Make documents of chunks, `rows` in all, the same for the same seed."""
    chance = random.Random(seed)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = [
        "".join(chance.choices(letters, range(26, 0, -1), k=chance.randint(2, 11))) for _ in range(20_000)
    ]
    made: list[list[ProcessedChunk]] = []
    while rows > 0:
        count = min(CHUNKS_A_DOCUMENT, rows)
        made.append(_document(len(made), count, words, chance))
        rows -= count
    return made


def _document(number: int, count: int, words: list[str], chance: random.Random) -> list[ProcessedChunk]:
    version = document_id("benchmark", str(number), "", "")
    metadata = {"title": f"Document {number}", "author": "A. N. Author", "tags": ["one", "two"]}
    return [
        ProcessedChunk(
            " ".join(chance.choices(words, k=TEXT_BYTES // 7))[:TEXT_BYTES],
            context_header=f"Document {number} > Part {index}",
            source_file=f"docs/part{number % 17}/document-{number}.md",
            source_category="docs",
            document_date=date(2026, 1, 1 + number % 28),
            chunk_index=index,
            total_chunks=count,
            chunk_token_count=300 + index,
            metadata=metadata,
            id=record_id(version, index),
            span_start=index * TEXT_BYTES,
            span_end=(index + 1) * TEXT_BYTES,
            line=20 * index + 1,
        )
        for index in range(count)
    ]


def batches(texts: Sequence[Sequence[ProcessedChunk]], size: int) -> Iterator[tuple[Batch[Any], Receipt]]:
    """Cut the documents into batches, with receipts as the engine makes them."""
    batch: list[ProcessedChunk] = []
    begun: dict[str, DocumentVersion] = {}
    continued: list[str] = []
    published: list[Publication] = []
    index = 0

    def finished() -> tuple[Batch[Any], Receipt]:
        receipt = Receipt(
            batch_id=str(uuid.uuid4()),
            run_id="benchmark",
            collection="benchmark",
            batch_index=index,
            records=len(batch),
            begun=tuple(begun.values()),
            continued=tuple(continued),
            publications=tuple(published),
        )
        return Batch(list(batch), index), receipt

    for chunks in texts:
        version = DocumentVersion(
            chunks[0].source_file, chunks[0].document_id, "0" * 64, "settings", 10_000, len(chunks)
        )
        before = 0
        for position, chunk in enumerate(chunks):
            batch.append(chunk)
            if position == len(chunks) - 1:
                published.append(Publication(version))
                begun.pop(version.document_id, None)
                continued = []
            elif before == 0:
                begun[version.document_id] = version
            else:
                continued = [version.document_id]
            if len(batch) == size:
                yield finished()
                before = position + 1
                batch, begun, continued, published, index = [], {}, [], [], index + 1
    if batch:
        yield finished()


def text_bytes(texts: Sequence[Sequence[ProcessedChunk]]) -> int:
    """Return how many bytes of text that is."""
    return sum(len(chunk.chunk_text.encode()) for chunks in texts for chunk in chunks)
