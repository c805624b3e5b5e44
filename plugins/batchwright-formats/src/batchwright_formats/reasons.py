"""What a file holds and its document doesn't, as the account counts it."""

from __future__ import annotations

IMAGE = "image"
MEDIA = "embedded media"
NAVIGATION = "navigation"
COMMENT = "comment"
DELETED = "deleted text"
MARGIN = "header or footer"
FORMULA = "formula"
FORM = "form field"
PAGE = "page without text"
DAMAGED = "damaged part"
NESTED = "nested too deeply"
CLEANED = "characters cleaned"


def shown(text: str) -> str:
    """Return the beginning of a text in one line, to name what is left out."""
    line = " ".join(text[:400].split())
    return line if len(line) <= 80 else f"{line[:79]}…"
