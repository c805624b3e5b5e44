"""Numbers for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def count(number: float) -> str:
    """Return ``12,340``."""
    return f"{number:,.0f}"


def duration(seconds: float) -> str:
    """Return ``12 ms``, ``1.24 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if seconds < 0.0995:
        return f"{seconds * 1000:.1f} ms" if 0 < seconds < 0.00995 else f"{seconds * 1000:.0f} ms"
    if seconds < 99.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60:,} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"


def moment(seconds: float, width: float) -> str:
    """Return a point of a run's time for an axis whose steps are `width` seconds: ``1:30``, ``0.4 s``."""
    if not seconds:
        return "0"
    if width < 1:
        return f"{seconds:.{2 if width < 0.1 else 1}f} s"
    whole = round(seconds)
    if whole < 60 and width < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours and not left:
        return f"{hours} h" if not minutes else f"{hours}:{minutes:02} h"
    return (
        f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}" if left else f"{minutes} min"
    )


def share(part: float, whole: float) -> str:
    """Return ``12.3 %``; what is there, but very little, is not 0."""
    if not whole:
        return ""
    percent = 100 * part / whole
    if 0 < percent < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if 99.9 < percent < 100 else f"{percent:.1f} %" if percent % 100 else f"{percent:.0f} %"


def round_duration(seconds: float) -> str:
    """Return a round number of seconds for an axis: ``50 ms``, ``1 s``, ``5 min``."""
    for unit, length in (("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds * 1000:g} ms"


def round_count(number: float) -> str:
    """Return a round number for an axis; nothing for a part of a thing."""
    return count(number) if number == int(number) else ""


@dataclass(frozen=True, slots=True)
class Unit:
    """How values are written.

    Attributes:
        exact: Any of them.
        rounded: A round one, at an axis.
    """

    exact: Callable[[float], str]
    rounded: Callable[[float], str]


THINGS = Unit(count, round_count)
TIME = Unit(duration, round_duration)
