"""Loads the scenario in children that die at the n-th statement: ``python -m tests.killed FOLDER``.

Forked, to spare each the import; DuckDB has not opened anything by then.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import batchwright_duckdb.store  # noqa: F401 - imported once, for all children
from batchwright_duckdb import DuckdbOptions, DuckdbSink
from batchwright_duckdb.instance import Instance
from pydantic import SecretStr

from tests.scenario import load


class Steps:
    """Counts, and ends the process."""

    def __init__(self, at: int) -> None:
        self.count = 0
        self.at = at

    def call(self, function: Any, *arguments: Any) -> Any:
        self.count += 1
        if self.count == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments)


class Tapped:
    """A connection whose statements count."""

    def __init__(self, connection: Any, steps: Steps) -> None:
        self._connection = connection
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._connection, name)
        if name in ("execute", "begin", "commit"):
            return lambda *arguments: self._steps.call(method, *arguments)
        return method


def work(path: Path, steps: Steps) -> None:
    """Load."""
    cursor = Instance.cursor

    def tapped(self: Instance) -> tuple[Any, int]:
        connection, generation = cursor(self)
        return Tapped(connection, steps), generation

    Instance.cursor = tapped  # type: ignore[method-assign]
    with DuckdbSink(DuckdbOptions(url=SecretStr(f"duckdb:///{path}"))) as sink:
        load(sink)


def main(folder: Path) -> None:
    """Kill a child before each statement, until there are no more."""
    killed, at = True, 0
    while killed:
        at += 1
        child = os.fork()
        if child == 0:
            work(folder / f"{at}.duckdb", Steps(at))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not killed and status != 0:
            raise SystemExit(f"the child at statement {at} ended with {status}")
    print(at - 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
