"""Results of a search by words and of one by vectors, made one list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from batchwright.contracts.sink import SearchHit

FIRST = 50
"""How many of each are looked at."""

SHARE = 0.4
"""What the nearness of vectors counts; words count the rest."""


def fused(
    by_text: Sequence[SearchHit],
    by_vector: Sequence[SearchHit],
    limit: int,
    *,
    share: float = SHARE,
    coverage: float = 1.0,
) -> list[SearchHit]:
    """Return the best of both, the best first.

    The scores of each are spread from 0, its last, to 1, its first, and added; what one has not found gets
    nothing from it. What is alike stays in the order of its id. The excerpt is that of the words, if any.

    Args:
        by_text: By words, best first.
        by_vector: By vectors, best first.
        limit: How many, at most.
        share: What vectors count, from 0 to 1.
        coverage: Which part of the query's words the best of `by_text` has; with few, words count less.
    """
    words = (1 - share) * min(1.0, max(0.0, coverage))
    scores: dict[str, float] = {}
    found: dict[str, SearchHit] = {}
    for hits, weight in ((by_text[:FIRST], words), (by_vector[:FIRST], 1 - words)):
        for hit, score in zip(hits, _spread(hits), strict=True):
            scores[hit.id] = scores.get(hit.id, 0.0) + weight * score
            found.setdefault(hit.id, hit)
    order = sorted(scores, key=lambda identity: (-scores[identity], identity))
    return [replace(found[identity], score=scores[identity]) for identity in order[:limit]]


def _spread(hits: Sequence[SearchHit]) -> list[float]:
    """Return the scores, so that the first is 1; what only the last would have, 0, is left to the others."""
    if not hits:
        return []
    scores = [hit.score for hit in hits]
    most, least = max(scores), min(scores)
    if most == least:
        return [1.0] * len(scores)
    return [(score - least) / (most - least) for score in scores]
