"""The excerpts of hits, with their matches in sight."""

from __future__ import annotations

from batchwright.contracts.search import SearchHit


def marked(hit: SearchHit) -> str:
    """Return the excerpt with its matches between « and »."""
    pieces, at = [], 0
    for start, end in hit.marks:
        assert at <= start < end <= len(hit.excerpt), (hit.excerpt, hit.marks)
        pieces += [hit.excerpt[at:start], "«", hit.excerpt[start:end], "»"]
        at = end
    return "".join([*pieces, hit.excerpt[at:]])
