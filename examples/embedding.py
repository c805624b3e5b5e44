"""Load a directory, then keep a vector for every chunk; run it again, and only what is new is embedded.

python examples/embedding.py docs/ kb.db "exactly once"

The embedder is a toy: it hashes words, needs no model, and gives the same vector everywhere. Put your own in
its place. What matters is the rest: vectors are keyed by chunk id, and stored a batch at a time. A chunk's id
changes with its document, so a vector never stands beside a text that it was not made from; and a program
that is killed goes on with the chunks that have no vector yet.
"""

from __future__ import annotations

import hashlib
import math
import re
import sqlite3
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from batchwright import Batch, BatchConfig, BatchProcessor, create_batches

DIMENSIONS = 256
PAGE = 1_000
BATCH_SIZE = 64

Embed = Callable[[str], Sequence[float]]
Row = tuple[str, str]


def toy_embedding(text: str) -> list[float]:
    """Return a vector of length 1 in which each word counts in a dimension of its own, more or less."""
    vector = [0.0] * DIMENSIONS
    for word in re.findall(r"\w+", text.casefold()):
        digest = hashlib.sha256(word.encode()).digest()
        vector[int.from_bytes(digest[:4], "big") % DIMENSIONS] += 1.0
    length = math.sqrt(sum(x * x for x in vector)) or 1.0
    return [x / length for x in vector]


def load(directory: Path, database: Path) -> BatchProcessor:
    """Load what is new or changed; return the processor."""
    target = f"sqlite:////{database.resolve().as_posix().lstrip('/')}"
    processor = BatchProcessor(BatchConfig(input_dir=directory, to=target, prune=True))
    processor.process_directory()
    return processor


def embed_new(processor: BatchProcessor, database: Path, embed: Embed = toy_embedding) -> int:
    """Embed the published chunks that have no vector; return how many."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS embeddings (chunk_id TEXT PRIMARY KEY, vector BLOB NOT NULL)"
        )
        with connection:
            connection.execute("DELETE FROM embeddings WHERE chunk_id NOT IN (SELECT id FROM knowledge_base)")

        def store(batch: Batch[Row]) -> int:
            vectors = [(chunk, array("f", embed(text)).tobytes()) for chunk, text in batch.documents]
            with connection:  # one transaction a batch: what is stored stays, whatever comes
                connection.executemany("INSERT OR IGNORE INTO embeddings VALUES (?, ?)", vectors)
            return len(vectors)

        embedded = 0
        for page in _without_vector(connection):
            for batch in create_batches(page, batch_size=BATCH_SIZE):
                result = processor.process_batch_with_retry(batch, store)
                if not result.success:
                    raise RuntimeError(f"batch {result.batch_index}: {result.error}")
                embedded += result.documents_processed
        return embedded


def nearest(
    database: Path, question: str, limit: int = 3, embed: Embed = toy_embedding
) -> list[tuple[float, str]]:
    """Return similarity and place of the chunks nearest to a question, nearest first."""
    wanted = embed(question)
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute(
            "SELECT context_header, vector FROM knowledge_base JOIN embeddings ON chunk_id = id"
        )
        found = [
            (sum(a * b for a, b in zip(wanted, array("f", vector), strict=True)), place)
            for place, vector in rows
        ]
    return sorted(found, key=lambda hit: (-hit[0], hit[1]))[:limit]


def _without_vector(connection: sqlite3.Connection) -> Iterator[list[Row]]:
    """Yield chunks, a page at a time, so that memory does not grow with their number."""
    after = ""
    while page := connection.execute(
        "SELECT id, context_header || '\n' || chunk_text FROM knowledge_base "
        "WHERE id > ? AND id NOT IN (SELECT chunk_id FROM embeddings) ORDER BY id LIMIT ?",
        (after, PAGE),
    ).fetchall():
        yield page
        after = page[-1][0]


def main(directory: str, database: str, *question: str) -> None:
    """Load, embed, and answer the question if there is one."""
    path = Path(database)
    print(f"{embed_new(load(Path(directory), path), path)} chunks embedded")
    if question:
        for similarity, place in nearest(path, " ".join(question)):
            print(f"{similarity:.2f}  {place}")


if __name__ == "__main__":
    main(*sys.argv[1:])
