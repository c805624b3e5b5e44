"""Which records are worth ranking: those with the rarest words of a query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from batchwright.sinkkit.search.query import Query
from batchwright.sinkkit.search.rank import MOST, Candidate

ENOUGH = 2_000
"""Records that the rarest words should have between them."""

CUT = 4_000
"""Records that a database puts in order, at most: of more it takes any."""

_MOST_WORDS = 16
_MOST_READ = 2_000


def rarest(query: Query, frequencies: Mapping[str, float]) -> tuple[str, ...]:
    """Return the words to look for, the rarest first, until `ENOUGH` records have them; only words that occur.

    Args:
        query: What was asked.
        frequencies: In how many records each word is, about; a word that is missing is in none.
    """
    known = sorted(
        (word for word in query.words if frequencies.get(word, 0) > 0), key=lambda word: frequencies[word]
    )
    chosen, records = [], 0.0
    for word in known[:_MOST_WORDS]:
        if records >= ENOUGH:
            break
        chosen.append(word)
        records += frequencies[word]
    return tuple(chosen)


def distinct(candidates: Iterable[Candidate]) -> Iterator[Candidate]:
    """Yield candidates until there are `MOST` different texts; those of the same text count once."""
    texts: set[str] = set()
    for read, candidate in enumerate(candidates):
        if read >= _MOST_READ or (len(texts) >= MOST and candidate.text not in texts):
            return
        texts.add(candidate.text)
        yield candidate
