"""What a chunk repeats of the text before it."""

from __future__ import annotations

import re
from collections.abc import Callable

from batchwright.documents.breaks import outside_cluster

_WORD = re.compile(r"(?<=\s)\S")


def lead_in(
    text: str, start: int, end: int, tokens: int, overlap: int, limit: int, count: Callable[[str], int]
) -> tuple[int, int]:
    """Return where the text of the chunk `start:end` begins, and its tokens from there.

    Args:
        text: The text.
        start: Where the chunk starts, in characters.
        end: Where it ends.
        tokens: Tokens in `start:end`.
        overlap: Tokens to put before it, at most.
        limit: Tokens in all, at most.
        count: Counts tokens.
    """
    floor = max(0, start - overlap * 8)
    words = [found.start() for found in _WORD.finditer(text, floor, start)]
    if floor == 0:
        words.insert(0, 0)
    found = _first_fit(text, words, start, end, overlap, limit, count)
    if found is None:
        # One long word, or a script without spaces: any whole character will do.
        floor = max(0, start - overlap * 2)
        characters = [place for place in range(floor, start) if outside_cluster(text, 0, place) == place]
        found = _first_fit(text, characters, start, end, overlap, limit, count)
    return found or (start, tokens)


def _first_fit(
    text: str, places: list[int], start: int, end: int, overlap: int, limit: int, count: Callable[[str], int]
) -> tuple[int, int] | None:
    while places:
        low, high = 0, len(places)  # the first place from which the text fits the overlap
        while low < high:
            middle = (low + high) // 2
            if count(text[places[middle] : start]) <= overlap:
                high = middle
            else:
                low = middle + 1
        if low == len(places):
            return None
        total = count(text[places[low] : end])
        if total <= limit:
            return places[low], total
        # Tokens may have split where the two meet; half of it surely leaves room, or none.
        places = places[low + 1 + (len(places) - low) // 2 :]
    return None
