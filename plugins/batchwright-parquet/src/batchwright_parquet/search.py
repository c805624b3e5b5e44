"""Searching the published chunks by looking through them: Parquet files have no full-text index."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from batchwright import SearchHit
from batchwright_parquet.tables import pieces

_COLUMNS = ["id", "source_file", "context_header", "chunk_text"]
_HEADER_WEIGHT = 2
_BEFORE, _AFTER = 60, 120  # characters of the excerpt around the first match


def search(files: Iterable[Path], text: str, limit: int) -> list[SearchHit]:
    """Return at most `limit` chunks that match, best first; nothing for a text without words.

    A word is found anywhere, in parts of words too, ignoring case. Chunks with all of the words, where there
    are any; else those with most of them. More occurrences rank higher, those in the heading doubly.
    """
    words = list(dict.fromkeys(text.casefold().split()))
    if not words or limit < 1:
        return []
    best = heapq.nlargest(limit, _scored(files, words), key=lambda entry: entry[:3])
    marks = re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))), re.IGNORECASE)
    return [
        SearchHit(hit.id, hit.source_file, hit.context_header, _excerpt(hit, marks), hit.score)
        for kinds, _, _, hit in best
        if kinds == best[0][0] or best[0][0] < len(words)
    ]


def _scored(files: Iterable[Path], words: list[str]) -> Iterator[tuple[int, float, int, SearchHit]]:
    position = 0
    for path in files:
        for piece in pieces(path, _COLUMNS):
            for identity, name, header, text in zip(
                *(piece[column].to_pylist() for column in _COLUMNS), strict=True
            ):
                position += 1
                head, body = header.casefold(), text.casefold()
                counts = [_HEADER_WEIGHT * head.count(word) + body.count(word) for word in words]
                kinds = len(counts) - counts.count(0)
                if kinds:
                    score = kinds + sum(counts) / (sum(counts) + 10)
                    yield kinds, score, -position, SearchHit(identity, name, header, text, score)


def _excerpt(hit: SearchHit, marks: re.Pattern[str]) -> str:
    text = hit.excerpt
    first = marks.search(text)
    if first is None:
        text = hit.context_header
        first = marks.search(text)
    at = first.start() if first else 0
    start, end = max(0, at - _BEFORE), min(len(text), at + _AFTER)
    inside = marks.sub(lambda found: f"«{found[0]}»", text[start:end])
    return f"{'…' if start else ''}{inside}{'…' if end < len(text) else ''}"
