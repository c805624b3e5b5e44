"""A directory into Postgres and SQLite, whole processes, against a bare chunker and one binary COPY.

Run as ``python -m tests.benchmarks.bench_whole DSN [FOLDER] [ROUNDS]``. Wall-clock times; trust the ratios.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from batchwright.documents import Chunker, MarkdownReader, discover
from batchwright.model import document_id
from tests.benchmarks.bench_postgres_sink import as_tuple, raw_copy
from tests.benchmarks.bench_text import make_documents

SCHEMA = "bench_whole"


def bare(dsn: str, folder: Path) -> None:
    """Chunk everything and COPY it into the table that batchwright made; keep no account of anything."""
    reader, chunker = MarkdownReader(), Chunker()
    chunks = []
    for found in discover(folder):
        document = reader.parse(reader.load(found))
        version = document_id(document.source_file, document.content_hash, "bare")
        chunks += chunker.chunk(document, version)
    with psycopg.connect(dsn, autocommit=True) as connection:
        raw_copy(connection, [as_tuple(chunk) for chunk in chunks], SCHEMA)


def run(dsn: str, folder: Path, rounds: int = 5) -> list[dict[str, Any]]:
    """Measure loading, loading again, and the bare script, in turn, `rounds` times."""
    options = f"schema={SCHEMA}&full_text=false"
    target = f"{dsn}{'&' if '?' in dsn else '?'}{options}"
    command = [sys.executable, "-m", "batchwright", "run", str(folder), "--quiet", "--to"]
    script = [sys.executable, "-m", "tests.benchmarks.bench_whole", "--bare", dsn, str(folder)]
    taken: dict[str, list[float]] = {}
    size = sum(found.size for found in discover(folder))
    with psycopg.connect(dsn, autocommit=True) as admin, tempfile.TemporaryDirectory() as made:
        for number in range(rounds):
            admin.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
            admin.execute(f"CREATE SCHEMA {SCHEMA}")
            sqlite = f"sqlite:///{made}/{number}.db?full_text=false"
            steps = {
                "batchwright to Postgres": [*command, target],
                "again, nothing changed": [*command, target],
                "batchwright to SQLite": [*command, sqlite],
                "again, nothing changed, SQLite": [*command, sqlite],
                "bare chunker + one COPY": script,
            }
            for what, step in steps.items():
                if step is script:
                    admin.execute(f"TRUNCATE {SCHEMA}.knowledge_base_chunks")
                began = time.perf_counter()
                subprocess.run(step, check=True, capture_output=True)
                taken.setdefault(what, []).append(time.perf_counter() - began)
        admin.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    base = statistics.median(taken["bare chunker + one COPY"])
    return [
        {
            "what": what,
            "seconds": round(statistics.median(times), 3),
            "mb_per_second": round(size / statistics.median(times) / 1e6, 2),
            "of_bare": round(base / statistics.median(times), 3),
            "spread": round((max(times) - min(times)) / statistics.median(times), 3),
        }
        for what, times in taken.items()
    ]


def main(arguments: list[str]) -> None:
    """Print a table and JSON."""
    if arguments[0] == "--bare":
        bare(arguments[1], Path(arguments[2]))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(arguments[1]) if len(arguments) > 1 else Path(made)
        if len(arguments) < 2:
            make_documents(folder)
        results = run(arguments[0], folder, int(arguments[2]) if len(arguments) > 2 else 5)
    print(f"{'whole process':32}{'seconds':>9}{'MB/s':>8}{'of bare':>9}{'spread':>8}")
    for row in results:
        print(
            f"{row['what']:32}{row['seconds']:>9.2f}{row['mb_per_second']:>8.2f}{row['of_bare']:>9.0%}"
            f"{row['spread']:>8.0%}"
        )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"peak memory of the largest process: {peak / 1024:.0f} MiB")
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1:])
