"""A chunk whose text was changed by hand: what no longer fits is counted anew."""

from __future__ import annotations

from dataclasses import replace

from batchwright.documents.tokenizer import Tokenizer
from batchwright.model import ProcessedChunk

PLACE = ("source_file", "chunk_index", "total_chunks")
"""The fields that say where a chunk belongs, and can't be changed."""


def recounted(chunk: ProcessedChunk, tokenizer: Tokenizer) -> ProcessedChunk:
    """Return the chunk with the count of its tokens; its text no longer is what stands in the file."""
    try:
        tokens = tokenizer.count(chunk.chunk_text)
    except ValueError:  # a lone surrogate: whether that can be stored is for the sink to say
        tokens = chunk.chunk_token_count
    return replace(chunk, chunk_token_count=tokens, span_start=None, span_end=None, line=None, page=None)
