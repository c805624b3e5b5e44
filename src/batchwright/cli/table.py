"""Tables in a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress, islice
from typing import TypeVar

from batchwright.cli.terminal import Style, Terminal
from batchwright.visible import one_line

_NARROWEST = 24
_GAP = "  "
_INDENT = 4


Item = TypeVar("Item")


def pages(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items some at a time."""
    rest = iter(items)
    while page := list(islice(rest, size)):
        yield page


class Table:
    """Lines up cells under a heading, page by page; the last column is cut to the terminal's width.

    Where the columns don't fit beside each other, those that don't go on a second line, indented: a terminal
    would break them anywhere.

    Args:
        terminal: Where it is shown.
        heading: The columns' names.
        right: Columns that are lined up on the right.
        styles: Styles of whole cells, by their text.
        hidden: Columns that are left out, where all their cells would say the same.
    """

    def __init__(
        self,
        terminal: Terminal,
        heading: Sequence[str],
        *,
        right: Sequence[str] = (),
        styles: Mapping[str, Style] | None = None,
        hidden: Sequence[str] = (),
    ) -> None:
        self._terminal = terminal
        self._shown = [name not in hidden for name in heading]
        self._heading = [*compress(heading, self._shown)]
        self._right = [name in right for name in self._heading]
        self._styles = styles or {}
        self._widths: list[int] | None = None

    def say(self, rows: Sequence[Sequence[str]]) -> None:
        """Write rows, below the heading if they are the first; the widths are those of the first page."""
        shown = [[one_line(cell) for cell in compress(row, self._shown)] for row in rows]
        lines = []
        if self._widths is None:
            columns = zip(self._heading, *shown, strict=True)
            self._widths = [max(width(cell) for cell in column) for column in columns]
            lines.append(self._terminal.style(self._line(self._heading), "dim"))
        lines += [self._line(row) for row in shown]
        self._terminal.say("\n".join(lines))

    def _line(self, cells: Sequence[str]) -> str:
        widths = self._widths or []
        room = self._terminal.columns if self._terminal.out and self._terminal.out.isatty() else None
        lines: list[str] = []
        for columns in _lines(widths, room):
            parts, left = [], None if room is None else room - (_INDENT if lines else 0)
            for number in columns:
                cell = cells[number]
                if left is not None and (number == len(cells) - 1 or widths[number] > left):
                    cell = cut(cell, left)
                padding = " " * max(0, min(widths[number], left or widths[number]) - width(cell))
                left = None if left is None else left - widths[number] - len(_GAP)
                if cell in self._styles and cells is not self._heading:
                    cell = self._terminal.style(cell, self._styles[cell])
                parts.append(padding + cell if self._right[number] else cell + padding)
            lines.append(" " * (_INDENT if lines else 0) + _GAP.join(parts).rstrip())
        return "\n".join(lines)


def _lines(widths: Sequence[int], room: int | None) -> list[list[int]]:
    """Return which columns stand on which line, so that none is wider than `room` if it can be helped."""
    lines: list[list[int]] = [[]]
    used = 0
    for number, wide in enumerate(widths):
        needed = min(wide, _NARROWEST) if number == len(widths) - 1 else wide
        if room is not None and lines[-1] and used + needed > room:
            lines.append([])
            used = _INDENT
        lines[-1].append(number)
        used += wide + len(_GAP)
    return lines


def width(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def cut(text: str, columns: int) -> str:
    """Return the text, or its beginning and an ellipsis, in so many columns."""
    if width(text) <= columns:
        return text
    while text and width(text) >= columns:
        text = text[:-1]
    return f"{text.rstrip()}…"
