r"""Cuts text that is too long for one chunk, at the best places there are.

Token counts add up where a line that isn't blank begins: the encodings' patterns never match across
a line feed into what follows it, apart from o200k's, which takes slashes along with punctuation and
line feeds, so there is no cut before a ``/``. Inside a line nothing adds up, and each piece is
counted as it is emitted.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Sequence

from batchwright.documents.breaks import best_break

Piece = tuple[int, int]  # where a piece ends, in characters, and its tokens

_BLANK_LINES = re.compile(r"\n[ \t]*+\n\s*+")
_ITEM = re.compile(r"\n[ \t]*+(?=(?:[-+*]|\d{1,9}+[.)])[ \t]++[^\s/])")
_ANY_LINE = re.compile(r"\n[ \t]*+(?=[^\s/])")
_SPACE = re.compile(r"\s*+")
_FINEST = 3


class Splitter:
    """Splits ranges of one text into pieces of at most `limit` tokens.

    It tries, in this order, blank lines outside of fences; list items and the edges of fences; any
    blank line; any line; then sentences, words and characters. A finer cut is made only in a block
    that is too long for a coarser one.

    Args:
        text: The text.
        lines: What `with_line_feeds` made of it.
        blocks: Ranges to keep whole if they fit, sorted.
        headings: Where headings end; none is cut off from what follows it.
        count: Counts tokens.
        limit: Tokens in a piece, at most; at least 8.
    """

    def __init__(
        self,
        text: str,
        lines: str,
        blocks: Sequence[tuple[int, int]],
        headings: Collection[int],
        count: Callable[[str], int],
        limit: int,
    ) -> None:
        self._text = text
        self._lines = lines
        self._blocks = blocks
        self._block_starts = [start for start, _ in blocks]
        self._stranding = {self._next_line(end) for end in headings}
        self._count = count
        self._limit = limit
        self._ratio = 4.0  # characters a token, lately
        self._pieces: list[Piece] = []
        self._opened = self._filled = 0  # where the piece under way starts, and its tokens

    def split(self, start: int, end: int) -> list[Piece]:
        """Return the pieces of `start:end`, in order; each holds at least one character."""
        self._pieces = pieces = []
        self._opened, self._filled = start, 0
        self._divide(start, end, 0)
        pieces.append((end, self._filled))
        if len(pieces) > 1 and self._filled < self._limit // 8:
            self._even_out(pieces[-3][0] if len(pieces) > 2 else start)
        return pieces

    def _divide(self, start: int, end: int, grain: int) -> None:
        """Fill pieces with `start:end`; the last one stays open."""
        cuts = self._cuts(start, end, grain)
        while not cuts and grain < _FINEST:
            grain += 1
            cuts = self._cuts(start, end, grain)
        cuts.append(end)
        done, at = 0, start
        while at < end:
            reached, tokens, too_long = self._reach(at, cuts, done, self._limit - self._filled)
            if reached > done:
                done, at = reached, cuts[reached - 1]
                self._filled += tokens
                if at == end:
                    return
            if too_long <= self._limit:
                self._close(at)
                self._filled = too_long
            elif grain < _FINEST:
                if self._filled * 4 > self._limit * 3:
                    self._close(at)  # rather than put the first lines of a long block at its end
                self._divide(at, cuts[done], grain + 1)
            else:
                if self._filled * 4 > self._limit:
                    self._close(at)
                self._break_line(cuts[done])
            at = cuts[done]
            done += 1

    def _close(self, at: int) -> None:
        if at > self._opened:
            self._pieces.append((at, self._filled))
            self._opened, self._filled = at, 0

    def _reach(self, at: int, cuts: Sequence[int], done: int, room: int) -> tuple[int, int, int]:
        """Find how many blocks fit.

        Counts few slices: it guesses from the tokens' length lately where the room ends, then closes in.

        Returns:
            How many of `cuts` are reached, the tokens up to there, and those of the block after it.
        """
        text, count = self._text, self._count
        low, high, filled, next_tokens = done, len(cuts) + 1, 0, 0
        guesses = 0
        while high - low > 1 and low < len(cuts):
            middle = bisect_right(cuts, at + int((room - filled) * self._ratio), low, len(cuts))
            middle = (
                min(max(middle, low + 1), high - 1)
                if guesses < 4
                else (low + min(high, 2 * low - done + 3)) // 2
            )
            guesses += 1
            stop = cuts[middle - 1]
            tokens = count(text[at:stop])
            self._ratio = min(6.0, max(0.25, (stop - at) / (tokens or 1)))
            if filled + tokens <= room:
                low, at = middle, stop
                filled += tokens
                next_tokens -= tokens
            else:
                high, next_tokens = middle, tokens
        return low, filled, next_tokens

    def _cuts(self, start: int, end: int, grain: int) -> list[int]:
        if grain == 0:
            return self._outside_blocks(self._blank_lines(start, end, keep_introductions=True))
        if grain == 1:
            return self._outside_blocks(self._items(start, end))
        if grain == 2:
            return self._blank_lines(start, end, keep_introductions=False)
        found = _ANY_LINE.finditer(self._lines, start + 1, end)
        return [cut for line in found if (cut := line.start()) not in self._stranding]

    def _blank_lines(self, start: int, end: int, keep_introductions: bool) -> list[int]:
        lines, stranding = self._lines, self._stranding
        cuts = []
        for found in _BLANK_LINES.finditer(lines, start + 1, end + 1):
            behind = found.end()
            if behind > end or lines[behind] == "/":
                continue
            if keep_introductions and self._introduces(found.start()):
                continue
            cut = lines.rfind("\n", found.start(), behind)
            if cut not in stranding:
                cuts.append(cut)
        return cuts

    def _introduces(self, line_end: int) -> bool:
        """Whether the line that ends there leads up to the next block: by a colon, or an opened tag."""
        lines = self._lines
        last = lines[line_end - 1]
        if last != ">":
            return last == ":"
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
        return sorted(cuts - self._stranding)

    def _outside_blocks(self, cuts: list[int]) -> list[int]:
        if not self._blocks:
            return cuts
        kept = []
        for cut in cuts:
            block = bisect_left(self._block_starts, cut) - 1
            if block < 0 or cut >= self._blocks[block][1]:
                kept.append(cut)
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
