"""Reads HTML."""

from __future__ import annotations

from typing import BinaryIO, ClassVar

from pydantic import Field, field_validator

from batchwright import Document, DocumentError, Item, Omission, Reader, ReaderOptions
from batchwright.documents import describe
from batchwright.documents.left_out import CLEANED, NAVIGATION
from batchwright_formats.charset import decoded, known_encoding
from batchwright_formats.head import fields_of
from batchwright_formats.markup import NAVIGATION_SELECTORS, markdown_of, objects_in
from batchwright_formats.whole import whole


class HtmlOptions(ReaderOptions):
    """Options of the HTML reader, ``[reader.html]``.

    Attributes:
        max_bytes: Files above this size are refused. Converting takes about 35 times a file's size in memory.
        encoding: The encoding of files that don't say theirs; one of those that browsers know.
        navigation: Whether ``<nav>`` and the like are kept.
        exclude: CSS selectors of what is left out besides: ``[".sidebar", "footer"]``.
    """

    max_bytes: int = Field(default=16 * 1024 * 1024, ge=1)
    encoding: str = "utf-8"
    navigation: bool = False
    exclude: tuple[str, ...] = ()

    @field_validator("encoding")
    @classmethod
    def _is_known(cls, name: str) -> str:
        if known_encoding(name) is None:
            raise ValueError("no encoding of HTML has this name; use utf-8, windows-1252, shift_jis …")
        return name


class HtmlReader(Reader[HtmlOptions]):
    """HTML as Markdown: text, headings, lists, tables, code and links; no scripts, no hidden parts."""

    name = "html"
    options_type = HtmlOptions
    suffixes: ClassVar[tuple[str, ...]] = (".html", ".htm", ".xhtml")
    media_types: ClassVar[tuple[str, ...]] = ("text/html", "application/xhtml+xml")
    version = 1

    def read(self, stream: BinaryIO, item: Item) -> Document:
        """Return the page.

        Raises:
            DocumentError: It is empty, too large, no text, or says no encoding and isn't in the one expected.
        """
        data = whole(stream, item, self.options.max_bytes)
        exclude = (*self.options.exclude, *(() if self.options.navigation else NAVIGATION_SELECTORS))
        try:
            html, replaced = decoded(data, item.media_type, known_encoding(self.options.encoding) or "utf-8")
            text, omissions = markdown_of(html, exclude)
            fields = fields_of(html)
        except ValueError as error:
            raise DocumentError(item.key, str(error)) from error
        left_out = list(omissions)
        if replaced:
            left_out.append(Omission(CLEANED, "undecodable bytes", replaced))
        left_out += [
            one for one in objects_in(html) if one.reason != NAVIGATION or not self.options.navigation
        ]
        return describe(item.key, text, fields, date_fields=self.date_fields, left_out=left_out)
