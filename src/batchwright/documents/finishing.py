"""What is done to every document before it is chunked: no data inside of its text, a title, a category."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from batchwright.documents.compression import bare
from batchwright.documents.context import stem
from batchwright.documents.embedded import without_embedded
from batchwright.documents.left_out import EMBEDDED
from batchwright.documents.structure import first_title
from batchwright.model import Document, Omission


def finished(document: Document) -> Document:
    """Return the document without ``data:`` URIs, with a title and, in a folder, a category.

    The title is by default its first heading's, else its name; the category is its first folder. Lines
    stay as they are. What is left out is in `left_out`.
    """
    text, gaps, sizes = without_embedded(document.text)
    title = document.title or first_title(text) or stem(bare(document.source_file))
    folder, slash, _ = document.source_file.partition("/")
    category = document.category or (folder if slash else None)
    if (
        not sizes
        and title == document.title == document.metadata.get("title")
        and category == document.category
    ):
        return document
    return replace(
        document,
        text=text,
        gaps=gaps or document.gaps,
        pages=_pages(document.pages, gaps),
        left_out=(*document.left_out, *(Omission(EMBEDDED, f"{size:,} bytes") for size in sizes)),
        title=title,
        category=category,
        metadata={**document.metadata, "title": title},
    )


def _pages(pages: tuple[int, ...], gaps: Iterable[tuple[int, int]]) -> tuple[int, ...]:
    """Return where pages begin without what was left out at the gaps, which was ASCII."""
    if not pages:
        return ()
    from batchwright.documents.pages import moved  # few documents have any

    edits, shift = [], 0
    for at, size in gaps:
        edits.append((at + shift, at + shift + size, 0))
        shift += size
    return moved(pages, edits)
