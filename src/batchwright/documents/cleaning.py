"""Characters that most databases can't hold: NUL and lone surrogates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from batchwright.documents.left_out import CLEANED
from batchwright.model import Document, Omission, ProcessedChunk

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def characters_cleaned(count: int) -> Omission:
    """Return what the account has about characters that were stripped or escaped."""
    return Omission(CLEANED, f"{count:,}", count)


class Cleaner:
    """Removes such characters from documents and records, or escapes them as JSON does.

    Args:
        escape: Whether to escape them rather than remove them.
    """

    def __init__(self, *, escape: bool) -> None:
        self._escape = escape
        self._replaced = 0

    def clean(self, document: Document) -> Document:
        """Return the document without such characters; how many there were is in its `left_out`."""
        self._replaced = 0
        text = self._text(document.text)
        cleaned = replace(
            document if text == document.text else self._with_text(document, text),
            title=self._text(document.title),
            category=None if document.category is None else self._text(document.category),
            metadata=self._value(document.metadata),
        )
        if not self._replaced:
            return document
        return replace(cleaned, left_out=(*document.left_out, characters_cleaned(self._replaced)))

    def _with_text(self, document: Document, text: str) -> Document:
        """Return the document with its text cleaned, in which from now on spans count."""
        from batchwright.documents.pages import moved  # few documents have any such characters

        found = _UNSTORABLE.finditer(document.text)
        edits = ((*one.span(), len(self._substitute(one))) for one in found)
        return replace(document, text=text, body_start=0, gaps=(), pages=moved(document.pages, edits))

    def clean_chunk(self, chunk: ProcessedChunk) -> ProcessedChunk:
        """Return the chunk without such characters; `chunk_hash` is that of the text it has then."""
        return replace(
            chunk,
            chunk_text=self._text(chunk.chunk_text),
            chunk_hash="",
            context_header=self._text(chunk.context_header),
            source_category=None if chunk.source_category is None else self._text(chunk.source_category),
            metadata=self._value(chunk.metadata),
        )

    def clean_values(self, values: Sequence[Any], key: int) -> tuple[tuple[Any, ...], int]:
        """Return a record's values without such characters, and how many there were.

        Args:
            values: The values; JSON among them as lists and dicts.
            key: The position of the one that names the record, which stays as it is.
        """
        self._replaced = 0
        cleaned = tuple(v if position == key else self._shallow(v) for position, v in enumerate(values))
        return cleaned, self._replaced

    def _shallow(self, value: Any) -> Any:
        try:
            return self._value(value)
        except RecursionError:  # JSON that no store takes; it is to be set aside, not to stop the others
            return value

    def _text(self, text: str) -> str:
        text, count = _UNSTORABLE.subn(self._substitute, text)
        self._replaced += count
        return text

    def _substitute(self, match: re.Match[str]) -> str:
        return f"\\u{ord(match.group()):04x}" if self._escape else ""

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {self._text(key): self._value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return value
