"""What becomes of a load that is killed half-way, and run again."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks.measuring import ROOT
from tests.benchmarks.peers import environments
from tests.benchmarks.peers.loaders import Loader, Rows

_PATIENCE = 300.0


@dataclass(frozen=True)
class Aftermath:
    """How a killed load and the next one ended.

    Attributes:
        when: What the kill waited for: half the rows, or half the time.
        there: Rows that were there when it was killed; None if it ended before it could be.
        missing: Rows of an undisturbed load that aren't there after the next one.
        surplus: Rows that an undisturbed load hasn't.
        failed: What the next one said if it failed.
    """

    when: str
    there: int | None
    missing: int = 0
    surplus: int = 0
    failed: str = ""

    def __str__(self) -> str:
        if self.there is None:
            return "ended first"
        if self.failed:
            return f"fails: {self.failed}"
        if self.missing or self.surplus:
            return f"{self.missing:,} missing, {self.surplus:,} too many"
        return "equal"


def kill_half_way(
    loader: Loader, dsn: str, folder: Path, undisturbed: Counter[tuple[str, str]], seconds: float | None
) -> Aftermath:
    """Kill a load into an empty database, and run it again.

    Args:
        loader: Whose.
        dsn: The database, prepared.
        folder: What to load.
        undisturbed: What an undisturbed load leaves.
        seconds: When to kill it; None: when half of the rows are there.
    """
    when = "half the rows" if seconds is None else "half the time"
    with psycopg.connect(dsn, autocommit=True) as connection, tempfile.TemporaryDirectory() as state:
        command = loader.command(dsn, folder, Path(state))
        half = undisturbed.total() / 2

        def due(elapsed: float) -> bool:
            return _count(connection, loader) >= half if seconds is None else elapsed >= seconds

        if not _killed(command, due):
            return Aftermath(when, None)
        _wait_for_backends(connection)
        there = _count(connection, loader)
        loader.prepare_again(dsn)
        again = subprocess.run(
            command, cwd=ROOT, env=environments.variables(), capture_output=True, text=True, timeout=_PATIENCE
        )
        failed = (
            (again.stderr.strip().splitlines() or [str(again.returncode)])[-1] if again.returncode else ""
        )
        found = Rows.of(connection, loader).contents if _count(connection, loader) else Counter()
        missing, surplus = (undisturbed - found).total(), (found - undisturbed).total()
        return Aftermath(when, there, missing, surplus, failed[:200])


def _killed(command: list[str], due: Callable[[float], bool]) -> bool:
    """Run the command until it is due to be killed; return whether it was."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environments.variables(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    began = time.monotonic()
    try:
        while process.poll() is None and time.monotonic() - began < _PATIENCE:
            if due(time.monotonic() - began):
                process.kill()
                return process.wait() < 0
            time.sleep(0.002)
    finally:
        process.kill()
        process.wait()
    return False


def _wait_for_backends(connection: psycopg.Connection[Any]) -> None:
    """Wait until the killed client's sessions are gone: one may still commit what it was told to."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        row = connection.execute(others).fetchone()
        if row is None or not row[0]:
            return
        time.sleep(0.02)


def _count(connection: psycopg.Connection[Any], loader: Loader) -> int:
    row = connection.execute("SELECT to_regclass(%s)", [loader.table]).fetchone()
    if row is None or row[0] is None:
        return 0
    row = connection.execute(f"SELECT count(*) FROM {loader.table}".encode()).fetchone()
    return int(row[0]) if row else 0
