"""Where a chunk stands: the headings above it, in one line."""

from __future__ import annotations

from collections.abc import Sequence

from batchwright.documents.headings import clean_heading

MAX_HEADING = 120
MAX_HEADER = 500

_MAX_TABLE_HEAD = 240


def context_header(source_file: str, headings: Sequence[str], table: str = "") -> str:
    """Return where a chunk stands, as in ``guide.md > Install > Linux``.

    The file is named by its path relative to the input directory, since names like ``index.md``
    repeat. A heading is cut at 120 characters; over 500 characters in all, outer headings give way.

    Args:
        source_file: The file.
        headings: The headings, outermost first.
        table: The head of the table that the chunk goes on with, ``Name | Type | Default``; comes last.
    """
    header = " > ".join((source_file, *headings, table) if table else (source_file, *headings))
    if len(header) <= MAX_HEADING:
        return header
    parts = [source_file, *(_capped(heading, MAX_HEADING) for heading in headings)]
    if table:
        parts.append(_capped(table, _MAX_TABLE_HEAD))
    header = " > ".join(parts)
    while len(header) > MAX_HEADER and len(parts) > 2:
        del parts[1]
        header = " > ".join([parts[0], "…", *parts[1:]])
    return _capped(header, MAX_HEADER)


def stem(source_file: str) -> str:
    """Return a file's name without its ending."""
    name = source_file.rpartition("/")[2]
    return name.rpartition(".")[0] or name


class Sections:
    """The sections of a text, one for each heading, as a tree.

    Args:
        levels: The levels of their headings; 0 for what stands above the first.
        titles: What their headings say, with markup.

    Attributes:
        ends: For each section the index of the next that isn't below it.
        paths: Their paths, as far as these were asked for.
    """

    def __init__(self, levels: Sequence[int], titles: Sequence[str]) -> None:
        self._levels = levels
        self._titles = titles
        self._names: list[str | None] = [None] * len(levels)
        self.paths: list[tuple[str, ...] | None] = [None] * len(levels)
        self.ends = [len(levels)] * len(levels)
        self._parents: list[int] = []
        above: list[int] = []
        for index, level in enumerate(levels):
            while above and levels[above[-1]] >= level:
                self.ends[above.pop()] = index
            self._parents.append(above[-1] if above else -1)
            above.append(index)

    def say(self, title: str) -> bool:
        """Whether the text has a title: one heading of level 1, or `title` as the first of several."""
        count = self._levels.count(1)
        return count == 1 or (count > 1 and self._name(self._levels.index(1)) == title)

    def path(self, section: int) -> tuple[str, ...]:
        """Return the headings of a section and those it is below, as far as they say anything."""
        known = self.paths[section]
        if known is None:
            above = self._parents[section]
            known = () if above < 0 else self.path(above)
            name = self._names[section]
            if name is None:
                name = self._names[section] = clean_heading(self._titles[section])
            if name:
                known = (*known, name)
            self.paths[section] = known
        return known

    def path_of(self, first: int, last: int) -> tuple[str, ...]:
        """Return the headings that sections have in common, then the outermost of those that differ.

        These are named by the first and the last, as in ``1.4 … 1.2``. Where the first section has all
        others below it, it stands for them.
        """
        if first < last and not self._levels[first]:
            first += 1
        left = right = -1
        here, there = first, last
        while here != there:
            if there > here:
                right, there = there, self._parents[there]
            else:
                left, here = here, self._parents[here]
        common = self.path(here) if here >= 0 else ()
        if left < 0:
            return common
        one, other = self._name(left), self._name(right)
        if one and other and one != other:
            if len(one) + len(other) > MAX_HEADING - 3:
                one, other = _capped(one, MAX_HEADING // 2 - 2), _capped(other, MAX_HEADING // 2 - 2)
            return (*common, f"{one} … {other}")
        name = one or other
        return (*common, name) if name else common

    def _name(self, section: int) -> str:
        return self._names[section] or clean_heading(self._titles[section])


def _capped(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
