"""Numbers with their nouns, for people."""

from __future__ import annotations


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Return a number with its noun, in the plural where it is not 1.

    Args:
        number: The number.
        noun: The noun, for one.
        nouns: The same for several, where that is not the noun and an s.
    """
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"
