"""The reader of plain text."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import BinaryIO

from batchwright import documents
from batchwright.contracts.reader import Reader, ReaderOptions
from batchwright.items import Item
from batchwright.model import Document


class TextReader(Reader[ReaderOptions]):
    """Plain text in UTF-8, read where a pattern asks for it."""

    name = "text"
    suffixes = (".txt", ".text", ".log")
    media_types = ("text/plain",)
    version = 1
    by_default = False

    def read(self, stream: BinaryIO, item: Item) -> Document:
        """Return the document, which is called as the file is."""
        text, start = documents.decoded(stream.read(), item.key)
        title = PurePosixPath(documents.bare(item.key)).stem
        return Document(item.key, text, body_start=start, title=title, metadata={"title": title})
