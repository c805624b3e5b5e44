"""From files to chunks: discovery, decompression, reading, chunking. Public; knows no engine.

The names are imported when they are first asked for: whoever lists a source needs no chunker.
"""

import importlib as _importlib
import typing as _typing

if _typing.TYPE_CHECKING:
    from batchwright.documents.chunker import Chunk, Chunker
    from batchwright.documents.cleaning import Cleaner
    from batchwright.documents.compression import bare, decompressed
    from batchwright.documents.context import context_header
    from batchwright.documents.decoding import decoded
    from batchwright.documents.description import describe
    from batchwright.documents.discovery import discover
    from batchwright.documents.files import open_file
    from batchwright.documents.finishing import finished
    from batchwright.documents.left_out import LeftOutCounts
    from batchwright.documents.pages import replaced
    from batchwright.documents.reader import MarkdownReader
    from batchwright.documents.selection import Selection
    from batchwright.documents.tokenizer import Tokenizer

_HOMES = {
    "Chunk": "chunker",
    "Chunker": "chunker",
    "Cleaner": "cleaning",
    "LeftOutCounts": "left_out",
    "MarkdownReader": "reader",
    "Selection": "selection",
    "Tokenizer": "tokenizer",
    "bare": "compression",
    "context_header": "context",
    "decoded": "decoding",
    "decompressed": "compression",
    "describe": "description",
    "discover": "discovery",
    "finished": "finishing",
    "open_file": "files",
    "replaced": "pages",
}

if not _typing.TYPE_CHECKING:  # a type checker shall see the imports above, and find what is misspelt

    def __getattr__(name: str) -> _typing.Any:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(_importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


__all__ = [
    "Chunk",
    "Chunker",
    "Cleaner",
    "LeftOutCounts",
    "MarkdownReader",
    "Selection",
    "Tokenizer",
    "bare",
    "context_header",
    "decoded",
    "decompressed",
    "describe",
    "discover",
    "finished",
    "open_file",
    "replaced",
]
