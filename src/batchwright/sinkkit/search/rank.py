"""The order of what a search found: the same in every database, whatever found it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from batchwright.contracts.search import Place, SearchHit
from batchwright.sinkkit.search.candidates import Candidate
from batchwright.sinkkit.search.excerpts import Excerpts
from batchwright.sinkkit.search.normal import is_identifier, terms
from batchwright.sinkkit.search.query import Query

_K1, _B = 1.2, 0.75  # BM25, as it is used everywhere
_WHOLE = 2.0  # what an identifier is worth: whoever asks for --no-cache doesn't mean "no cache"
_PAIR = 0.5  # what a pair of neighbours is worth, of its rarer word


def rank(
    query: Query,
    candidates: Iterable[Candidate],
    frequencies: Mapping[str, float],
    rows: float,
    average: float,
    limit: int,
) -> list[SearchHit]:
    """Return the best candidates, best first: by BM25, and by neighbours that are so in the query.

    Candidates with the same text are one hit, with its places. What ranks alike is in the order of
    collection, key and id. The order of the candidates doesn't matter.

    Args:
        query: What was asked.
        candidates: What may match: one of `blocks`.
        frequencies: In how many records each of the query's words is; about will do. One that is missing is
            rare, as a prefix is.
        rows: How many records there are.
        average: Terms of a record, on average.
        limit: Hits, at most.
    """
    if limit < 1:
        return []
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.text, []).append(candidate)
    scorer = _Scorer(query, frequencies, rows, average)
    scored = []
    for same in groups.values():
        same.sort(key=lambda one: (one.collection, one.key, one.id))
        scores = scorer.scores(same)
        best = max(range(len(same)), key=lambda index: (scores[index], -index))
        first = same[best]
        score, cover = scores[best]
        scored.append((-score, first.collection, first.key, first.id, first, same, cover))
    scored.sort(key=lambda entry: entry[:4])
    excerpts = Excerpts(query, scorer.weights)
    hits = []
    for negative, *_, first, same, cover in scored[:limit]:
        places = tuple(Place(one.collection, one.key, one.line, one.page) for one in same if one is not first)
        excerpt = excerpts.of(first.heading, first.text)
        hits.append(first.hit(*excerpt, score=-negative, cover=cover, places=places))
    return hits


class _Scorer:
    def __init__(self, query: Query, frequencies: Mapping[str, float], rows: float, average: float) -> None:
        self._query = query
        self._average = max(average, 1.0)
        begun = {prefix: f"{prefix}*" for prefix in query.prefixes}
        self.weights = {
            word: _idf(frequencies.get(word, 0), rows) for word in (*query.words, *begun.values())
        }
        self.weights.update((w, _WHOLE * self.weights[w]) for w in query.words if is_identifier(w))
        self._begun = begun
        self._has_identifiers = any(map(is_identifier, query.words))
        self._pairs = {
            (one, other): _PAIR * max(self.weights[one], self.weights[other])
            for one, other in query.pairs
            if one in self.weights and other in self.weights
        }

    def scores(self, same: Sequence[Candidate]) -> list[tuple[float, float]]:
        """Return the score of each candidate, and its cover; they have one text."""
        body = self._terms(same[0].text)
        found: dict[str, tuple[float, float]] = {}
        for candidate in same:
            if candidate.heading not in found:
                found[candidate.heading] = self._score([*self._terms(candidate.heading), "", *body])
        return [found[candidate.heading] for candidate in same]

    def _terms(self, text: str) -> list[str]:
        """Return the terms of a text; identifiers only where the query has some."""
        words, identifiers = terms(text, identifiers=self._has_identifiers)
        return [*words.split(), *identifiers]

    def _score(self, words: list[str]) -> tuple[float, float]:
        counts = Counter[str | tuple[str, str]](filter(self.weights.__contains__, words))
        if any(one in counts and other in counts for one, other in self._pairs):
            counts.update(filter(self._pairs.__contains__, pairwise(words)))
        for prefix, name in self._begun.items():
            counts[name] = sum(1 for word in words if word.startswith(prefix))
        length = _K1 * (1 - _B + _B * len(words) / self._average)
        score = 0.0
        for weights in (self.weights, self._pairs):
            for term, weight in weights.items():
                count = counts[term]
                if count:
                    score += weight * count * (_K1 + 1) / (count + length)
        covered = sum(weight for term, weight in self.weights.items() if counts[term])
        return round(score, 9), round(covered / max(sum(self.weights.values()), 1e-9), 9)


def _idf(frequency: float, rows: float) -> float:
    """Return what a term is worth that is in so many of the rows; never nothing."""
    frequency = min(max(frequency, 0.0), rows)
    return math.log(1 + (rows - frequency + 0.5) / (frequency + 0.5))
