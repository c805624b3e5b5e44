"""A process that is killed at its n-th step, for every n: what it leaves is for the next one to fix.

Not on Windows: children are forked, to spare each the imports. Nothing may have started a thread by then.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

_MOST_STEPS = 2_000


class Steps:
    """Counts steps, and kills its process before a chosen one.

    Attributes:
        count: Steps so far.
    """

    def __init__(self, at: int) -> None:
        self.count = 0
        self._at = at

    def step(self) -> None:
        """Count a step."""
        self.count += 1
        if self.count == self._at:
            os.kill(os.getpid(), signal.SIGKILL)

    def tap(self, owner: Any, name: str) -> None:
        """Make each call of a function or method a step."""
        original = getattr(owner, name)

        def tapped(*arguments: Any, **named: Any) -> Any:
            self.step()
            return original(*arguments, **named)

        setattr(owner, name, tapped)


def kill_at_each_step(work: Callable[[Path, Steps], None], folder: Path, every: int = 1) -> int:
    """Do the work in children that die before step 1, 1 + `every`, …, until one gets to the end.

    Args:
        work: Works on a path of its own, which isn't there yet, and taps what is a step.
        folder: Where those are: ``folder/1`` and so on; the last is that of the child that was not killed.
        every: Distance of the steps; 1 for all of them.

    Returns:
        How many children were killed.

    Raises:
        RuntimeError: A child failed, or there is no end of steps.
    """
    for killed, at in enumerate(range(1, _MOST_STEPS, every)):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                work(folder / str(at), Steps(at))
                status = 0
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
            if status:
                raise RuntimeError(f"the child that was to die at step {at} ended with {status}")
            return killed
    raise RuntimeError(f"there is no end of steps after {_MOST_STEPS:,}")
