"""Readers of HTML, Word and PDF files for batchwright.

The converters are imported when the first file is read: a run that finds nothing new needs none.
"""

from __future__ import annotations

from batchwright import AnyReader, hookimpl
from batchwright_formats.docx import DocxOptions, DocxReader
from batchwright_formats.html import HtmlOptions, HtmlReader
from batchwright_formats.pdf import PdfOptions, PdfReader

__all__ = [
    "DocxOptions",
    "DocxReader",
    "HtmlOptions",
    "HtmlReader",
    "PdfOptions",
    "PdfReader",
    "register_readers",
]


@hookimpl
def register_readers() -> list[type[AnyReader]]:
    """Offer the readers."""
    return [HtmlReader, DocxReader, PdfReader]
