"""A search from the query to the hits, over any database's index of the terms of its texts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from batchwright.contracts.search import SearchHit
from batchwright.sinkkit.excerpts import look_through
from batchwright.sinkkit.search.candidates import Candidate, distinct, rarest
from batchwright.sinkkit.search.query import Query
from batchwright.sinkkit.search.rank import rank

MOST_READ = 100_000
"""Records that are looked through by letter, at most, where no word is found."""


class Index(Protocol):
    """What a search needs of a database, whose published records are indexed by what `normal` returns."""

    def size(self) -> tuple[float, float]:
        """Return how many records there are, about, and how many terms one has on average."""

    def frequencies(self, words: Sequence[str]) -> Mapping[str, float]:
        """Return in how many records each word is, about; words that are in none may be missing."""

    def candidates(self, query: Query, words: Sequence[str]) -> Iterable[Candidate]:
        """Yield records, the best first by the database's own measure of all the query's words.

        Of the first some hundreds the order is made anew: by `words` alone, the best may not be among them.

        They meet all of the query's `required`, if any, else they have one of `words` or a term that begins
        with one of the query's `prefixes`. They meet none of its `excluded`.
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
        frequencies = index.frequencies(asked.words)
        words = rarest(asked, frequencies)
        if not (words or asked.prefixes):
            continue
        candidates = [*distinct(index.candidates(asked, words))]
        if candidates:
            return rank(asked, candidates, frequencies, *index.size(), limit)
    letters = query.letters
    return look_through(index.with_letters(letters), letters, limit) if letters else []
