"""Results of a search by words and of one by vectors, made one list.

Tried on four sets of questions: of min-max scores, reciprocal ranks and this, only this was about as good as
the better of both sides on every set, also where a question shares no word with its answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from batchwright.contracts.search import SearchHit

FIRST = 50
"""How many of each are put in order together; then the next."""

SHARE = 0.1
"""What vectors count beside a text that has all words of the query; beside others they count more."""


def fused(
    by_text: Sequence[SearchHit],
    by_vector: Sequence[SearchHit],
    limit: int,
    *,
    share: float = SHARE,
) -> list[SearchHit]:
    """Return the best of both, the best first.

    The score is share · nearness + (1 - share) · cover² · score of the words, of the first `FIRST` of each:
    the nearness spread from 0, of the last, to 1; the words' divided by their highest. What one side has not
    found gets nothing from it. What is alike stays in order, words first. The excerpt is that of the words,
    if any. The next of each follow in the same way: so the first results are the same whatever the limit.

    Args:
        by_text: By words, best first.
        by_vector: By vectors, best first.
        limit: How many, at most.
        share: What vectors count, from 0 to 1.
    """
    hits: dict[str, SearchHit] = {}
    for start in range(0, max(len(by_text), len(by_vector)), FIRST):
        part = slice(start, start + FIRST)
        most = min((hit.score for hit in hits.values()), default=math.inf)
        for hit in _in_order(by_text[part], by_vector[part], share):
            hits.setdefault(hit.id, replace(hit, score=min(hit.score, most)))
        if len(hits) >= limit:
            break
    return [*islice(hits.values(), limit)]


def _in_order(words: Sequence[SearchHit], near: Sequence[SearchHit], share: float) -> list[SearchHit]:
    most = max((hit.score for hit in words), default=0.0)
    least = min((hit.score for hit in near), default=0.0)
    reach = max((hit.score for hit in near), default=0.0) - least
    scores: dict[str, float] = {}
    found: dict[str, SearchHit] = {}
    for hit in words:
        score = hit.score / most if most > 0 else 1.0
        scores[hit.id] = (1 - share) * hit.cover**2 * score
        found[hit.id] = hit
    for hit in near:
        score = (hit.score - least) / reach if reach > 0 else 1.0
        scores[hit.id] = scores.get(hit.id, 0.0) + share * score
        found.setdefault(hit.id, hit)
    order = sorted(scores, key=lambda identity: -scores[identity])
    return [replace(found[identity], score=scores[identity]) for identity in order]
