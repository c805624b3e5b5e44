"""Results of a search by words and of one by vectors, made one list.

Tried on four sets of questions: of min-max scores, reciprocal ranks and this, only this was about as good as
the better of both sides on every set, also where a question shares no word with its answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from batchwright.contracts.sink import SearchHit

FIRST = 50
"""How many of each are looked at."""

SHARE = 0.1
"""What vectors count beside a text that has all words of the query; beside others they count more."""

_WORD = re.compile(r"\w+")
_MOST_WORDS = 64


def fused(
    by_text: Sequence[SearchHit],
    by_vector: Sequence[SearchHit],
    limit: int,
    *,
    share: float = SHARE,
    covers: Mapping[str, float] | None = None,
) -> list[SearchHit]:
    """Return the best of both, the best first.

    The score is share · nearness + (1 - share) · cover² · score of the words: the nearness spread from 0, of
    the last, to 1; the words' divided by their highest. What one side has not found gets nothing from it.
    What is alike stays in order, words first. The excerpt is that of the words, if any.

    Args:
        by_text: By words, best first.
        by_vector: By vectors, best first.
        limit: How many, at most.
        share: What vectors count, from 0 to 1.
        covers: Which part of the query each of `by_text` has, by id; None for all of it.
    """
    words, near = by_text[:FIRST], by_vector[:FIRST]
    most = max((hit.score for hit in words), default=0.0)
    least = min((hit.score for hit in near), default=0.0)
    reach = max((hit.score for hit in near), default=0.0) - least
    scores: dict[str, float] = {}
    found: dict[str, SearchHit] = {}
    for hit in words:
        cover = 1.0 if covers is None else covers.get(hit.id, 0.0)
        score = hit.score / most if most > 0 else 1.0
        scores[hit.id] = (1 - share) * cover**2 * score
        found[hit.id] = hit
    for hit in near:
        score = (hit.score - least) / reach if reach > 0 else 1.0
        scores[hit.id] = scores.get(hit.id, 0.0) + share * score
        found.setdefault(hit.id, hit)
    order = sorted(scores, key=lambda identity: -scores[identity])
    return [replace(found[identity], score=scores[identity]) for identity in order[:limit]]


def words_of(text: str) -> list[str]:
    """Return the words of a text, each once."""
    return list(dict.fromkeys(_WORD.findall(text.casefold())))


def asked_words(query: str) -> list[str]:
    """Return the words of a query, as many as count."""
    return words_of(query)[:_MOST_WORDS]


def covers_of(
    query: Collection[str], texts: Mapping[str, str], frequencies: Mapping[str, float], rows: float
) -> dict[str, float]:
    """Return which part of a query's words each text has, from 0 to 1; rare words count more.

    Args:
        query: The words.
        texts: Headings and text, by id.
        frequencies: In how many records each word is; one that none has counts most.
        rows: How many records there are.
    """
    weights = {word: _idf(frequencies.get(word, 0.0), rows) for word in query}
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(texts, 1.0)
    return {
        identity: sum(map(weights.__getitem__, weights.keys() & {*words_of(text)})) / whole
        for identity, text in texts.items()
    }


def _idf(frequency: float, rows: float) -> float:
    """Return what a word is worth that is in so many of the rows, as BM25 has it."""
    frequency = min(frequency, rows)
    return math.log(1 + (rows - frequency + 0.5) / (frequency + 0.5))
