"""In which line of a file a chunk begins."""

from __future__ import annotations

import re

_NO_SPACE = re.compile(r"\S")


class Lines:
    """Counts the lines of a text, from one place to the next.

    Args:
        text: What the places are in.
        before: What stands before it in the file.

    Attributes:
        at: The last place that was asked for.
    """

    def __init__(self, text: str, before: str = "") -> None:
        self._text = text
        self._feed = "\r" if "\r" in text and "\n" not in text else "\n"
        self._line = 1 + before.count(self._feed)
        self.at = 0

    def first(self, start: int, end: int) -> int:
        """Return the first line of `start:end` that isn't blank; places come in order."""
        found = _NO_SPACE.search(self._text, start, end)
        at = found.start() if found else start
        self._line += self._text.count(self._feed, self.at, at)
        self.at = at
        return self._line
