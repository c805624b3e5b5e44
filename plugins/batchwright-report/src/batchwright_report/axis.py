"""The axes of a chart: from values to places, and the ticks that a person would choose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_UNEVEN = 25
"""How many times the usual value the largest one may be, until only a logarithmic axis shows both."""

_MOST = 6
"""Points of time that are named, at most."""

_STEPS = (
    0.1,
    0.2,
    0.5,
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10_800,
    21_600,
    43_200,
)

_TOPS = (1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10)
"""Beginnings of the value at the top of an axis, of which the half reads well, too."""


@dataclass(frozen=True, slots=True)
class Axis:
    """The vertical axis of a chart.

    Attributes:
        low: The value at its bottom.
        high: The value at its top.
        is_log: Whether equal steps are equal ratios.
    """

    low: float
    high: float
    is_log: bool = False

    def place(self, value: float) -> float:
        """Return how far above the bottom a value is: 0 to 100."""
        if self.is_log:
            part = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            part = (value - self.low) / (self.high - self.low)
        return 100 * min(max(part, 0.0), 1.0)

    def ticks(self) -> Sequence[float]:
        """Return the values to be named, the lowest first."""
        if not self.is_log:
            return 0.0, self.high / 2, self.high
        decades = round(math.log10(self.high / self.low))
        every = math.ceil(decades / 3)
        return [self.low * 10**step for step in range(0, decades + 1, every)]


def vertical(least: float, usual: float, most: float) -> Axis:
    """Return an axis for values.

    Args:
        least: The smallest that is not 0.
        usual: One in the middle.
        most: The largest.
    """
    if least > 0 and usual > 0 and most > _UNEVEN * usual:
        low, high = 10 ** math.floor(math.log10(least)), 10 ** math.ceil(math.log10(most))
        return Axis(low, high, is_log=True)
    return Axis(0.0, _rounded_up(most))


def moments(end: float) -> list[float]:
    """Return points of a run's time to be named, from 0."""
    step = next((step for step in _STEPS if end / step <= _MOST), 0.0)
    if not step:
        step = 86_400 * math.ceil(end / _MOST / 86_400)
    if end / step < 1:
        return [0.0, end]
    return [step * number for number in range(int(end / step) + 1)]


def _rounded_up(value: float) -> float:
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * part for part in _TOPS if power * part >= value * 0.9999)
