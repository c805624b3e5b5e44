"""A plugin: drafts stay out, and e-mail addresses don't get into the database.

batchwright run docs/ --plugin examples/careful_documents.py
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import batchwright
from batchwright import Document, LeftOut
from batchwright.documents import replaced

ADDRESS = re.compile(r"[\w.+-]++@[\w-]++(?:\.[\w-]++)+")


@batchwright.hookimpl
def prepare_document(document: Document) -> Document | LeftOut:
    """Leave out drafts; redact addresses in everything that is stored of a document."""
    if document.metadata.get("draft") is True:
        return LeftOut("draft")
    return replace(
        replaced(document, ADDRESS, "[address]"),  # the pages of a PDF file follow
        title=redacted(document.title),
        metadata=redacted(document.metadata),
    )


def redacted(value: Any) -> Any:
    """Return the value without addresses, whatever JSON holds them."""
    if isinstance(value, str):
        return ADDRESS.sub("[address]", value)
    if isinstance(value, list):
        return [redacted(item) for item in value]
    if isinstance(value, dict):
        return {key: redacted(item) for key, item in value.items()}
    return value
