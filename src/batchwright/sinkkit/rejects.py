"""Rejects as rows of texts and numbers, for ledgers in tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from batchwright.contracts.receipts import Reject
from batchwright.errors import SinkError

REJECT_FIELDS = tuple(field.name for field in fields(Reject) if field.name != "relation")
"""The fields of a reject that a ledger stores."""

REJECT_COLUMNS = (*REJECT_FIELDS, "exact")
"""The columns of a reject, in the order of `reject_row`."""


def storable(text: str) -> str:
    """Return `text` with what not every database holds, NUL and lone surrogates, written as in Python."""
    if text.isprintable():  # has neither; most have no line breaks either, and are asked for often
        return text
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")


def storables(texts: Sequence[str]) -> Sequence[str]:
    """Return `storable` of each text."""
    return texts if "".join(texts).isprintable() else [*map(storable, texts)]


def reject_row(reject: Reject) -> tuple[Any, ...]:
    """Return the columns; the last one has, as JSON, the exact values of those that had to be changed.

    The payload is in pure ASCII, so that NUL and lone surrogates in it survive anywhere.
    """
    row = {name: getattr(reject, name) for name in REJECT_FIELDS}
    row["payload"] = None if reject.payload is None else json.dumps(reject.payload)
    exact = {}
    for name, value in row.items():
        if isinstance(value, str) and (text := storable(value)) != value:
            exact[name], row[name] = value, text
    return (*row.values(), json.dumps(exact) if exact else None)


def reject_of(row: tuple[Any, ...]) -> Reject:
    """Return the reject that `reject_row` made a row of.

    Raises:
        SinkError: Its payload can't be read.
    """
    values = dict(zip((*REJECT_FIELDS, "exact"), row, strict=True))
    exact, payload = values.pop("exact"), values.pop("payload")
    values.update(json.loads(exact) if exact else {})
    try:
        return Reject(**values, payload=None if payload is None else _object(payload))
    except (ValueError, RecursionError) as error:
        raise SinkError(
            f"the payload of the reject {values['id']} can't be read: {error}; drop it"
        ) from error


def _object(text: str) -> dict[str, Any]:
    values = json.loads(text)
    if not isinstance(values, dict):
        raise ValueError(f"a record is a JSON object, not {type(values).__name__}")
    return values
