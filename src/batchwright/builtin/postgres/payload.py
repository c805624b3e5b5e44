"""Rejects as they are stored: a bad record may hold the very things that Postgres refuses."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date
from typing import Any

from batchwright.ledger import Reject
from batchwright.model import ProcessedChunk

_REJECT_FIELDS = tuple(field.name for field in fields(Reject))
_FIELDS = tuple(field.name for field in fields(ProcessedChunk))


def clean(text: str) -> str:
    """Return the text with NUL and lone surrogates spelled out."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def reject_columns(reject: Reject) -> tuple[Any, ...]:
    """Return the reject as a row."""
    return (
        clean(reject.id),
        clean(reject.run_id),
        clean(reject.source_file),
        clean(reject.document_id),
        reject.position,
        clean(reject.error),
        clean(reject.message),
        reject.sqlstate,
        reject.attempts,
        clean(reject.decided_by),
        reject.created_at,
        None if reject.payload is None else to_json(reject.payload),
    )


def reject_of(row: tuple[Any, ...]) -> Reject:
    """Return the reject that `reject_columns` made a row of."""
    values = dict(zip(_REJECT_FIELDS, row, strict=True))
    if values["payload"] is not None:
        values["payload"] = from_json(values["payload"])
    return Reject(**values)


def to_json(chunk: ProcessedChunk) -> str:
    """Return the chunk as JSON, with escapes for NUL and surrogates; what isn't JSON becomes its text."""
    values = {name: getattr(chunk, name) for name in _FIELDS}
    try:
        values["metadata"] = dict(chunk.metadata)
        return json.dumps(values, default=str)
    except (TypeError, ValueError, RecursionError):
        values["metadata"] = {"unreadable": ascii(type(chunk.metadata).__name__)}
        return json.dumps(values, default=str, skipkeys=True)


def from_json(text: str) -> ProcessedChunk:
    """Return the chunk that `to_json` wrote."""
    values = json.loads(text)
    if values["document_date"] is not None:
        values["document_date"] = date.fromisoformat(values["document_date"][:10])
    return ProcessedChunk(**values)
