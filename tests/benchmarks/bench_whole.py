"""A directory into Postgres and SQLite, whole processes, against a script that keeps no account."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from batchwright.builtin.postgres import PostgresOptions, PostgresSink
from batchwright.builtin.sqlite import SqliteOptions, SqliteSink
from batchwright.documents import discover
from tests.benchmarks.bare import SCHEMA
from tests.benchmarks.measuring import Case, Cost, run_command
from tests.benchmarks.reporting import report
from tests.benchmarks.scope import Scope, facts_of, renew


def load(folder: Path, target: str) -> list[str]:
    """Return the command that loads a folder."""
    return [sys.executable, "-m", "batchwright", "run", str(folder), "--quiet", "--to", target]


def run(scope: Scope) -> Path:
    """Measure; return the file of results."""
    folder, target, admin = scope.documents(), scope.target(), scope.postgres()
    with_text = target.replace("full_text=false", "full_text=true")
    file = scope.folder() / "bench.db"
    lite = f"sqlite:///{file}?full_text=false"
    lite_with_text = f"sqlite:///{file}"
    size = sum(found.size for found in discover(folder))
    bare = [sys.executable, "-m", "tests.benchmarks.bare"]

    def whole(command: Sequence[str], prepare: Callable[[], None], rows: Callable[[], int]) -> Cost:
        prepare()
        cost, _ = run_command(command)
        return Cost(cost.wall, cost.cpu, cost.peak, rows(), size)

    def new_schema() -> None:
        renew(admin)

    def new_tables() -> None:
        renew(admin)
        options = {"url": scope.database(), "schema": SCHEMA, "full_text": False}
        PostgresSink(PostgresOptions.model_validate(options)).open().close()

    def new_file() -> None:
        for path in file.parent.glob("bench.db*"):
            path.unlink()

    def new_file_with_tables() -> None:
        new_file()
        options = {"url": f"sqlite:///{file}", "full_text": False}
        SqliteSink(SqliteOptions.model_validate(options)).open().close()

    def nothing() -> None:
        """What was loaded before is there."""

    def in_postgres() -> int:
        row = admin.execute(f"SELECT count(*) FROM {SCHEMA}.knowledge_base_records".encode()).fetchone()
        return int(str(row[0])) if row else 0

    def in_sqlite() -> int:
        with closing(sqlite3.connect(file)) as connection:
            return int(connection.execute("SELECT count(*) FROM knowledge_base_records").fetchone()[0])

    copy, many = "bare chunker + one COPY", "bare chunker + one executemany"
    first, first_lite = "batchwright to Postgres", "batchwright to SQLite"
    results = scope.measure(
        [
            Case(copy, lambda: whole([*bare, scope.database(), str(folder)], new_tables, in_postgres)),
            Case(first, lambda: whole(load(folder, target), new_schema, in_postgres), copy),
            Case(f"{first}, again", lambda: whole(load(folder, target), nothing, in_postgres), first),
            Case(
                f"{first}, full text", lambda: whole(load(folder, with_text), new_schema, in_postgres), first
            ),
            Case(many, lambda: whole([*bare, str(file), str(folder)], new_file_with_tables, in_sqlite)),
            Case(first_lite, lambda: whole(load(folder, lite), new_file, in_sqlite), many),
            Case(f"{first_lite}, again", lambda: whole(load(folder, lite), nothing, in_sqlite), first_lite),
            Case(
                f"{first_lite}, full text",
                lambda: whole(load(folder, lite_with_text), new_file, in_sqlite),
                first_lite,
            ),
            Case("batchwright --version", lambda: run_command([*load(folder, lite)[:3], "--version"])[0]),
        ]
    )
    if len({cost.rows for result in results for cost in result.costs} - {0}) != 1:
        raise AssertionError("not every way stored as many rows")
    renew(admin, drop_only=True)
    return report("whole", "Whole processes, wall time", results, facts=facts_of(admin), folder=scope.results)
