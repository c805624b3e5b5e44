"""How values are spread, in bounded memory: the smallest, the largest, and about where the rest lies."""

from __future__ import annotations

import math
from collections import Counter

_STEP = math.log(1.05)


class Spread:
    """Counts values by their logarithm: quantiles are right within 5 %, however many values there are.

    Attributes:
        count: How many values.
        total: Their sum.
        least: The smallest.
        most: The largest.
    """

    __slots__ = ("_counts", "count", "least", "most", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.least = math.inf
        self.most = 0.0
        self._counts: Counter[int] = Counter()

    def add(self, value: float) -> None:
        """Count a value."""
        value = max(0.0, value)
        self.count += 1
        self.total += value
        self.least = min(self.least, value)
        self.most = max(self.most, value)
        self._counts[round(math.log(max(value, 1e-6)) / _STEP)] += 1

    def quantile(self, part: float) -> float:
        """Return about the value that this part of all values does not exceed; 0 where there is none."""
        wanted, seen = part * self.count, 0
        for step in sorted(self._counts):
            seen += self._counts[step]
            if seen >= wanted:
                return min(max(math.exp(step * _STEP), self.least), self.most)
        return 0.0
