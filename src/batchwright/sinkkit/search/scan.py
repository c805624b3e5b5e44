"""Search by reading all texts, for sinks that have no full-text index."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Sequence

from batchwright.contracts.search import Marks, SearchHit
from batchwright.sinkkit.search.candidates import Candidate

HEADING_WEIGHT = 2
"""Matches in the text that one in the heading is worth."""

MOST_WORDS = 32
"""Words that are looked for, at most."""

_BEFORE, _AFTER = 60, 120  # characters of the excerpt around the first match


def look_through(candidates: Iterable[Candidate], text: str, limit: int) -> list[SearchHit]:
    """Return at most `limit` records that match, best first; nothing for a text without words.

    A word is found anywhere, in parts of words too, ignoring case. Records with all of the words, where there
    are any; else those with most of them. More occurrences rank higher, those in the heading doubly; what
    ranks alike stays in order.
    """
    words = list(dict.fromkeys(text.casefold().split()))[:MOST_WORDS]
    if not words or limit < 1:
        return []
    best = heapq.nlargest(limit, _scored(candidates, words), key=lambda entry: entry[:3])
    pattern = marks_of(words)
    return [
        hit(found, score, pattern, kinds / len(words))
        for kinds, score, _, found in best
        if kinds == best[0][0] or best[0][0] < len(words)
    ]


def marks_of(words: Sequence[str]) -> re.Pattern[str]:
    """Return a pattern that finds any of the words, the longest first, ignoring case."""
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))), re.IGNORECASE)


def hit(found: Candidate, score: float, pattern: re.Pattern[str], cover: float = 1.0) -> SearchHit:
    """Return the hit of a record in which the pattern was found."""
    return found.hit(*excerpt(found.heading, found.text, pattern), score=score, cover=cover)


def excerpt(header: str, text: str, pattern: re.Pattern[str]) -> tuple[str, Marks]:
    """Return some characters around the first match in the text, else in the header, and the matches."""
    first = pattern.search(text)
    if first is None:
        text = header
        first = pattern.search(text)
    at = first.start() if first else 0
    start, end = max(0, at - _BEFORE), min(len(text), at + _AFTER)
    shown = f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
    begin = 1 if start else 0
    marks: list[tuple[int, int]] = []
    for match in pattern.finditer(shown, begin, begin + end - start):
        if marks and marks[-1][1] == match.start():
            marks[-1] = marks[-1][0], match.end()
        elif match.end() > match.start():
            marks.append(match.span())
    return shown, tuple(marks)


def _scored(
    candidates: Iterable[Candidate], words: Sequence[str]
) -> Iterator[tuple[int, float, int, Candidate]]:
    for position, found in enumerate(candidates):
        head, body = found.heading.casefold(), found.text.casefold()
        counts = [HEADING_WEIGHT * head.count(word) + body.count(word) for word in words]
        kinds = len(counts) - counts.count(0)
        if kinds:
            yield kinds, kinds + sum(counts) / (sum(counts) + 10), -position, found
