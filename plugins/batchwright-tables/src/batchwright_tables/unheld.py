"""Values that no field can hold, and the rows that have one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batchwright import BadLine

_LONGEST = 10_000
"""Characters of a row that are shown."""


@dataclass(frozen=True, slots=True)
class Unheld:
    """Stands where a value can't be held.

    Attributes:
        shown: The value, as its database or file has it.
        reason: Why no field holds it.
    """

    shown: str
    reason: str


NO_DATE = "is no date or time between the years 1 and 9999"
NANOSECONDS = "has nanoseconds, and times are kept with microseconds"


def has_unheld(values: list[Any]) -> bool:
    """Tell whether one of them can't be held."""
    return Unheld in set(map(type, values))


def bad_row(record: Mapping[str, Any], reason: str = "") -> BadLine:
    """Return a row that can't be loaded.

    Args:
        record: Its values, `Unheld` among them.
        reason: Why; by default what is wrong with these.
    """
    wrong = {name: value for name, value in record.items() if type(value) is Unheld}
    said = [f"{name} is {value.shown}, which {value.reason}" for name, value in wrong.items()]
    text = json.dumps(dict(record), ensure_ascii=False, default=_shown)
    return BadLine(
        reason="; ".join([reason, *said] if reason else said),
        text=text[:_LONGEST],
        values={name: value for name, value in record.items() if name not in wrong},
    )


def _shown(value: object) -> str:
    return value.shown if isinstance(value, Unheld) else str(value)
