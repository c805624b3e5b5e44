"""Processes that are at work beside each other, and are killed at a random instant."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]


def kill_at_work(
    module: str, arguments: Sequence[Sequence[str]], random_: random.Random, most: float
) -> None:
    """Start a process for each of the arguments, and kill all; none may have ended by itself.

    Args:
        module: What they run. Each says a line once it is at work.
        arguments: Those of each; a number for its own random choices comes behind them.
        random_: Chooses the numbers and the instant.
        most: Seconds of work, at most.
    """
    commands = [[sys.executable, "-m", module, *own, str(random_.randrange(10**6))] for own in arguments]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for command in commands
    ]
    try:
        for process in processes:
            assert process.stdout
            process.stdout.readline()  # it is at work, or has ended
        time.sleep(random_.uniform(0.05, most))
        said = [process.poll() for process in processes]
    finally:  # where the test's time is over too
        for process in processes:
            process.kill()
        errors = [process.communicate(timeout=20)[1].decode() for process in processes]
    assert said == [None] * len(processes), "\n".join(errors)
