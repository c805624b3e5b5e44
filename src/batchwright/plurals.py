"""Numbers with their nouns or units, for people."""

from __future__ import annotations


def counted(number: int, noun: str, nouns: str = "") -> str:
    """Return a number with its noun, in the plural where it is not 1.

    Args:
        number: The number.
        noun: The noun, for one.
        nouns: The same for several, where that is not the noun and an s.
    """
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def size(number: float) -> str:
    """Return a number of bytes in the unit that suits it, as ``8.2 kB``."""
    for unit, digits in (("B", 0), ("kB", 1), ("MB", 1)):
        if number < 999.95:
            return f"{number:.{digits}f} {unit}"
        number /= 1000
    return f"{number:,.1f} GB"
