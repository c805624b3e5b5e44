"""A PDF file as a whole: opening it, its properties, its bookmarks, its attachments."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from batchwright import Omission
from batchwright.documents.left_out import MEDIA
from batchwright_formats.shown import shown

if TYPE_CHECKING:
    from pypdf import PdfReader as Pdf

_LONGEST_TITLE = 300
_LOWEST = 5  # a page's heading is one below


class Heading(NamedTuple):
    """A bookmark: its level, from 1, and its title."""

    level: int
    title: str


def opened(stream: io.BytesIO, data: bytes) -> Pdf:
    """Return the file, decrypted where it needs no password.

    Raises:
        ValueError: It is no PDF file, broken, or encrypted. Says what to do.
    """
    from pypdf import PdfReader as Pdf
    from pypdf.errors import DependencyError

    if b"%PDF-" not in data[:1024]:
        raise ValueError("it isn't a PDF file; exclude it")
    try:
        pdf = Pdf(stream)
        locked = pdf.is_encrypted and not pdf.decrypt("")
    except DependencyError:
        raise ValueError(
            "it is encrypted, which needs one more package; pip install 'batchwright-formats[encrypted]'"
        ) from None
    except RecursionError:
        raise
    except Exception as error:  # a broken file may make it raise anything
        raise ValueError(f"{broken(error)}; get the file again, or exclude it") from error
    if locked:
        raise ValueError("it is encrypted with a password; remove that, or exclude it")
    return pdf


def broken(error: Exception) -> str:
    """Return what made a file or a page unreadable."""
    return f"it is broken ({type(error).__name__}: {shown(str(error))})"


def fields_of(pdf: Pdf) -> dict[str, Any]:
    """Return title, author, subject, keywords, language and dates, as far as the file says them."""
    fields: dict[str, Any] = {}
    for name, read in _PROPERTIES.items():
        try:
            value = read(pdf)
        except Exception:  # noqa: BLE001, S112 - a property that can't be read is none
            continue
        if value is not None and (text := str(value).strip()):
            fields[name] = text
    return fields


_PROPERTIES: dict[str, Callable[[Any], Any]] = {
    "title": lambda pdf: pdf.metadata and pdf.metadata.title,
    "author": lambda pdf: pdf.metadata and pdf.metadata.author,
    "subject": lambda pdf: pdf.metadata and pdf.metadata.subject,
    "keywords": lambda pdf: pdf.metadata and pdf.metadata.get("/Keywords"),
    "created": lambda pdf: pdf.metadata and _iso(pdf.metadata.creation_date),
    "modified": lambda pdf: pdf.metadata and _iso(pdf.metadata.modification_date),
    "language": lambda pdf: pdf.root_object.get("/Lang"),
}


def _iso(moment: Any) -> str | None:
    return None if moment is None else str(moment.isoformat())


def headings_of(pdf: Pdf) -> dict[int, list[Heading]]:
    """Return the bookmarks by the number of the page they point to, from 1."""
    found: dict[int, list[Heading]] = {}
    try:
        for level, bookmark in _bookmarks(pdf.outline, 1):
            number = pdf.get_destination_page_number(bookmark)
            title = " ".join(str(bookmark.title or "")[:_LONGEST_TITLE].split())
            if number is not None and number >= 0 and title:
                found.setdefault(number + 1, []).append(Heading(min(level, _LOWEST), title))
    except Exception:  # noqa: BLE001 - the text can be read without its bookmarks, or with the first of them
        return found
    return found


def _bookmarks(outline: Any, level: int) -> Iterator[tuple[int, Any]]:
    for entry in outline:
        if isinstance(entry, list):
            yield from _bookmarks(entry, level + 1)
        else:
            yield level, entry


def attachments_of(pdf: Pdf) -> list[Omission]:
    """Return the files attached to it, which are left out."""
    try:
        return [Omission(MEDIA, shown(str(attachment.name))) for attachment in pdf.attachment_list]
    except Exception:  # noqa: BLE001 - they are left out in any case
        return []
