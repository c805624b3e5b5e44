"""The fields of front matter, and those that could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MAX_DEPTH = 32
"""Levels of a field's value, at most."""

FENCE_LINES = 1
"""Lines of a file above the first field."""


@dataclass(slots=True)
class Fields:
    """What front matter says.

    Attributes:
        values: The fields, as JSON values.
        unreadable: What could not be read, and why: ``globs (line 3): …``, where the file's first line is 1.
    """

    values: dict[str, Any] = field(default_factory=dict)
    unreadable: list[str] = field(default_factory=list)

    def refuse(self, name: str, line: int, reason: object) -> None:
        """Note that a field could not be read; `line` counts from 0, behind the fence."""
        first = str(reason).partition("\n")[0]
        self.unreadable.append(f"{name[:80]} (line {line + FENCE_LINES + 1}): {first[:200]}")
