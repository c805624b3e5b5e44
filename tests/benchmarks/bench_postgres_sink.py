"""The Postgres sink against one raw binary COPY of the same rows into a table of the same shape.

    python tests/benchmarks/bench_postgres_sink.py postgresql://user:password@host/database [ROUNDS [ROWS]]

Every case runs in turn in every round, so that what disturbs the machine disturbs all of them; the figures
are medians. The sink upserts, records receipts and publishes documents, one commit a batch; the COPY is
one transaction of prepared tuples.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from batchwright.builtin.postgres import PostgresOptions, PostgresSink
from batchwright.builtin.postgres.rows import COLUMNS
from batchwright.ledger import DocumentVersion, Publication, Receipt
from batchwright.model import Batch, ProcessedChunk, chunk_id, document_id

SCHEMA = "batchwright_benchmark"
SIZES = (32, 256, 1_000, 5_000)
TEXT_BYTES = 1_350  # which makes rows of about 1.6 KB
CHUNKS_A_DOCUMENT = 9

_COLUMNS = [column.name for column in COLUMNS]
_TYPES = [column.type.oid for column in COLUMNS]


@dataclass(frozen=True)
class Case:
    """One way to load the rows."""

    size: int | None  # rows a batch; None for the raw COPY
    writers: int
    full_text: bool

    @property
    def name(self) -> str:
        """The case as a line of the table."""
        what = "raw COPY, all at once" if self.size is None else f"sink, {self.size:,} a batch"
        writers = "" if self.writers == 1 else f", {self.writers} writers"
        return what + writers + (", full text" if self.full_text else "")


CASES = (
    Case(None, 1, full_text=False),
    *(Case(size, writers, full_text=False) for size in SIZES for writers in (1, 2)),
    Case(None, 1, full_text=True),
    *(Case(size, 1, full_text=True) for size in SIZES),
)


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
    version = document_id("benchmark", str(number))
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
            id=chunk_id(version, index),
            span_start=index * TEXT_BYTES,
            span_end=(index + 1) * TEXT_BYTES,
        )
        for index in range(count)
    ]


def batches(texts: Sequence[Sequence[ProcessedChunk]], size: int) -> Iterator[tuple[Batch[Any], Receipt]]:
    """Cut the documents into batches, with receipts as the engine makes them."""
    batch: list[ProcessedChunk] = []
    opened: dict[str, DocumentVersion] = {}
    published: list[Publication] = []
    index = 0

    def finished() -> tuple[Batch[Any], Receipt]:
        receipt = Receipt(
            batch_id=str(uuid.uuid4()),
            run_id="benchmark",
            batch_index=index,
            records=len(batch),
            opened=tuple(opened.values()),
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
                published.append(Publication(version, stored_before=before))
                opened.pop(version.document_id, None)
            elif before == 0:
                opened[version.document_id] = version
            if len(batch) == size:
                yield finished()
                before = position + 1
                batch, opened, published, index = [], {}, [], index + 1
    if batch:
        yield finished()


def run(dsn: str, rounds: int = 5, rows: int = 30_000) -> list[dict[str, Any]]:
    """Measure every case, in turn, `rounds` times.

    Args:
        dsn: A database in which a schema may be made (and is dropped in the end).
        rounds: How often.
        rows: Rows of about 1.6 KB.

    Returns:
        For each case its name, rows a second (median), and per cent of the raw COPY's into a table without
        full text.
    """
    texts = documents(rows)
    tuples = [as_tuple(chunk) for chunks in texts for chunk in chunks]
    seconds: dict[Case, list[float]] = {case: [] for case in CASES}
    with psycopg.connect(dsn, autocommit=True) as admin:
        for _ in range(rounds):
            for case in CASES:
                seconds[case].append(_measured(admin, dsn, case, texts, tuples))
        admin.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA)))
    raw = statistics.median(seconds[CASES[0]])
    return [
        {
            "case": case.name,
            "batch": case.size,
            "writers": case.writers,
            "full_text": case.full_text,
            "rows_per_second": round(rows / statistics.median(taken)),
            "percent_of_raw_copy": round(100 * raw / statistics.median(taken), 1),
            "range": [round(rows / max(taken)), round(rows / min(taken))],
        }
        for case, taken in seconds.items()
    ]


def _measured(
    admin: psycopg.Connection[Any],
    dsn: str,
    case: Case,
    texts: Sequence[Sequence[ProcessedChunk]],
    tuples: Sequence[tuple[Any, ...]],
) -> float:
    """Load everything in the way of the case into new tables; return the seconds it took."""
    schema = sql.Identifier(SCHEMA)
    admin.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(schema))
    admin.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
    options = PostgresOptions.model_validate({"url": dsn, "schema": SCHEMA, "full_text": case.full_text})
    sinks = [PostgresSink(options) for _ in range(case.writers)]
    for sink in sinks:
        sink.open()
    share = [list(batches(texts[number :: case.writers], case.size or 1)) for number in range(case.writers)]
    admin.execute("CHECKPOINT")
    try:
        if case.size is None:
            return _timed([lambda: raw_copy(admin, tuples)])
        return _timed([_writer(sink, work) for sink, work in zip(sinks, share, strict=True)])
    finally:
        for sink in sinks:
            sink.close()
        if (found := _count(admin, published=case.size is not None)) != len(tuples):
            raise AssertionError(f"{case.name}: {found} of {len(tuples)} rows arrived")


def _timed(works: Sequence[Callable[[], None]]) -> float:
    threads = [threading.Thread(target=work) for work in works]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - start


def _writer(sink: PostgresSink, work: Sequence[tuple[Batch[Any], Receipt]]) -> Callable[[], None]:
    def write() -> None:
        for batch, receipt in work:
            sink.write(batch, receipt)

    return write


def raw_copy(
    connection: psycopg.Connection[Any], tuples: Sequence[tuple[Any, ...]], schema: str = SCHEMA
) -> None:
    """Store the tuples with one binary COPY."""
    target = sql.Identifier(schema, "knowledge_base_chunks")
    columns = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(target, columns)
    with connection.transaction(), connection.cursor().copy(statement) as copy:
        copy.set_types(_TYPES)
        for row in tuples:
            copy.write_row(row)


def as_tuple(chunk: ProcessedChunk) -> tuple[Any, ...]:
    """Return what COPY takes for a chunk."""
    named = {name: getattr(chunk, name) for name in _COLUMNS}
    named["id"], named["document_id"] = uuid.UUID(chunk.id), uuid.UUID(chunk.document_id)
    named["metadata"] = Jsonb(chunk.metadata)
    return tuple(named.values())


def _count(connection: psycopg.Connection[Any], *, published: bool) -> int:
    relation = sql.Identifier(SCHEMA, "knowledge_base" if published else "knowledge_base_chunks")
    row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(relation)).fetchone()
    return int(row[0]) if row else 0


def main(arguments: Sequence[str]) -> None:
    """Print the table and the same as JSON."""
    results = run(arguments[0], *(int(number) for number in arguments[1:3]))
    print(f"{'case':45} {'rows/s':>10} {'% of raw':>9}   range")
    for result in results:
        low, high = result["range"]
        rate, share = result["rows_per_second"], result["percent_of_raw_copy"]
        print(f"{result['case']:45} {rate:>10,} {share:>8}%   {low:,} – {high:,}")
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1:])
