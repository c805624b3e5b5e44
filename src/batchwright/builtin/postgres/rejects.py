"""Rejects as they are stored: a bad record may hold the very things that Postgres refuses."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from batchwright.contracts.receipts import Reject
from batchwright.errors import SinkError
from batchwright.sinkkit.rejects import from_json, to_json

_FIELDS = tuple(field.name for field in fields(Reject))


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
    """Return the reject that `reject_columns` made a row of.

    Raises:
        SinkError: Its payload can't be read.
    """
    values = dict(zip(_FIELDS, row, strict=True))
    payload = values.pop("payload")
    try:
        return Reject(**values, payload=None if payload is None else from_json(payload))
    except ValueError as error:
        raise SinkError(
            f"the payload of the reject {values['id']} can't be read: {error}; drop it"
        ) from error
