"""A record from the payload of its reject, as it is or as a person changed it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from batchwright.contracts.record_json import record_of
from batchwright.contracts.records import RecordType
from batchwright.contracts.rows import Placed
from batchwright.documents.tokenizer import Tokenizer
from batchwright.engine.rows.conversion import of_text
from batchwright.model import ProcessedChunk

TEXTS_TO_JSON = ("integer", "boolean", "json")
"""Types that JSON has values of, and a line of a file only texts."""


def mended(record_type: RecordType, identity: str, payload: Mapping[str, Any]) -> Placed:
    """Return the record.

    A line that was no row is kept as the texts that stood in it, with its place in fields that begin with an
    underscore. These are left out, and a text may stand for a value of any type.

    Raises:
        ValueError: A field is unknown, missing or of the wrong type; says which.
    """
    values = fields_of(payload)
    if record_type.is_chunk:
        return record_of(record_type, identity, values)
    for field in record_type.fields:
        value = values.get(field.name)
        if not isinstance(value, str) or field.type == "text":
            continue
        if not value:
            values[field.name] = None
        elif field.type in TEXTS_TO_JSON:
            values[field.name] = of_text(field, value)
    return record_of(record_type, identity, values)


def fields_of(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a payload is the record's, and not about its line."""
    return {name: value for name, value in payload.items() if not name.startswith("_")}


PLACE = ("source_file", "chunk_index", "total_chunks")
"""The fields that say where a chunk belongs, and can't be changed."""


def recounted(chunk: ProcessedChunk, tokenizer: Tokenizer) -> ProcessedChunk:
    """Return the chunk with the count of its tokens; its text no longer is what stands in the file."""
    try:
        tokens = tokenizer.count(chunk.chunk_text)
    except ValueError:  # a lone surrogate: whether that can be stored is for the sink to say
        tokens = chunk.chunk_token_count
    return replace(chunk, chunk_token_count=tokens, span_start=None, span_end=None, line=None, page=None)
