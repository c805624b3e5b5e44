"""From files to chunks: discovery, reading, exact token counts, chunking. Public; knows no engine."""

from batchwright.documents.chunker import Chunk, Chunker, context_header
from batchwright.documents.discover import Found, discover
from batchwright.documents.reader import MarkdownReader, RawDocument
from batchwright.documents.tokenizer import Tokenizer

__all__ = [
    "Chunk",
    "Chunker",
    "Found",
    "MarkdownReader",
    "RawDocument",
    "Tokenizer",
    "context_header",
    "discover",
]
