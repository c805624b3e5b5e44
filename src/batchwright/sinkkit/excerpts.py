"""Search by reading all texts, for sinks that have no full-text index; and excerpts."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Sequence

from batchwright.contracts.sink import SearchHit

_HEADER_WEIGHT = 2
_BEFORE, _AFTER = 60, 120  # characters of the excerpt around the first match

Entry = tuple[str, str, str, str, str]
"""Of a chunk: id, collection, key of its document, context_header, chunk_text."""


def look_through(chunks: Iterable[Entry], text: str, limit: int) -> list[SearchHit]:
    """Return at most `limit` chunks that match, best first; nothing for a text without words.

    A word is found anywhere, in parts of words too, ignoring case. Chunks with all of the words, where there
    are any; else those with most of them. More occurrences rank higher, those in the heading doubly; what
    ranks alike stays in order.
    """
    words = list(dict.fromkeys(text.casefold().split()))
    if not words or limit < 1:
        return []
    best = heapq.nlargest(limit, _scored(chunks, words), key=lambda entry: entry[:3])
    marks = marks_of(words)
    return [
        SearchHit(identity, collection, key, header, excerpt(header, body, marks), score)
        for kinds, score, _, (identity, collection, key, header, body) in best
        if kinds == best[0][0] or best[0][0] < len(words)
    ]


def marks_of(words: Sequence[str]) -> re.Pattern[str]:
    """Return a pattern that finds any of the words, the longest first, ignoring case."""
    return re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))), re.IGNORECASE)


def excerpt(header: str, text: str, marks: re.Pattern[str]) -> str:
    """Return some characters around the first match in the text, else in the header; matches in ``«»``."""
    first = marks.search(text)
    if first is None:
        text = header
        first = marks.search(text)
    at = first.start() if first else 0
    start, end = max(0, at - _BEFORE), min(len(text), at + _AFTER)
    inside = marks.sub(lambda found: f"«{found[0]}»", text[start:end])
    return f"{'…' if start else ''}{inside}{'…' if end < len(text) else ''}"


def _scored(chunks: Iterable[Entry], words: Sequence[str]) -> Iterator[tuple[int, float, int, Entry]]:
    for position, entry in enumerate(chunks):
        head, body = entry[3].casefold(), entry[4].casefold()
        counts = [_HEADER_WEIGHT * head.count(word) + body.count(word) for word in words]
        kinds = len(counts) - counts.count(0)
        if kinds:
            yield kinds, kinds + sum(counts) / (sum(counts) + 10), -position, entry
