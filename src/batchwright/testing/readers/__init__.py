"""The contracts of readers, of documents and of rows, as checks."""

from batchwright.testing.readers.documents import ReaderContract
from batchwright.testing.readers.rows import RowReaderContract

__all__ = ["ReaderContract", "RowReaderContract"]
