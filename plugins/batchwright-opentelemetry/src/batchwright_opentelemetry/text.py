"""Text as exporters can take it."""

from __future__ import annotations

LONGEST = 4_096
"""Characters of an attribute, at most."""

OTHER = "_OTHER"
"""What the conventions want where there is no better value."""


def plain(text: str) -> str:
    """Cut what is too long, and replace what UTF-8 can't hold: an exporter would lose the whole batch."""
    return text[:LONGEST].encode("utf-8", "replace").decode("utf-8")
