"""The content of what comes as an object, not as bytes: its hash, and its size."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date
from hashlib import sha256
from typing import Any

from batchwright.model import Document, ProcessedChunk

_DERIVED = {"id", "size", "gaps", "left_out"}


def content_hash_of(document: Document) -> tuple[str, int]:
    """Return the hash of all that a document holds, and the bytes of its text."""
    return hash_of(document), len(document.text.encode("utf-8", "surrogatepass"))


def hash_of(value: Document | ProcessedChunk) -> str:
    """Return the SHA-256 of all that a document or chunk holds. What is None or `()` doesn't enter it."""
    names = [field.name for field in fields(value) if field.name not in _DERIVED]
    held = {name: one for name in names if (one := getattr(value, name)) not in (None, ())}
    text = json.dumps(held, sort_keys=True, default=_json_value)
    return sha256(text.encode()).hexdigest()


def _json_value(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    return dict(value)  # a mapping that is no dict
