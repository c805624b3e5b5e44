"""What went wrong, by its cause: a few causes usually stand behind many failures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from batchwright_report.text import key, message

ROOM = 40
"""Causes that are told apart, at most."""

_CLASS = 120
_OTHERS = "other causes"
_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”|«[^»]*»|\w*\d(?:[\w.,]*\w)?")


@dataclass(slots=True)
class Cause:
    """A cause, and what it did.

    Attributes:
        error: The error's class; empty where that is not known.
        sqlstate: Its SQLSTATE, or empty.
        said: The first message.
        decided_by: Which plugin classified it.
        count: How often it struck.
        records: How many records that cost.
        first: The first document it struck.
    """

    error: str
    sqlstate: str
    said: str
    decided_by: str = ""
    count: int = 0
    records: int = 0
    first: str = ""


class Causes:
    """Counts failures by cause: class, SQLSTATE, and message but for the values that it quotes.

    Attributes:
        count: How many failures.
    """

    def __init__(self) -> None:
        self.count = 0
        self._found: dict[tuple[str, str, str], Cause] = {}

    def add(
        self,
        said: str,
        *,
        error: str = "",
        sqlstate: str | None = None,
        decided_by: str = "",
        records: int = 0,
        first: str = "",
    ) -> None:
        """Count a failure."""
        self.count += 1
        name = error, sqlstate or "", _alike(said)
        cause = self._found.get(name)
        if cause is None and len(self._found) >= ROOM - 1:
            cause = self._found.setdefault(("", "", _OTHERS), Cause("", "", _OTHERS))
        if cause is None:
            cause = Cause(message(error, _CLASS), message(sqlstate or "", 10), message(said))
            cause.decided_by, cause.first = message(decided_by, _CLASS), key(first)
            self._found[name] = cause
        cause.count += 1
        cause.records += records

    def worst(self) -> list[Cause]:
        """Return the most frequent first."""
        return sorted(self._found.values(), key=lambda cause: -cause.count)


@lru_cache(maxsize=64)
def _alike(said: str) -> str:
    return _VALUES.sub("…", message(said))
