"""Runs the benchmarks, on a Postgres of their own: ``make bench``. Prints tables, and writes JSON."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks import (
    bench_embedding,
    bench_engine,
    bench_growth,
    bench_postgres_sink,
    bench_records,
    bench_retrieval,
    bench_rows,
    bench_sqlite_sink,
    bench_terms,
    bench_text,
    bench_whole,
)
from tests.benchmarks.comparing import compare
from tests.benchmarks.measuring import ROUNDS
from tests.benchmarks.scope import Scope

PARTS: dict[str, Callable[[Scope], Path]] = {
    "engine": bench_engine.run,
    "text": bench_text.run,
    "terms": bench_terms.run,
    "sqlite": bench_sqlite_sink.run,
    "postgres": bench_postgres_sink.run,
    "records": bench_records.run,
    "rows": bench_rows.run,
    "whole": bench_whole.run,
    "growth": bench_growth.run,
    "retrieval": bench_retrieval.run,
    "embedding": bench_embedding.run,
}
FULL = "growth-full"
COMPARE = "compare"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"{', '.join(PARTS)} (all of them by default); {FULL}: with 100 times the input; "
        f"{COMPARE}: the ratios of the last two runs",
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each case is measured")
    parser.add_argument("--rows", type=int, default=Scope.rows, help="rows for the sinks")
    parser.add_argument("--documents", type=Path, help="a folder of Markdown, in place of what is made")
    parser.add_argument("--dsn", help="a Postgres database, in place of a server of our own")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.parts) - {*PARTS, FULL, COMPARE}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    if chosen.parts == [COMPARE]:
        compare()
        return
    scope = Scope(rounds=chosen.rounds, rows=chosen.rows, given=chosen.documents, url=chosen.dsn)
    with scope.opened():
        for part in chosen.parts or PARTS:
            if part == FULL:
                scope.scales = (1, 10, 100)
            print(PARTS[part.removesuffix("-full")](scope), flush=True)


if __name__ == "__main__":
    main()
