"""The reader of Markdown."""

from __future__ import annotations

from functools import cached_property
from typing import BinaryIO

from batchwright import documents
from batchwright.contracts.reader import Reader, ReaderOptions
from batchwright.items import Item
from batchwright.model import Document


class MarkdownItems(Reader[ReaderOptions]):
    """Markdown in UTF-8, with or without front matter."""

    name = "markdown"
    suffixes = (".md", ".markdown", ".mdx")
    media_types = ("text/markdown",)
    version = 1

    def read(self, stream: BinaryIO, item: Item) -> Document:
        """Return the document."""
        return self._reader.parse(stream.read(), item.key)

    @cached_property
    def _reader(self) -> documents.MarkdownReader:
        return documents.MarkdownReader(date_fields=self.date_fields)
