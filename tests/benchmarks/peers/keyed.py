"""A CSV with a key into Postgres, whole processes: load, load again, and with one row in 100 changed.

All have the same columns of the same types. dlt gets the rows as Python values, made by the csv module; in a
case of its own, as Arrow tables, made by pyarrow. Nothing is changed about anyone's durability, or how many
processes and connections it uses. batchwright tells an unchanged file by the hash of its bytes; where a row
is changed, it compares all of them.
"""

from __future__ import annotations

import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg

from tests.benchmarks.measuring import ROUNDS, Case, Cost, rounds, run_command
from tests.benchmarks.peers import environments
from tests.benchmarks.peers.environments import DLT, DLT_ARROW, Environment
from tests.benchmarks.reporting import report
from tests.support.databases import Databases
from tests.support.postgres import PostgresServer, PostgresTemplate

ROWS = 100_000
OURS, AGAIN, CHANGED = "batchwright", ", again", ", 1 % changed"


class Load:
    """One loader's measurements, in a database that is made anew for each first load.

    Args:
        name: What the table calls it.
        table: Where its rows are.
        adapter: Its module in `stores`, and where that is installed; None for ours.
        server: Where databases are made.
        path: The CSV.
        scratch: Where folders are made.
    """

    def __init__(
        self,
        name: str,
        table: str,
        adapter: tuple[str, Environment] | None,
        server: Databases,
        path: Path,
        scratch: Path,
    ) -> None:
        self.name, self._table, self._adapter = name, table, adapter
        self._server, self._path, self._scratch = server, path, scratch
        self._dsn, self._state = "", scratch

    def first(self) -> Cost:
        """Measure a load into an empty database."""
        self._dsn = self._server.create_database(f"peer_{uuid.uuid4().hex}")
        self._state = self._scratch / uuid.uuid4().hex
        self._state.mkdir()
        return self.again()

    def again(self) -> Cost:
        """Measure another one."""
        size = self._path.stat().st_size
        cost, _ = run_command(self._command(), rows=ROWS, size=size, environment=environments.variables())
        with psycopg.connect(self._dsn) as connection:
            found = connection.execute(f"SELECT count(*) FROM {self._table}").fetchone()
        assert found == (ROWS,), f"{self.name} stored {found} rows"
        return cost

    def changed(self) -> Cost:
        """Measure another one, with one row in 100 changed."""
        write(self._path, 100)
        try:
            return self.again()
        finally:
            write(self._path)

    def _command(self) -> Sequence[str]:
        if self._adapter is None:
            options = ("--key", "id", "--collection", "orders", "--quiet")
            return [sys.executable, "-m", "batchwright", "run", str(self._path), "--to", self._dsn, *options]
        module, environment = self._adapter
        module = f"tests.benchmarks.peers.stores.{module}"
        return [environment.python, "-m", module, self._dsn, str(self._path), str(self._state)]


def write(path: Path, every: int = 0) -> Path:
    """Write the CSV, the same each time; with every so many rows changed, if that is said."""
    with path.open("w", encoding="utf-8") as file:
        file.write("id,name,city,amount,placed,note\n")
        for n in range(1, ROWS + 1):
            amount, day = f"{(n * 37 % 100_000) / 100:.2f}", f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}"
            name, note = f"Customer {n * 7919 % ROWS}", f"note {n} " + "lorem ipsum dolor " * 3
            if every and not n % every:
                note = f"changed {note}"
            file.write(f"{n},{name},City {n % 977},{amount},{day},{note.strip()}\n")
    return path


def run(folder: Path, scratch: Path, missing: Mapping[str, str], count: int = ROUNDS) -> Path | str:
    """Measure all on a Postgres of their own; return the file with the JSON.

    Args:
        folder: The documents of the other measurements; not used.
        scratch: A folder for what loaders keep between runs.
        missing: Environments that aren't there, and why.
        count: Rounds.
    """
    for peer in (DLT, DLT_ARROW):
        if peer.name in missing:
            return f"keyed rows: {peer.name} is missing: {missing[peer.name]}"
    path = write(scratch / "orders.csv")
    with PostgresTemplate() as template, PostgresServer(template) as server:
        loads = [
            Load(OURS, "orders", None, server, path, scratch),
            Load("dlt merge", "kb.orders", ("dlt_keyed", DLT), server, path, scratch),
            Load("dlt merge, Arrow", "kb.orders", ("dlt_arrow", DLT_ARROW), server, path, scratch),
        ]
        results = rounds([case for load in loads for case in _cases(load)], count, warm_up=False)
    return report("peers-keyed", f"{ROWS:,} keyed rows of a CSV into Postgres, whole processes", results)


def _cases(load: Load) -> Sequence[Case]:
    """Return what is measured of a loader; each of another's stands beside ours, ours beside our first."""
    is_ours = load.name == OURS
    return [
        Case(load.name, load.first, against=None if is_ours else OURS),
        Case(load.name + AGAIN, load.again, against=OURS if is_ours else OURS + AGAIN),
        Case(load.name + CHANGED, load.changed, against=OURS if is_ours else OURS + CHANGED),
    ]
