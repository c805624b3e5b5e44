"""The reader of Jupyter notebooks: their cells, as Markdown."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import BinaryIO

from batchwright import documents
from batchwright.contracts.reader import Reader, ReaderOptions
from batchwright.items import Item
from batchwright.model import Document


class NotebookReader(Reader[ReaderOptions]):
    """Notebooks of format 3 and 4: text as it is, code in fences; what the code put out is left out.

    A first cell that is front matter is read as such.
    """

    name = "notebook"
    suffixes = (".ipynb",)
    media_types = ("application/x-ipynb+json",)
    version = 1

    def read(self, stream: BinaryIO, item: Item) -> Document:
        """Return the document; spans and lines count in the Markdown that is made of the notebook.

        Raises:
            DocumentError: It isn't a notebook.
        """
        from batchwright.builtin.readers.notebook_format import notebook_of  # its models take 5 ms

        text, _ = documents.decoded(stream.read(), item.key)
        notebook = notebook_of(text, item.key)
        blocks = [
            block for cell in notebook.all_cells if (block := cell.markdown(notebook.metadata.language))
        ]
        document = self._reader.parse_text("\n\n".join([*blocks, ""]).removesuffix("\n"), item.key)
        return replace(document, left_out=(*document.left_out, *notebook.left_out()))

    @cached_property
    def _reader(self) -> documents.MarkdownReader:
        return documents.MarkdownReader(date_fields=self.date_fields)
