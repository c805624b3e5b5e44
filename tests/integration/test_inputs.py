"""Every kind of input, into SQLite and Postgres, also with Dask: loaded, again, changed, gone, after a kill.

Inputs of plugins are skipped where these are not installed; `make plugins` runs them all.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from batchwright import BatchConfig, BatchProcessor
from batchwright.contracts.account import Account
from batchwright.contracts.exits import USAGE
from batchwright.engine.lease import LeaseTimes
from tests.support.forked import Forked, Order
from tests.support.inputs import INPUTS, ROWS, Input, a_file, needs


class Target:
    """A database to load into by the command.

    Args:
        url: Where it is.
        place: The working directory.

    Attributes:
        executor: Which executor the settings name.
    """

    def __init__(self, url: str, place: Path) -> None:
        self.url = url
        self.executor = "local"
        self._place = place
        self._forked = 0

    def run(
        self, given: Input, *options: str, plugin: Path | None = None, forked: bool = False
    ) -> tuple[int, Any]:
        """Return the exit code and the JSON of a run by the command, in a process of its own.

        A forked one is spared the imports; it has no standard input, and starts no processes.
        """
        settings = dict(given.settings)
        table = settings.pop("table", None)
        url = f"{self.url}{'&' if '?' in self.url else '?'}table={table}" if table else self.url
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items() if name != "sources"]
        if self.executor != "local":
            lines.append(f'executor = "{self.executor}"\n[executors.{self.executor}]\nworkers = 1\n')
        for name, section in settings.get("sources", {}).items():
            lines.append(f"[sources.{name}]\n")
            lines += [f"{option} = {json.dumps(value)}\n" for option, value in section.items()]
        (self._place / "settings.toml").write_text("".join(lines), "utf-8")
        command = ["run", *given.sources, "--to", url, "--json", "--config", "settings.toml", *options]
        command += ["--plugin", str(plugin)] if plugin else ["--batch-size", "16"]
        if forked and not given.stdin and self.executor == "local":
            self._forked += 1
            order = Order(tuple(command), self._place, {}, LeaseTimes())
            with Forked(order, self._place / f"said{self._forked}") as running:
                code, out, err = running.ended()
            return code, json.loads(out) if out.strip() else err
        done = subprocess.run(
            [sys.executable, "-m", "batchwright", *command],
            cwd=self._place,
            input=given.stdin() if given.stdin else b"",
            capture_output=True,
            timeout=100,
        )
        return done.returncode, json.loads(done.stdout) if done.stdout.strip() else done.stderr.decode()

    def rows(self, relation: str) -> list[tuple[Any, ...]]:
        """Return what is published, without ids."""
        query = f"SELECT * FROM {relation}"
        if self.url.startswith("postgresql"):
            with psycopg.connect(self.url) as connection:
                found = connection.execute(query)
                return self._of(found)
        with closing(sqlite3.connect(self._place / "kb.db")) as file:
            return self._of(file.execute(query))

    @staticmethod
    def _of(cursor: Any) -> list[tuple[Any, ...]]:
        return sorted(map(tuple, cursor.fetchall()), key=repr)


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    url = "sqlite:///kb.db"
    return Target(request.getfixturevalue("postgres_url") if request.param == "postgres" else url, tmp_path)


@pytest.fixture(params=["local", "dask"])
def executor(request: pytest.FixtureRequest, target: Target) -> str:
    if request.param == "dask":
        needs("batchwright_dask")
        if target.url.startswith("sqlite"):
            pytest.skip("one process writes it; batchwright-dask's tests load rows into it")
    return str(request.param)


@pytest.fixture
def database(postgres_server: Any) -> Iterator[str]:
    """Another database, to read from."""
    import uuid

    name = f"batchwright_{uuid.uuid4().hex}"
    yield postgres_server.create_database(name)
    postgres_server.drop_database(name)


def states(result: Any) -> dict[str, int]:
    """Return how many documents are in which state, of all runs; and how many were removed."""
    found: dict[str, int] = {}
    for run in result.get("runs", [result]):
        account = run["account"]
        for state, count in (*account["documents"].items(), ("removed", account["removed"])):
            found[state] = found.get(state, 0) + count
    return {state: n for state, n in found.items() if n and state not in ("refused", "failed")}


@pytest.mark.timeout(300)  # four commands, each with a cluster of its own
@pytest.mark.parametrize("make", INPUTS, ids=lambda make: make.__name__)
def test_an_input_is_loaded_again_changed_and_gone(
    make: Callable[[Path, str], Input], target: Target, executor: str, tmp_path: Path, database: str
) -> None:
    given = make(tmp_path, database)
    target.executor = executor
    total = given.documents
    code, result = target.run(given, forked=True)
    assert (code, states(result)) == (given.code, {"added": total}), result
    loaded_by = "local" if given.is_rows else executor
    assert {run["executor"] for run in result.get("runs", [result])} == {loaded_by}
    if executor != loaded_by:
        return  # what follows is that executor's own test
    code, result = target.run(given, forked=True)
    assert (code, states(result)) == (given.code, {"unchanged": total}), result
    given.change()
    code, result = target.run(given, forked=True)
    rest = {"unchanged": total - 1} if total > 1 else {}
    assert (code, states(result)) == (given.code, {"changed": 1, **rest}), result
    given.remove()
    code, result = target.run(given, "--prune", forked=True)
    if given.prunes == USAGE:
        assert code == USAGE, result
        return
    wanted = {"unchanged": total - 1, "deleted": 1, "removed": 1}
    assert (code, states(result)) == (given.code, wanted), result


KILLER = """
import os, signal
import batchwright

writes = 0


@batchwright.hookimpl(tryfirst=True)
def batch_size(feedback, limits):
    global writes
    writes += 1
    if writes == 4:  # some batches are stored
        os.kill(os.getpid(), signal.SIGKILL)
    return 8
"""


@pytest.mark.parametrize("make", [one for one in INPUTS if one is not a_file], ids=lambda make: make.__name__)
def test_after_a_kill_the_same_command_completes_it(
    make: Callable[[Path, str], Input], target: Target, tmp_path: Path, database: str
) -> None:
    given = make(tmp_path, database)
    (tmp_path / "killer.py").write_text(KILLER, "utf-8")
    code, _ = target.run(given, plugin=tmp_path / "killer.py")
    assert code == -signal.SIGKILL
    code, result = target.run(given)
    assert code == given.code, result
    found = states(result)
    assert found.get("added", 0) + found.get("unchanged", 0) == given.documents
    killed = target.rows(given.relation)
    assert len(killed) == len(set(map(repr, killed)))
    if target.url.startswith("sqlite"):  # ids are the same on any target: nothing else is to compare with
        (tmp_path / "kb.db").rename(tmp_path / "killed.db")
        target.run(given)
        assert target.rows(given.relation) == killed


def test_an_iterable_of_a_program_is_loaded_again_changed_and_gone(target: Target, tmp_path: Path) -> None:
    from dataclasses import make_dataclass

    order = make_dataclass("Order", [("id", int), ("name", str)])
    url = target.url if target.url.startswith("postgresql") else f"sqlite:///{tmp_path}/kb.db"

    def load(names: dict[int, str], *, prune: bool = False) -> Account:
        with BatchProcessor(BatchConfig(to=url, reporters=())) as processor:
            orders = (order(number, name) for number, name in names.items())
            return processor.load(orders, record=order, prune=prune).account

    names = {n: f"name {n}" for n in range(ROWS)}
    assert load(names).documents.added == ROWS
    assert load(names).documents.unchanged == ROWS
    names[7] = "new"
    assert (load(names).documents.changed, load(names).documents.unchanged) == (1, ROWS)
    del names[9]
    assert load(names, prune=True).removed == 1
    assert len(target.rows('"order"')) == ROWS - 1
