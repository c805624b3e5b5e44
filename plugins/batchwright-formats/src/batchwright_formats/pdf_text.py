"""The text of a PDF's pages as Markdown: headings where its bookmarks point, and one for each page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from batchwright_formats.escaping import escape_plain
from batchwright_formats.pdf_document import Heading
from batchwright_formats.pdf_pages import Page

_WORD = re.compile(r"[^\W\d_]{2,}+(?:-[^\W\d_]{2,}+)*+")
_DIVIDED = re.compile(r"([^\W\d_]{2,}+)-[ ]?\r?\n([^\W\d_]{2,}+)")
_SOFT_HYPHEN = re.compile(r"\u00ad[ ]?\r?\n(?=[^\W\d_])")
_SPACE = re.compile(r"\s+")
_NUMBERED = re.compile(r"(?:[0-9]+(?:\.[0-9]+)*\.?|[A-Z]\.|[IVXLC]+\.)\s+")
_PAGE_LEVEL = "######"


def joined_words(texts: Iterable[str]) -> AbstractSet[str]:
    """Return the words that a hyphen at a line's end may divide: those that stand elsewhere in one piece.

    A hyphen may also belong to a word, as in ``well-known``; so none is removed without evidence.
    """
    words: set[str] = set()
    divided: set[str] = set()
    for text in texts:
        divided.update("".join(found.groups()).casefold() for found in _DIVIDED.finditer(text))
        words.update(word.casefold() for word in _WORD.findall(text))
    return divided & words - {word.replace("-", "") for word in words if "-" in word}


def page_text(page: Page, headings: Sequence[Heading], heading: str, joined: AbstractSet[str]) -> str:
    """Return a page's text with its headings.

    A bookmark's heading takes the place of the line that says the same; where none does, it stands on top.

    Args:
        page: The page.
        headings: The bookmarks that point to it, in order.
        heading: What the page is headed by; empty for nothing.
        joined: What `joined_words` returned.
    """
    lines = _whole_words(page.text, joined).splitlines()
    places = _places(lines, headings)
    above = f"{_PAGE_LEVEL} {heading}\n\n" if heading else ""
    parts = []
    done = 0
    for (start, end), one in zip(places, headings, strict=True):
        parts.append(_block(lines[done:start], above))
        parts.append(f"{'#' * one.level} {_in_line(one.title)}\n\n")
        done = end
    parts.append(_block(lines[done:], above))
    return "".join(parts)


def _block(lines: Sequence[str], above: str) -> str:
    text = "\n".join(line.rstrip() for line in lines).strip("\n")
    return f"{above}{escape_plain(text)}\n\n" if text.strip() else ""


def _in_line(title: str) -> str:
    return re.sub(r"([\\`*_<\[\]&#])", r"\\\1", title)


def _whole_words(text: str, joined: AbstractSet[str]) -> str:
    def join(found: re.Match[str]) -> str:
        word = found[1] + found[2]
        return f"{word}\n" if word.casefold() in joined else found[0]

    return _DIVIDED.sub(join, _SOFT_HYPHEN.sub("", text))


def _places(lines: Sequence[str], headings: Sequence[Heading]) -> list[tuple[int, int]]:
    """Return which lines each heading takes the place of; none on top of what follows the one before."""
    places = []
    at = 0
    plain = [_letters(line) for line in lines] if headings else []
    for heading in headings:
        title = _letters(heading.title)
        place = (at, at)
        for first in range(at, len(lines)):
            end = _end_of(plain, first, title)
            if end:
                place = (first, end)
                break
        places.append(place)
        at = place[1]
    return places


def _end_of(lines: Sequence[str], first: int, title: str) -> int:
    """Return where a title that begins in a line ends, after three lines at most; 0 where it doesn't."""
    line = lines[first]
    if not line or not title.startswith(line[:3]):
        line = _NUMBERED.sub("", line)
        if not line or not title.startswith(line[:3]):
            return 0
    said = line
    for end in range(first + 1, min(first + 4, len(lines) + 1)):
        if said == title:
            return end
        if end < len(lines):
            said = f"{said} {lines[end]}".strip()
    return 0


def _letters(text: str) -> str:
    return _SPACE.sub(" ", text).strip().casefold()
