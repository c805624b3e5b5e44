"""Processes of a plugin's tests that are killed at each step of writing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

killed_at_steps = pytest.mark.parametrize(
    ("every", "kills"),
    [pytest.param(13, 5, id="some"), pytest.param(1, 51, id="all", marks=pytest.mark.slow)],
)
"""Gives a test the steps to kill at, each one or every so many, and how many kills that makes at least."""


def kill_at_steps(plugin: Path, folder: Path, every: int) -> int:
    """Run the module `tests.killed` of a plugin; return how many processes were killed.

    Args:
        plugin: The plugin's folder.
        folder: Where each process leaves its target.
        every: Kill at every so many-th step.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.killed", str(folder), str(every)],
        capture_output=True,
        text=True,
        timeout=500,
        cwd=plugin,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)
