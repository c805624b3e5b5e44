"""Where the pages of a document begin in its text, also after the text has changed."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from batchwright.model import Document


def page_at(pages: Sequence[int], place: int) -> int | None:
    """Return the number of the page, from 1, that a place in the text is on; None where it is on none."""
    return bisect_right(pages, place) or None


def check(pages: Sequence[int], length: int) -> None:
    """Check that pages begin one after the other, in a text of this length.

    Raises:
        ValueError: One doesn't.
    """
    last = 0
    for number, at in enumerate(pages, 1):
        if not last <= at <= length:
            raise ValueError(
                f"its page {number} can't begin at {at:,}: the one before begins at {last:,}, and the text "
                f"ends at {length:,}; the reader or the plugin that says so is wrong"
            )
        last = at


def replaced(
    document: Document, pattern: re.Pattern[str], by: str | Callable[[re.Match[str]], str]
) -> Document:
    """Return the document with `by` for what the pattern finds in its text, as `re.sub` does it.

    Its pages begin where they did, by the words around.
    """
    edits: list[tuple[int, int, int]] = []

    def note(found: re.Match[str]) -> str:
        text = found.expand(by) if isinstance(by, str) else by(found)
        edits.append((*found.span(), len(text)))
        return text

    text = pattern.sub(note, document.text)
    return replace(document, text=text, pages=moved(document.pages, edits))


def moved(pages: Iterable[int], edits: Iterable[tuple[int, int, int]]) -> tuple[int, ...]:
    """Return where pages begin after a text was edited.

    What was replaced belongs to the page on which it began.

    Args:
        pages: Where they began.
        edits: What was replaced, in order: where it began, where it ended, and how long it is now.
    """
    found = []
    rest = iter(edits)
    edit = next(rest, None)
    shift = 0
    for page in pages:
        while edit is not None and edit[0] < page and edit[1] <= page:
            start, end, length = edit
            shift += length - (end - start)
            edit = next(rest, None)
        if edit is not None and edit[0] < page:
            found.append(edit[0] + shift + edit[2])
        else:
            found.append(page + shift)
    return tuple(found)
