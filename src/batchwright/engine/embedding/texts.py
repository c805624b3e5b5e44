"""The text of a record that is embedded: where it stands, without the file's name, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from batchwright.contracts.records import RecordType
from batchwright.contracts.vectors import Key
from batchwright.errors import ConfigError

TextOf = Callable[[Any], str]
"""Returns the text of a record that is embedded; empty where it has none."""


def text_of(record_type: RecordType) -> TextOf:
    """Return what returns the text of a record of this type.

    Raises:
        ConfigError: Such records have no text.
    """
    if record_type.text is None:
        raise ConfigError(
            f"embedder: {record_type.name} has no text to embed; say which field it is, as with --text COLUMN"
        )
    if record_type.is_chunk:
        return lambda chunk: embedded_text(chunk.context_header, chunk.chunk_text, chunk.source_file)
    text = record_type.names.index(record_type.text)
    if record_type.heading is None:
        return lambda row: embedded_text("", row.values[text])
    heading = record_type.names.index(record_type.heading)
    return lambda row: embedded_text(row.values[heading], row.values[text])


def embedded_text(heading: str | None, text: str | None, source_file: str = "") -> str:
    """Return what is embedded of a record: its heading and its text; empty where it has no text.

    Args:
        heading: Where the text stands, or None.
        text: The text, or None.
        source_file: The name that a chunk's heading begins with, which says nothing about the text: a
            document that is renamed keeps its vectors.
    """
    if not isinstance(text, str) or not text.strip():
        return ""
    if not isinstance(heading, str):
        return text
    if source_file and heading.startswith(source_file):
        heading = heading[len(source_file) :].removeprefix(" > ")
    return f"{heading}\n{text}" if heading.strip() else text


def key_of(text: str) -> Key:
    """Return the key of a text."""
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
