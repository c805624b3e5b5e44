"""Which records are worth ranking: those with the rarest words of a query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from batchwright.contracts.search import Marks, Place, SearchHit
from batchwright.sinkkit.search.query import Query

ENOUGH = 2_000
"""Records that the rarest words should have between them."""

CUT = 4_000
"""Records that the rarest words may have between them; the rarest alone may have more."""

TEXTS = 200
"""Texts that are ranked together: the first that the database's own order gives, then the next."""

PLACES = 2_000
"""Records that are ranked together, at most: there may be many of one text."""

_MOST_WORDS = 16


@dataclass(frozen=True, slots=True)
class Candidate:
    """A published record that may match.

    Attributes:
        id: Its id.
        collection: The collection of its document.
        key: Its document.
        heading: Its heading, or an empty text.
        text: Its text.
        line: The first line of it in its document, from 1, where that is known.
        page: The page on which it begins there, from 1, where there are pages.
    """

    id: str
    collection: str
    key: str
    heading: str
    text: str
    line: int | None = None
    page: int | None = None

    def hit(
        self, excerpt: str, marks: Marks, *, score: float, cover: float, places: tuple[Place, ...] = ()
    ) -> SearchHit:
        """Return the hit that it is. Arguments as the attributes of that."""
        return SearchHit(
            self.id,
            self.collection,
            self.key,
            self.heading,
            excerpt,
            score,
            marks,
            self.line,
            self.page,
            places,
            cover,
        )


def rarest(query: Query, frequencies: Mapping[str, float]) -> tuple[str, ...]:
    """Return the words to look for, the rarest first, until `ENOUGH` records have them; words that occur.

    Args:
        query: What was asked.
        frequencies: In how many records each word is, about; a word that is missing is in none.
    """
    known = [word for word in query.words if frequencies.get(word, 0) > 0]
    chosen: list[str] = []
    records = 0.0
    for word in sorted(known, key=lambda word: frequencies[word])[:_MOST_WORDS]:
        records += frequencies[word]
        if chosen and records > CUT:
            break
        chosen.append(word)
        if records >= ENOUGH:
            break
    return tuple(chosen)


def blocks(candidates: Iterable[Candidate], seen: set[str]) -> Iterator[list[Candidate]]:
    """Yield the candidates that are ranked together: of the first `TEXTS` texts, of the next, and so on.

    Args:
        candidates: The most promising first.
        seen: Texts that are left out; those that were yielded are added.
    """
    block: list[Candidate] = []
    texts: set[str] = set()
    for candidate in candidates:
        if len(block) >= PLACES or (len(texts) >= TEXTS and candidate.text not in texts):
            yield block
            block, texts = [], set()
        if candidate.text in texts or candidate.text not in seen:
            block.append(candidate)
            texts.add(candidate.text)
            seen.add(candidate.text)
    if block:
        yield block
