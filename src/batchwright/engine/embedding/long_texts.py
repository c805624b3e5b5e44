"""Texts of more tokens than the model takes: refused, cut, or embedded in parts."""

from __future__ import annotations

from collections.abc import Callable

from batchwright.engine.embedding.embedding import Embedding
from batchwright.errors import TextRefused


def parts_of(text: str, embedding: Embedding) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Return what is sent of a text, and the tokens of each part; several where their mean is wanted.

    Raises:
        TextRefused: It is too long, and nothing says what to do then.
    """
    tokens, most = embedding.tokens(text), embedding.limits.tokens_a_text
    if most is None or tokens <= most:
        return (embedding.sent(text),), (tokens,)
    too_long = embedding.options.too_long
    if too_long == "reject":
        raise TextRefused(
            f"the text has {tokens} tokens, and {embedding.model.name} takes {most}; make chunks smaller, or "
            'say what to do: too_long = "cut" or "mean"'
        )
    parts: list[str] = []
    rest = text
    while rest and (not parts or too_long == "mean"):
        length = _fitting(rest, lambda part: embedding.tokens(part) <= most)
        parts.append(rest[:length])
        rest = rest[length:]
    return tuple(map(embedding.sent, parts)), tuple(map(embedding.tokens, parts))


def _fitting(text: str, fits: Callable[[str], bool]) -> int:
    """Return how many characters of the text fit, one at least."""
    if fits(text):
        return len(text)
    low, high = 1, 2
    while high < len(text) and fits(text[:high]):
        low, high = high, 2 * high
    high = min(high, len(text))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(text[:middle]) else (low, middle)
    space = text.rfind(" ", low // 2, low)
    return low if space < 0 else space + 1
