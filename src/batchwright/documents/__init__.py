"""From files to chunks: discovery, reading, exact token counts, chunking. Public; knows no engine."""

from batchwright.documents.chunker import Chunk, Chunker
from batchwright.documents.context import context_header
from batchwright.documents.discover import Found, discover
from batchwright.documents.left_out import LeftOut
from batchwright.documents.reader import MarkdownReader, RawDocument
from batchwright.documents.tokenizer import Tokenizer

__all__ = [
    "Chunk",
    "Chunker",
    "Found",
    "LeftOut",
    "MarkdownReader",
    "RawDocument",
    "Tokenizer",
    "context_header",
    "discover",
]
