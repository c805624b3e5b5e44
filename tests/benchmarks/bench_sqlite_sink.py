"""The SQLite sink against one `executemany` in one transaction into the same tables.

Run as ``python tests/benchmarks/bench_sqlite_sink.py [FOLDER] [ROWS]``. Trust the ratios, not the figures.
"""

from __future__ import annotations

import json
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from batchwright.builtin.sqlite.rows import COLUMNS, rows
from batchwright.ledger import DocumentVersion, Publication, Receipt
from batchwright.model import Batch, ProcessedChunk, chunk_id, document_id

BATCHES = (32, 256, 1_000, 5_000)
CHUNKS_A_DOCUMENT = 20


def run(path: Path, rounds: int = 5, rows: int = 20_000) -> list[dict[str, Any]]:
    """Return figures for each batch size, with and without full text: medians of `rounds`, in turn.

    ``sink`` is a first load, ``again`` the same rows once more, ``full`` a load with an fsync a batch.

    Args:
        path: A folder for the databases.
        rounds: How often each is measured; every round measures all of them.
        rows: How many rows of 1.6 KB are loaded each time.
    """
    chunks = make_chunks(rows)
    versions = make_versions(chunks)
    cases: dict[tuple[str, int, bool], Callable[[Path], float]] = {}
    for full_text in (False, True):
        cases["baseline", rows, full_text] = partial(_baseline, chunks, versions, full_text)
        for size in BATCHES:
            cases["sink", size, full_text] = partial(_sink, chunks, versions, full_text, size)
            cases["again", size, full_text] = partial(_sink, chunks, versions, full_text, size, again=True)
            if not full_text:
                cases["full", size, full_text] = partial(
                    _sink, chunks, versions, full_text, size, synchronous="full"
                )
    seconds: dict[tuple[str, int, bool], list[float]] = {case: [] for case in cases}
    for _ in range(rounds):
        for case, measure in cases.items():
            with tempfile.TemporaryDirectory(dir=path) as folder:
                seconds[case].append(measure(Path(folder) / "bench.db"))
    results = []
    for (what, size, full_text), times in seconds.items():
        base = statistics.median(seconds["baseline", rows, full_text])
        median = statistics.median(times)
        results.append(
            {
                "what": what,
                "batch": size,
                "full_text": full_text,
                "rows_per_second": round(rows / median),
                "of_baseline": round(base / median, 3),
                "spread": round((max(times) - min(times)) / median, 3),
            }
        )
    return results


def make_chunks(count: int) -> list[ProcessedChunk]:
    """Return chunks of about 1.6 KB of words, as frequent as in a language; the same ones each time."""
    dice = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(dice.choices(letters, k=dice.randint(2, 10))) for _ in range(20_000)]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    chunks = []
    for number in range(count):
        file, index = f"folder/{number // CHUNKS_A_DOCUMENT}.md", number % CHUNKS_A_DOCUMENT
        if index == 0:
            metadata = {"title": f"Document {file}", "tags": ["a", "b"]}
        chunks.append(
            ProcessedChunk(
                " ".join(dice.choices(words, weights=weights, k=230)),
                context_header=f"{file} > Chapter {index}",
                source_file=file,
                chunk_index=index,
                total_chunks=CHUNKS_A_DOCUMENT,
                chunk_token_count=400,
                metadata=metadata,
                id=chunk_id(document_id(file), index),
                span_start=index * 1_600,
                span_end=index * 1_600 + 1_600,
            )
        )
    return chunks


def make_versions(chunks: Sequence[ProcessedChunk]) -> dict[str, DocumentVersion]:
    """Return the version of each document, by its id."""
    files = {chunk.document_id: chunk.source_file for chunk in chunks}
    return {
        document: DocumentVersion(file, document, "0" * 64, "settings", 32_000, CHUNKS_A_DOCUMENT)
        for document, file in files.items()
    }


def _open(file: Path, full_text: bool, synchronous: Literal["normal", "full"] = "normal") -> SqliteSink:
    sink = SqliteSink(
        SqliteOptions(url=SecretStr(f"sqlite:///{file}"), full_text=full_text, synchronous=synchronous)
    )
    sink.open()
    return sink


def _baseline(
    chunks: Sequence[ProcessedChunk], versions: dict[str, DocumentVersion], full_text: bool, file: Path
) -> float:
    """Plain inserts of all rows by one `executemany`, the documents by another, in one transaction."""
    _open(file, full_text).close()
    insert = (
        f"INSERT INTO knowledge_base_chunks ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    )
    known = [
        (v.source_file, v.document_id, v.content_hash, v.settings, v.size, v.chunks, 0, "run", "now")
        for v in versions.values()
    ]
    start = time.perf_counter()
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(insert, rows(chunks, lambda: None))
    if full_text:
        connection.execute(
            "INSERT INTO knowledge_base_fts (rowid, context_header, chunk_text) "
            "SELECT seq, context_header, chunk_text FROM knowledge_base_chunks"
        )
    connection.executemany("INSERT INTO knowledge_base_documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", known)
    connection.execute("COMMIT")
    connection.close()
    return time.perf_counter() - start


def _sink(
    chunks: Sequence[ProcessedChunk],
    versions: dict[str, DocumentVersion],
    full_text: bool,
    size: int,
    file: Path,
    *,
    again: bool = False,
    synchronous: Literal["normal", "full"] = "normal",
) -> float:
    """The sink, with receipts that open and publish; `again`: the time to write the same once more."""
    _open(file, full_text).close()
    seconds = 0.0
    for turn in range(1 + again):
        start = time.perf_counter()
        sink = _open(file, full_text, synchronous)
        source, done = iter(chunks), 0
        while batch := list(islice(source, size)):
            sink.write(Batch(batch, done // size), _receipt(batch, versions, f"{turn}-{done}", done // size))
            done += len(batch)
        sink.close()
        seconds = time.perf_counter() - start
    return seconds


def _receipt(
    batch: Sequence[ProcessedChunk], versions: dict[str, DocumentVersion], batch_id: str, index: int
) -> Receipt:
    publications, opened = [], []
    for document in dict.fromkeys(chunk.document_id for chunk in batch):
        version = versions[document]
        if batch[-1].document_id == document and batch[-1].chunk_index + 1 < version.chunks:
            opened.append(version)
        else:
            before = batch[0].chunk_index if batch[0].document_id == document else 0
            publications.append(Publication(version, stored_before=before))
    return Receipt(batch_id, "run", index, len(batch), opened=tuple(opened), publications=tuple(publications))


def main() -> None:
    """Print the figures as a table, and as JSON."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.gettempdir())
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    results = run(folder, rows=count)
    print(f"{'what':10}{'batch':>8}{'full text':>11}{'k rows/s':>10}{'of baseline':>13}{'spread':>9}")
    for row in results:
        print(
            f"{row['what']:10}{row['batch']:>8}{'on' if row['full_text'] else 'off':>11}"
            f"{row['rows_per_second'] / 1000:>10.1f}{row['of_baseline']:>12.0%}{row['spread']:>9.0%}"
        )
    print(json.dumps(results))


if __name__ == "__main__":
    main()
