"""Reads PDF."""

from __future__ import annotations

import io
import logging
from itertools import accumulate
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from pydantic import Field, field_validator

from batchwright import Document, DocumentError, Item, Omission, Reader, ReaderOptions
from batchwright.documents import describe
from batchwright.documents.left_out import PAGE
from batchwright_formats.pdf_document import attachments_of, fields_of, headings_of, opened
from batchwright_formats.pdf_pages import Budget, Page, pages_of
from batchwright_formats.pdf_text import joined_words, page_text
from batchwright_formats.whole import whole

if TYPE_CHECKING:
    from pypdf import PdfReader as Pdf

_NUMBER = "{number}"

# Broken files make it warn by the thousand; without a handler Python would print that to stderr.
logging.getLogger("pypdf").addHandler(logging.NullHandler())


class PdfOptions(ReaderOptions):
    """Options of the PDF reader, ``[reader.pdf]``.

    Attributes:
        max_bytes: Files above this size are refused.
        max_operators: How many operators all pages together may draw with; some 20,000 a second are read.
        page_heading: The heading of each page, where ``{number}`` is its number, from 1; empty for none. It
            says where pages begin within a chunk.
    """

    max_bytes: int = Field(default=64 * 1024 * 1024, ge=1)
    max_operators: int = Field(default=5_000_000, ge=1)
    page_heading: str = Field(default="Page {number}", max_length=100)

    @field_validator("page_heading")
    @classmethod
    def _is_a_heading(cls, heading: str) -> str:
        if heading and (_NUMBER not in heading or "\n" in heading):
            raise ValueError("a page's heading is one line with {number} in it, or empty")
        return heading


class PdfReader(Reader[PdfOptions]):
    """The text of PDF files, page by page, under their bookmarks. Tables are lines of text."""

    name = "pdf"
    options_type = PdfOptions
    suffixes: ClassVar[tuple[str, ...]] = (".pdf",)
    media_types: ClassVar[tuple[str, ...]] = ("application/pdf",)
    version = 2

    def read(self, stream: BinaryIO, item: Item) -> Document:
        """Return the document.

        Raises:
            DocumentError: It is no PDF file, broken, encrypted, too large, or takes too long.
        """
        data = whole(stream, item, self.options.max_bytes)
        try:
            return self._document(opened(io.BytesIO(data), data), item)
        except ValueError as error:
            raise DocumentError(item.key, str(error)) from error
        except RecursionError:
            raise DocumentError(item.key, "it is nested too deeply; exclude it") from None

    def _document(self, pdf: Pdf, item: Item) -> Document:
        left_out: list[Omission] = []
        pages: list[Page] = []
        for page in pages_of(pdf, Budget(self.options.max_operators)):
            pages.append(page)
            left_out += page.left_out
        if pages and not any(page.text for page in pages) and not any(one.reason == PAGE for one in left_out):
            raise ValueError(f"none of its pages can be read ({left_out[0].what}); get the file again")
        headings = headings_of(pdf)
        words = joined_words(page.text for page in pages)
        parts = [
            page_text(page, headings.get(page.number, ()), self._heading(page.number), words)
            for page in pages
        ]
        fields: dict[str, Any] = {**fields_of(pdf), "pages": len(pages)}
        if [one.level for page in headings.values() for one in page].count(1) != 1:
            # the first of several chapters is no title
            fields.setdefault("title", PurePosixPath(item.key).stem)
        left_out += attachments_of(pdf)
        text = "".join(parts)
        starts = list(accumulate(map(len, parts), initial=0))[:-1]
        return describe(item.key, text, fields, date_fields=self.date_fields, left_out=left_out, pages=starts)

    def _heading(self, number: int) -> str:
        return self.options.page_heading.replace(_NUMBER, str(number))
