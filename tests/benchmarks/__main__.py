"""Runs all benchmarks, on a Postgres of their own: ``make bench``. Prints tables, and JSON after each."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks import bench_engine, bench_postgres_sink, bench_sqlite_sink, bench_text, bench_whole
from tests.support.postgres import PostgresServer, PostgresTemplate


def main() -> None:
    """Run each for a short while."""
    sys.argv[1:] = []
    bench_engine.main()
    bench_text.main()
    with tempfile.TemporaryDirectory() as folder:
        documents = Path(folder) / "documents"
        documents.mkdir()
        bench_text.make_documents(documents)
        bench_sqlite_sink.main()
        with PostgresTemplate() as template, PostgresServer(template) as server:
            dsn = server.create_database("bench")
            bench_postgres_sink.main([dsn, "5", "10000"])
            bench_whole.main([dsn, str(documents)])


if __name__ == "__main__":
    main()
