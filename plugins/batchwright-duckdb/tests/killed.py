"""Loads the scenario in children that die at a statement: ``python -m tests.killed FOLDER EVERY``.

Forked, to spare each the import; DuckDB has not opened anything by then.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import batchwright_duckdb.connecting  # noqa: F401 - imported once, for all children
from batchwright_duckdb import DuckdbOptions, DuckdbSink
from batchwright_duckdb.instance import Instance
from pydantic import SecretStr

from batchwright.testing.crashes import Steps, kill_at_each_step
from batchwright.testing.scenario import load


class Tapped:
    """A connection whose statements are steps."""

    def __init__(self, connection: Any, steps: Steps) -> None:
        self._connection = connection
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        if name in ("execute", "begin", "commit"):
            self._steps.step()
        return getattr(self._connection, name)


def work(folder: Path, steps: Steps) -> None:
    """Load."""
    cursor = Instance.cursor

    def tapped(self: Instance) -> Any:
        return Tapped(cursor(self), steps)

    Instance.cursor = tapped  # type: ignore[method-assign]
    with DuckdbSink(DuckdbOptions(url=SecretStr(f"duckdb:///{folder}/kb.duckdb"))).open() as store:
        load(store)


if __name__ == "__main__":
    print(kill_at_each_step(work, Path(sys.argv[1]), int(sys.argv[2])))
