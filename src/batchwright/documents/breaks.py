"""Where a line may be broken: behind sentences, between words, at least not inside a character."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_SENTENCE = re.compile(r"(?:[.!?…؟।][\"')\]”’»]*+(?=\s)|[。！？；][」』”’）)]*+)\s*+")
_REACH = 64  # characters to step back out of a cluster

# What attaches to the character before it: combining marks of the common scripts, joiners, variation
# selectors, emoji modifiers and tags, the vowels and finals of Hangul.
_ATTACHES = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u0711\u0730-\u074a\u0900-\u0903\u093a-\u093c\u093e-\u094f"
    "\u0951-\u0957\u0962\u0963\u0981-\u0983\u09bc\u09be-\u09cd\u0a01-\u0a03\u0a3c-\u0a4d\u0a81-\u0a83\u0abc"
    "\u0abe-\u0acd\u0b01-\u0b03\u0b3c\u0b3e-\u0b4d\u0bbe-\u0bcd\u0c00-\u0c04\u0c3e-\u0c4d\u0c81-\u0c83\u0cbc"
    "\u0cbe-\u0ccd\u0d00-\u0d03\u0d3e-\u0d4d\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece"
    "\u1160-\u11ff\u135d-\u135f\u1ab0-\u1aff\u1dc0-\u1dff\u200d\u20d0-\u20f0\u302a-\u302f\u3099\u309a"
    "\ufe00-\ufe0f\ufe20-\ufe2f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\U000e0100-\U000e01ef]"
)


def best_break(
    text: str, start: int, stop: int, tokens: int, limit: int, count: Callable[[str], int]
) -> tuple[int, int]:
    """Return the best place to end a piece that starts at `start`, and the piece's tokens.

    Args:
        text: The text.
        start: Where the piece starts, in characters.
        stop: How far it may reach.
        tokens: Tokens in `start:stop`, at most `limit`.
        limit: Tokens in a piece, at most.
        count: Counts tokens.
    """
    for place in _places(text, start, stop):
        if place == stop:
            break
        # A shorter text may have more tokens, where the cut goes through what was one of them.
        shorter = count(text[start:place])
        if shorter <= limit:
            return place, shorter
    return stop, tokens


def _places(text: str, start: int, stop: int) -> Iterator[int]:
    half = start + (stop - start) // 2
    sentence = 0
    for found in _SENTENCE.finditer(text, half, stop):
        sentence = found.end()
    if sentence > half:
        yield sentence
    word = max(text.rfind(" ", half, stop), text.rfind("\n", half, stop), text.rfind("\t", half, stop)) + 1
    if word > half:
        yield word
    whole = outside_cluster(text, start, stop)
    yield whole
    # The next whole characters before it, should the first not fit.
    for _ in range(4):
        if whole - 1 <= start:
            return
        whole = outside_cluster(text, start, whole - 1)
        yield whole


def outside_cluster(text: str, start: int, stop: int) -> int:
    """Return the last position from `stop` down that cuts no cluster apart.

    Returns `stop` itself where the cluster reaches back to `start` or further than 64 characters.
    """
    floor = max(start, stop - _REACH)
    place = stop
    while place > floor and place < len(text):
        before, after = text[place - 1], text[place]
        if not (
            before == "\u200d"
            or _ATTACHES.match(after)
            or (before == "\r" and after == "\n")
            or (_is_flag(after) and _is_flag(before) and _flags_before(text, floor, place) % 2)
        ):
            return place
        place -= 1
    return stop


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flags_before(text: str, floor: int, place: int) -> int:
    first = place
    while first > floor and _is_flag(text[first - 1]):
        first -= 1
    return place - first
