"""A directory into Postgres, whole processes: load, load again, kill half-way and load again.

The peers get the tokenizer that batchwright has where they take one, one embedding for all chunks where they
want embeddings, and 1,000 rows a batch where that is faster for them than what they do by default.
"""

from __future__ import annotations

import shutil
import statistics
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import psycopg

from tests.benchmarks.measuring import ROUNDS, Case, Cost, Result, Spread, rounds, run_command
from tests.benchmarks.peers import environments
from tests.benchmarks.peers.killed import Aftermath, kill_half_way
from tests.benchmarks.peers.loaders import LOADERS, OURS, Loader, Rows
from tests.benchmarks.peers.tables import show, times
from tests.benchmarks.reporting import report
from tests.support.databases import Databases
from tests.support.postgres import PostgresServer, PostgresTemplate

AGAIN = ", again"
HABITS = (
    "ours is × faster: wall",
    "CPU",
    "work",
    "MB/s of work",
    "rows",
    "again, s",
    "rewrote",
    "killed at half the rows",
    "… half the time",
)


class Load:
    """One loader's measurements, in a database that is made anew for each first load.

    Attributes:
        rewritten: Rows that the last load with nothing changed wrote again, or wrote at all.
        work: Seconds without start and imports of each first load, by the loader's own word.
        ratio: How many times as fast ours was in these.
        aftermaths: What became of killed loads.
        rows: What the last first load left.
    """

    def __init__(self, loader: Loader, server: Databases, folder: Path, scratch: Path) -> None:
        self.loader, self.server, self.folder = loader, server, folder
        self.size = sum(path.stat().st_size for path in folder.rglob("*.md"))
        self.state = scratch / uuid.uuid4().hex
        self.database, self.dsn = "", ""
        self.rewritten = 0
        self.work: list[float] = []
        self.ratio: Spread | None = None
        self.aftermaths: list[Aftermath] = []
        self.rows = Rows()

    def renew(self) -> None:
        """Have an empty, prepared database, and an empty state."""
        self.drop()
        self.database = f"peer_{uuid.uuid4().hex}"
        self.dsn = self.server.create_database(self.database)
        self.state.mkdir()
        self.loader.prepare(self.dsn)

    def drop(self) -> None:
        """Remove the database and the state."""
        if self.database:
            self.server.drop_database(self.database)
        shutil.rmtree(self.state, ignore_errors=True)

    def first(self) -> Cost:
        """Measure a load into an empty database."""
        self.renew()
        cost, said = self._run()
        if (seconds := self.loader.seconds(said)) is not None:
            self.work.append(seconds)
        self.rows = self._rows()
        return replace(cost, rows=self.rows.contents.total())

    def again(self) -> Cost:
        """Measure another one, with nothing changed."""
        self.loader.prepare_again(self.dsn)
        cost, _ = self._run()
        after = self._rows()
        self.rewritten = len(after.versions - self.rows.versions)
        return replace(cost, rows=after.contents.total())

    def kill(self, seconds: float) -> None:
        """Kill one when half the rows are there, one after so many seconds, and run both again."""
        undisturbed = self.rows.contents
        for limit in (None, seconds):
            for _ in range(4):  # sooner if it ended first
                self.renew()
                found = kill_half_way(self.loader, self.dsn, self.folder, undisturbed, limit)
                if found.there is not None or limit is None:
                    break
                limit *= 2 / 3
            self.aftermaths.append(found)
        self.rows = Rows(frozenset(), undisturbed)

    def _run(self) -> tuple[Cost, str]:
        command = self.loader.command(self.dsn, self.folder, self.state)
        return run_command(command, size=self.size, environment=environments.variables())

    def _rows(self) -> Rows:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return Rows.of(connection, self.loader)


def run(
    folder: Path,
    scratch: Path,
    missing: Mapping[str, str],
    count: int = ROUNDS,
    *,
    into: Path | None = None,
) -> Path:
    """Measure all that are available on a Postgres of their own; return the file with the JSON.

    Args:
        folder: The documents.
        scratch: A folder for what loaders keep between runs.
        missing: Environments that aren't there, and why.
        count: Rounds.
        into: Where the JSON goes, if not where all benchmarks' goes.
    """
    with PostgresTemplate() as template, PostgresServer(template) as server:
        loads, failed = _that_work([Load(loader, server, folder, scratch) for loader in LOADERS], missing)
        results = _measured(loads, count)
    told = [_with_facts(result, loads) for result in results.values()]
    show("beside the speed", HABITS, [_habits(load, results) for load in loads])
    facts = {"bytes": loads[0].size, "missing": {**missing, **failed}}
    return report("peers-whole", "a directory into Postgres, whole processes", told, facts=facts, folder=into)


def _that_work(loads: Sequence[Load], missing: Mapping[str, str]) -> tuple[list[Load], dict[str, str]]:
    """Return those that can do it once, which also warms files up, and the reasons of the others."""
    able, failed = [], {}
    for load in loads:
        loader = load.loader
        reason = missing.get(loader.environment.name) if loader.environment else None
        if reason is None:
            try:
                load.first()
            except RuntimeError as error:
                if loader.environment is None:
                    raise
                reason = str(error).strip().splitlines()[-1]
        if reason is None:
            load.work.clear()
            able.append(load)
        else:
            failed[loader.name] = reason
            print(f"left out: {loader.name}: {reason}")
    return able, failed


def _measured(loads: Sequence[Load], count: int) -> dict[str, Result]:
    """Measure each loader in turn with ours alone, so that what is compared was measured side by side."""
    ours, *others = loads
    measured: dict[str, Result] = {}
    for load in others:
        name = load.loader.name
        cases = [Case(OURS, ours.first), Case(name, load.first, against=OURS)]
        cases.append(Case(name + AGAIN, load.again, against=name))
        if load is others[0]:
            cases.insert(1, Case(OURS + AGAIN, ours.again, against=OURS))
        for result in rounds(cases, count, warm_up=False):
            before = measured.get(result.case.name)
            costs = [*(before.costs if before else ()), *result.costs]
            measured[result.case.name] = replace(result, costs=costs)
        if load.work:
            pairs = zip(load.work, ours.work[-count:], strict=True)
            load.ratio = Spread.of(own / theirs for theirs, own in pairs)
        for done in (ours, load) if load is others[0] else (load,):
            done.kill(measured[done.loader.name].seconds("wall").median / 2)
            print(" | ".join(_habits(done, measured)), flush=True)
        load.drop()
    ours.drop()
    return measured


def _with_facts(result: Result, loads: Sequence[Load]) -> Result:
    load = next(load for load in loads if load.loader.name == result.case.name.removesuffix(AGAIN))
    facts: dict[str, object] = {"rewritten": load.rewritten}
    if not result.case.name.endswith(AGAIN):
        environment = load.loader.environment
        facts = {
            "work": load.work,
            "work_speed": asdict(load.ratio) if load.ratio else None,
            "versions": environment.versions() if environment else {},
            "killed": [asdict(aftermath) for aftermath in load.aftermaths],
        }
    return replace(result, case=replace(result.case, facts=facts))


def _habits(load: Load, results: Mapping[str, Result]) -> list[str]:
    name = load.loader.name
    first, again = results[name], results[name + AGAIN]
    by_cpu = replace(first, case=replace(first.case, clock="cpu"))
    return [
        name,
        times(first.speed),
        times(by_cpu.speed),
        times(load.ratio),
        f"{load.size / statistics.median(load.work) / 1e6:.2f}" if load.work else "",
        f"{first.costs[-1].rows:,}",
        f"{again.seconds('wall').median:.2f}",
        f"{load.rewritten:,}",
        *map(str, load.aftermaths),
    ]
