"""The built-in readers."""

from __future__ import annotations

from collections.abc import Iterable

from batchwright.builtin.readers.markdown import MarkdownItems
from batchwright.builtin.readers.notebook import NotebookReader
from batchwright.builtin.readers.text import TextReader
from batchwright.contracts.hookspecs import hookimpl
from batchwright.contracts.reader import AnyReader


@hookimpl(trylast=True)
def register_readers() -> Iterable[type[AnyReader]]:
    """Offer the readers."""
    return [MarkdownItems, NotebookReader, TextReader]
