"""A search from the query to the hits, over any database's index of the terms of its texts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from batchwright.contracts.search import SearchHit
from batchwright.sinkkit.search.candidates import Candidate, blocks, rarest
from batchwright.sinkkit.search.query import Query
from batchwright.sinkkit.search.rank import rank
from batchwright.sinkkit.search.scan import look_through

MOST_READ = 100_000
"""Records that are looked through by letter, at most, where no word is found."""

_MOST_TIMES = 4  # that candidates are asked for
_MOST_TEXTS = 1_000_000


class Index(Protocol):
    """What a search needs of a database, whose published records are indexed by what `normal` returns."""

    def size(self) -> tuple[float, float]:
        """Return how many records there are, about, and how many terms one has on average."""

    def frequencies(self, words: Sequence[str]) -> Mapping[str, float]:
        """Return in how many records each word is, about; words that are in none may be missing."""

    def candidates(self, query: Query, words: Sequence[str], texts: int) -> Iterable[Candidate]:
        """Yield records, the best first by the database's own measure of all the query's words.

        Of the first some hundreds the order is made anew: by `words` alone, the best may not be among them.

        They meet all of the query's `required`, if any, else they have one of `words` or a term that begins
        with one of the query's `prefixes`. They meet none of its `excluded`.

        Args:
            query: What was asked.
            words: The rarest of its words.
            texts: Different texts that are wanted, if there are so many.
        """

    def with_letters(self, text: str) -> Iterable[Candidate]:
        """Yield records that may have the text in them, as part of a word too; `MOST_READ` at most."""


def find(index: Index, text: str, limit: int) -> list[SearchHit]:
    """Return at most `limit` hits, the best first.

    Where no record has a word of the query, they are taken as beginnings of words; where none has those, for
    letters.
    """
    query = Query.parse(text)
    if limit < 1:
        return []
    for asked in (query, query.loosened):
        if asked is None or asked.is_empty:
            continue
        hits = _ranked(index, asked, limit)
        if hits:
            return hits
    letters = query.letters
    return look_through(index.with_letters(letters), letters, limit) if letters else []


def _ranked(index: Index, query: Query, limit: int) -> list[SearchHit]:
    """Return what has the rarest words; if that isn't enough, then what has others of them.

    The first hits are the same whatever the limit.
    """
    frequencies = index.frequencies(query.words)
    hits: list[SearchHit] = []
    seen: set[str] = set()
    left = query
    for _ in range(_MOST_TIMES):
        words = rarest(left, frequencies)
        if not (words or left.prefixes):
            break
        for block in blocks(index.candidates(left, words, min(limit, _MOST_TEXTS)), seen):
            ranked = rank(query, block, frequencies, *index.size(), limit - len(hits))
            most = hits[-1].score if hits else math.inf
            hits += (replace(hit, score=min(hit.score, most)) for hit in ranked)
            if len(hits) >= limit:
                return hits
        if query.required:
            break
        left = left.without(words)
    return hits
