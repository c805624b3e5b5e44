r"""Cuts text that is too long for one chunk, at the best places there are.

Token counts add up where a line that isn't blank begins: the encodings' patterns never match across
a line feed into what follows it, apart from o200k's, which takes slashes along with punctuation and
line feeds, so there is no cut before a ``/``. Inside a line nothing adds up, and each piece is
counted as it is emitted.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from batchwright.documents.breaks import best_break

Piece = tuple[int, int]  # where a piece ends, in characters, and its tokens

# All blank lines between two that aren't. It ends where the second may be cut off, if it has a group.
_BLANK_LINES = re.compile(r"\n[^\S\n]*+(?=\n)(?:\n[^\S\n]*+(?=\n))*+(?:(?=\n[^\S\n]*+[^\s/])())?+")
_ITEM = re.compile(r"\n[ \t]*+(?=(?:[-+*]|\d{1,9}+[.)])[ \t]++[^\s/])")
_ANY_LINE = re.compile(r"\n[ \t]*+(?=[^\s/])")
_SPACE = re.compile(r"\s*+")
_FINEST = 3


class Splitter:
    """Splits ranges of one text into pieces of at most `limit` tokens.

    It tries, in this order, blank lines outside of fences; list items and the edges of fences; any
    blank line; any line; then sentences, words and characters. A finer cut is made only in a block
    that is too long for a coarser one. What lies between two cuts is counted once.

    Args:
        text: The text.
        lines: What `with_line_feeds` made of it.
        blocks: Ranges to keep whole if they fit, sorted.
        headings: Where headings end, sorted; none is cut off from what follows it.
        count: Counts tokens.
        limit: Tokens in a piece, at most; at least 8.
    """

    def __init__(
        self,
        text: str,
        lines: str,
        blocks: Sequence[tuple[int, int]],
        headings: Sequence[int],
        count: Callable[[str], int],
        limit: int,
    ) -> None:
        self._text = text
        self._lines = lines
        self._blocks = blocks
        self._block_starts = [start for start, _ in blocks]
        self._headings = headings
        self._heading_ends = frozenset(headings)
        self._count = count
        self._limit = limit
        self._ratio = 4.0  # characters a token, lately
        # Sections counted: start, end, cuts, and the tokens between those.
        self._counted: deque[tuple[int, int, list[int], list[int]]] = deque()
        self._pieces: list[Piece] = []
        self._opened = self._filled = 0  # where the piece under way starts, and its tokens

    def tokens(self, start: int, end: int) -> int:
        """Count the tokens of a section by its parts, so that splitting it needs no more counting.

        Sections are counted in order, and each before anything behind it is split.
        """
        cuts = self._cuts(start, end, 0)
        measured = self._measure(start, cuts, end, {})
        self._counted.append((start, end, cuts, measured))
        return sum(measured)

    def split(self, start: int, end: int) -> list[Piece]:
        """Return the pieces of `start:end`, in order; each holds at least one character."""
        self._pieces = pieces = []
        self._opened, self._filled = start, 0
        cuts, measured = self._recall(start, end)
        self._fill(start, cuts, measured, end, 0)
        pieces.append((end, self._filled))
        if len(pieces) > 1 and self._filled < self._limit // 8:
            self._even_out(pieces[-3][0] if len(pieces) > 2 else start)
        return pieces

    def _recall(self, start: int, end: int) -> tuple[list[int], list[int]]:
        """Return the coarsest cuts of `start:end` and the tokens between them."""
        known: dict[Piece, int] = {}
        while self._counted and self._counted[0][0] < end:
            counted = self._counted.popleft()
            if counted[:2] == (start, end):
                return counted[2:]
            if counted[0] >= start:
                known.update(zip(pairwise((counted[0], *counted[2], counted[1])), counted[3], strict=True))
        cuts = self._cuts(start, end, 0)
        return cuts, self._measure(start, cuts, end, known)

    def _measure(self, start: int, cuts: Sequence[int], end: int, known: Mapping[Piece, int]) -> list[int]:
        """Return the tokens between neighbouring `cuts`."""
        text, count = self._text, self._count
        parts = pairwise((start, *cuts, end))
        if not known:
            return [count(text[part_start:part_end]) for part_start, part_end in parts]
        return [known[part] if part in known else count(text[part[0] : part[1]]) for part in parts]

    def _fill(self, start: int, cuts: Sequence[int], measured: Sequence[int], end: int, grain: int) -> None:
        """Fill pieces with `start:end`; the last one stays open."""
        limit = self._limit
        at = start
        for cut, tokens in zip((*cuts, end), measured, strict=True):
            if self._filled + tokens <= limit:
                self._filled += tokens
            elif tokens <= limit:
                self._close(at)
                self._filled = tokens
            elif grain < _FINEST:
                if self._filled * 4 > limit * 3:
                    self._close(at)  # rather than put the first lines of a long block at its end
                self._divide(at, cut, grain + 1)
            else:
                if self._filled * 4 > limit:
                    self._close(at)
                self._break_line(cut)
            at = cut

    def _divide(self, start: int, end: int, grain: int) -> None:
        """Fill pieces with `start:end`, which is too long for one."""
        cuts = self._cuts(start, end, grain)
        while not cuts and grain < _FINEST:
            grain += 1
            cuts = self._cuts(start, end, grain)
        measured = self._measure(start, cuts, end, {}) if cuts else [self._limit + 1]
        self._fill(start, cuts, measured, end, grain)

    def _close(self, at: int) -> None:
        if at > self._opened:
            self._pieces.append((at, self._filled))
            self._opened, self._filled = at, 0

    def _cuts(self, start: int, end: int, grain: int) -> list[int]:
        """Return where lines begin that may be cut off, between `start` and `end`."""
        if grain == 1:
            return self._outside_blocks(self._items(start, end))
        lines = self._lines
        if grain == _FINEST:
            cuts = [found.start() for found in _ANY_LINE.finditer(lines, start + 1, end)]
            return self._without_stranding(cuts, start, end)
        headings = self._heading_ends
        cuts = []
        for found in _BLANK_LINES.finditer(lines, start + 1, end + 1):
            line_end = found.start()
            if (
                found.lastindex
                and line_end not in headings
                and (grain or lines[line_end - 1] not in ":>" or not self._introduces(line_end))
            ):
                cuts.append(found.end())
        return cuts if grain else self._outside_blocks(cuts)

    def _introduces(self, line_end: int) -> bool:
        """Whether the line that ends there leads up to the next block: by a colon, or an opened tag."""
        lines = self._lines
        if lines[line_end - 1] == ":":
            return True
        line = lines[max(lines.rfind("\n", 0, line_end) + 1, line_end - 200) : line_end]
        return not ("</" in line or line.endswith(("/>", "-->")) or line.startswith(">"))

    def _items(self, start: int, end: int) -> list[int]:
        cuts = {found.start() for found in _ITEM.finditer(self._lines, start + 1, end)}
        first = max(0, bisect_left(self._block_starts, start) - 1)
        for index in range(first, bisect_left(self._block_starts, end)):
            for edge in self._blocks[index]:
                cut = self._next_line(edge) if edge < end else end
                if start < cut < end and _ANY_LINE.match(self._lines, cut):
                    cuts.add(cut)
        return self._without_stranding(sorted(cuts), start, end)

    def _without_stranding(self, cuts: list[int], start: int, end: int) -> list[int]:
        """Leave out the first line after each heading."""
        within = self._headings[bisect_left(self._headings, start) : bisect_right(self._headings, end)]
        if not within:
            return cuts
        stranding = {self._next_line(heading) for heading in within}
        return [cut for cut in cuts if cut not in stranding]

    def _outside_blocks(self, cuts: list[int]) -> list[int]:
        """Leave out what lies inside of blocks."""
        if not cuts or not self._blocks:
            return cuts
        kept: list[int] = []
        at = 0
        first = max(0, bisect_left(self._block_starts, cuts[0]) - 1)
        for start, end in self._blocks[first : bisect_left(self._block_starts, cuts[-1])]:
            inside = bisect_right(cuts, start, at)
            kept += cuts[at:inside]
            at = bisect_left(cuts, end, inside)
        kept += cuts[at:]
        return kept

    def _next_line(self, end: int) -> int:
        """Return where the first line begins, from `end` on, that isn't blank."""
        found = _SPACE.match(self._lines, end)
        return self._lines.rfind("\n", end, found.end()) if found else end

    def _even_out(self, start: int) -> None:
        """Cut the last two pieces anew near the middle, so that no scrap is left over."""
        end = self._pieces[-1][0]
        cuts = self._cuts(start, end, 0) or self._cuts(start, end, _FINEST)
        if not cuts:
            return
        cut = min(cuts, key=lambda place: abs(2 * place - start - end))
        left, right = self._count(self._text[start:cut]), self._count(self._text[cut:end])
        if max(left, right) <= self._limit and right > self._pieces[-1][1]:
            self._pieces[-2:] = [(cut, left), (end, right)]

    def _break_line(self, end: int) -> None:
        start = self._opened
        while True:
            stop, tokens = self._longest(start, end)
            if stop == end:
                break
            stop, tokens = best_break(self._text, start, stop, tokens, self._limit, self._count)
            self._pieces.append((stop, tokens))
            start = stop
        self._opened, self._filled = start, tokens

    def _longest(self, start: int, end: int) -> Piece:
        """Return about the longest beginning of `start:end` that fits."""
        text, limit = self._text, self._limit
        low = low_tokens = 0
        high = max(limit, int(limit * self._ratio))
        while True:
            high = min(high, end - start)
            high_tokens = self._count(text[start : start + high])
            self._ratio = min(6.0, max(0.25, high / (high_tokens or 1)))
            if high_tokens > limit:
                break
            if start + high == end:
                return end, high_tokens
            low, low_tokens = high, high_tokens
            high *= 2
        halve = False
        while high - low > max(1, low // 32):
            # Tokens grow about evenly with the text; every other step halves, for where they don't.
            share = 0.5 if halve else (limit - low_tokens) / (high_tokens - low_tokens)
            middle = low + min(high - low - 1, max(1, int((high - low) * share)))
            tokens = self._count(text[start : start + middle])
            if tokens <= limit:
                low, low_tokens = middle, tokens
            else:
                high, high_tokens = middle, tokens
            halve = not halve
        return start + low, low_tokens
