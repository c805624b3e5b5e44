"""Names what is left out."""

from __future__ import annotations


def shown(text: str) -> str:
    """Return the beginning of a text in one line, to name what is left out."""
    line = " ".join(text[:400].split())
    return line if len(line) <= 80 else f"{line[:79]}…"
