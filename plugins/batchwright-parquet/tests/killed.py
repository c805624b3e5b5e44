"""Loads the scenario in children that kill themselves at the n-th step: ``python -m tests.killed FOLDER``.

A step is a call that changes a file: written, synced, renamed, removed, cut. Each child dies before one,
which is after the one before. Forked, to spare each the import; nothing has started a thread by then.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import batchwright_parquet.store  # noqa: F401 - imported once, for all children
import pyarrow.parquet as pq
from batchwright_parquet import ParquetOptions, ParquetSink, compact, manifest
from pydantic import SecretStr

from tests.scenario import load

TAPPED = (
    (os, "replace"),
    (os, "fsync"),
    (os, "truncate"),
    (Path, "unlink"),
    (pq, "write_table"),
    (manifest, "_line"),  # before a line is appended
)


class Steps:
    """Counts, and ends the process."""

    def __init__(self, at: int) -> None:
        self.count = 0
        self.at = at

    def tap(self, owner: Any, name: str) -> None:
        original = getattr(owner, name)

        def tapped(*arguments: Any, **named: Any) -> Any:
            self.count += 1
            if self.count == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **named)

        setattr(owner, name, tapped)


def work(root: Path) -> None:
    """Load, and put files together."""
    with ParquetSink(ParquetOptions(url=SecretStr(f"parquet:///{root}"))) as sink:
        load(sink)
    compact(root)


def main(folder: Path) -> None:
    """Kill a child before each step, until there are no more."""
    killed, at = True, 0
    while killed:
        at += 1
        child = os.fork()
        if child == 0:
            steps = Steps(at)
            for owner, name in TAPPED:
                steps.tap(owner, name)
            work(folder / f"{at}")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not killed and status != 0:
            raise SystemExit(f"the child at step {at} ended with {status}")
    print(at - 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
