"""Record types: what fields a record has, as data. There is one so far, the chunk's."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from batchwright.model import ProcessedChunk

FieldType = Literal["text", "integer", "date", "json"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record.

    Attributes:
        name: Its name, and its column's.
        type: What it holds.
        nullable: Whether it may be None.
    """

    name: str
    type: FieldType
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class RecordType:
    """What a store holds rows of.

    Attributes:
        name: Names the type.
        fields: The fields, in the order of the columns.
        key: The field that names the document a record belongs to.
        text: The field that is searched, or None.
        heading: The field that says where the text stands, or None.
        text_hash: The field that holds the SHA-256 of the text, or None.
    """

    name: str
    fields: tuple[Field, ...]
    key: str
    text: str | None = None
    heading: str | None = None
    text_hash: str | None = None


_TYPES: dict[object, tuple[FieldType, bool]] = {
    "str": ("text", False),
    "str | None": ("text", True),
    "int": ("integer", False),
    "int | None": ("integer", True),
    "date | None": ("date", True),
    "Mapping[str, Any]": ("json", False),
}
"""By annotation, as `ProcessedChunk` writes them."""

CHUNK = RecordType(
    "chunk",
    tuple(Field(field.name, *_TYPES[field.type]) for field in fields(ProcessedChunk)),
    key="source_file",
    text="chunk_text",
    heading="context_header",
    text_hash="chunk_hash",
)
"""The chunk of a document: `ProcessedChunk` as a record type."""
