"""Slowing a run at random points: before its writers' batches.

As a plugin given by its path, its seed is in the environment: SLOW_SEED, and SLOW_LONGEST in seconds.
"""

from __future__ import annotations

import os
import random
import time
from functools import cache
from typing import Any

from batchwright import hookimpl


class SlowSizer:
    """A plugin: batches of random sizes, after random waits. Its thread is the one that writes."""

    def __init__(self, seed: int, longest: float) -> None:
        self._random = random.Random(seed)
        self._longest = longest

    @hookimpl
    def batch_size(self, feedback: Any, limits: Any) -> int:
        """Wait, mostly a little; return the size."""
        time.sleep(self._random.random() ** 3 * self._longest)
        return self._random.randint(2, 5)


@cache
def _sizer() -> SlowSizer:
    return SlowSizer(int(os.environ["SLOW_SEED"]), float(os.environ["SLOW_LONGEST"]))


@hookimpl
def batch_size(feedback: Any, limits: Any) -> int:
    """Wait, and return the size, in a process of its own."""
    return _sizer().batch_size(feedback, limits)
