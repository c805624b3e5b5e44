"""The version of the terms, and what is said of an index that a search could not use."""

from __future__ import annotations

from collections.abc import Sequence

VERSION = 2
"""Of what `normal` returns. An index that another version made is made anew by ``batchwright reindex``."""


def notes(text: str, index: str, version: int, *, is_complete: bool) -> Sequence[str]:
    """Return what is to be known of a search for a text: what was understood, and how the index is.

    Args:
        text: What is looked for.
        index: What the index is called.
        version: Of the terms in it.
        is_complete: Whether all records are in it.
    """
    from batchwright.sinkkit.search.query import Query  # a run searches nothing

    if version == VERSION and is_complete:
        return Query.parse(text).notes
    if version > VERSION:
        return (f"{index} was made by a newer batchwright, so this searched by letter; upgrade it",)
    how = "is not finished" if version == VERSION else "is of an older version"
    return (f"{index} {how}, so this searched by letter; run: batchwright reindex",)
