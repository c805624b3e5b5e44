"""What the ledger notes besides documents: fingerprints, items, and how far a source was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from batchwright.contracts.receipts import DocumentVersion, ItemVersion
from batchwright.engine.session import Session

NOTE_AT_ONCE = 1_000
"""Documents or items that one transaction notes, at most."""


def note(
    session: Session,
    collection: str,
    *,
    noted: Sequence[DocumentVersion] = (),
    items: Sequence[ItemVersion] = (),
    items_gone: Sequence[str] = (),
    cursor: str | None = None,
) -> None:
    """Note these in one transaction; the arguments are those of `Receipt`.

    It is refused if the session held the collection's lease and has lost it.
    """
    empty = session.receipt(collection)
    session.control.order(
        replace(empty, noted=tuple(noted), items=tuple(items), items_gone=tuple(items_gone), cursor=cursor)
    )
