"""A search by words, by vectors, or by both."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from batchwright.contracts.search import SearchHit, SearchMode
from batchwright.contracts.vectors import Vector
from batchwright.errors import SinkError
from batchwright.sinkkit.vectors.fusion import FIRST, fused


def found(
    mode: SearchMode,
    text: str,
    vector: Vector | None,
    limit: int,
    by_text: Callable[[int], Sequence[SearchHit]],
    by_vector: Callable[[Vector, int], Sequence[SearchHit]],
) -> list[SearchHit]:
    """Return what is found, best first.

    Args:
        mode: How to search.
        text: The words.
        vector: What is near to the results.
        limit: Results, at most.
        by_text: Returns so many results by words, at most.
        by_vector: Returns so many results near to a vector, at most.

    Raises:
        SinkError: There is no vector, and one is needed; or whatever the two raise.
    """
    if limit < 1:
        return []
    if mode == "text":
        return list(by_text(limit))
    if vector is None:
        raise SinkError(f"a search by mode {mode!r} needs the vector of what is searched for")
    if mode == "vector":
        return list(by_vector(vector, limit))
    most = max(FIRST, limit)
    near = by_vector(vector, most)
    return fused(by_text(most) if text.strip() else [], near, limit)
