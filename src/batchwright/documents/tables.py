"""The head of a table that goes on in another chunk."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from batchwright.documents.headings import clean_heading

_DELIMITER = re.compile(r"[ \t>]*+\|?+[ \t]*+:?+-++:?+[ \t]*+(?:\|[ \t]*+:?+-++:?+[ \t]*+)*+\|?+[ \t]*+")
_CELL = re.compile(r"(?:[^|\\]|\\.)++")


class TableHeads:
    """Finds the head of the table that a text is cut in. Ask for places in ascending order.

    Args:
        lines: What `with_line_feeds` made of the text.
        blocks: Ranges that hold no tables, sorted.
    """

    def __init__(self, lines: str, blocks: Sequence[tuple[int, int]]) -> None:
        self._lines = lines
        self._blocks = blocks
        self._starts = [start for start, _ in blocks]
        self._last = -1  # the line asked for last, and the head of its table
        self._head = ""
        self._end = 0  # of the line asked for last, and what was answered
        self._answer = ""

    def at(self, place: int) -> str:
        """Return the head of the table around `place`, as ``Name | Type``; empty where there is none."""
        if place >= self._end:
            line = self._lines.rfind("\n", 0, place + 1)
            end = self._lines.find("\n", place + 1)
            self._end = end if end >= 0 else len(self._lines)
            self._answer = self._of(line, place)
        return self._answer

    def _of(self, line: int, place: int) -> str:
        if "|" not in self._line(line):
            return ""
        block = bisect_right(self._starts, place) - 1
        if block >= 0 and place < self._blocks[block][1]:
            return ""
        head = self._above(line)
        self._last, self._head = line, head
        return head

    def _above(self, line: int) -> str:
        while line > 0 and line != self._last:
            content = self._line(line)
            if "|" not in content:
                return ""
            above = self._lines.rfind("\n", 0, line)
            if _DELIMITER.fullmatch(content):
                return _cells(self._line(above))
            line = above
        return self._head if line == self._last else ""

    def _line(self, start: int) -> str:
        end = self._lines.find("\n", start + 1)
        return self._lines[start + 1 : end if end >= 0 else None]


def _cells(head: str) -> str:
    if "|" not in head:
        return ""
    cells = (clean_heading(cell.replace("\\|", "|")) for cell in _CELL.findall(head.lstrip("> \t")))
    return " | ".join(filter(None, cells))
