"""Loads the scenario in children that die at a step: ``python -m tests.killed FOLDER EVERY``.

A step is a call that changes a file: written, synced, renamed, removed, cut. Each child dies before one,
which is after the one before. Forked, to spare each the import; nothing has started a thread by then.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import batchwright_parquet.store  # noqa: F401 - imported once, for all children
import pyarrow.parquet as pq
from batchwright_parquet import ParquetOptions, ParquetSink, compact, manifest
from pydantic import SecretStr

from batchwright.testing.crashes import Steps, kill_at_each_step
from batchwright.testing.scenario import load

TAPPED: tuple[tuple[Any, str], ...] = (
    (os, "replace"),
    (os, "fsync"),
    (os, "truncate"),
    (Path, "unlink"),
    (pq, "write_table"),
    (manifest, "_line"),  # before a line is appended
)


def work(root: Path, steps: Steps) -> None:
    """Load, and put files together."""
    for owner, name in TAPPED:
        steps.tap(owner, name)
    with ParquetSink(ParquetOptions(url=SecretStr(f"parquet:///{root}"))).open() as store:
        load(store)
    compact(root)


if __name__ == "__main__":
    print(kill_at_each_step(work, Path(sys.argv[1]), int(sys.argv[2])))
