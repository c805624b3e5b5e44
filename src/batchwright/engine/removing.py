"""Removing what should not be there any more, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from batchwright.contracts.ledger import pages
from batchwright.contracts.receipts import Reject, RejectFilter
from batchwright.engine.session import Session

_DOCUMENTS, _ROWS = 500, 5_000


def at_once(session: Session) -> int:
    """Return how many documents, unfinished versions or rejects one transaction removes, at most.

    Rows are documents of one record each, so they are more.
    """
    return _DOCUMENTS if session.record_type.is_chunk else _ROWS


def remove(
    session: Session,
    collection: str,
    *,
    deleted: tuple[tuple[str, str], ...] = (),
    discarded: tuple[str, ...] = (),
    resolved: tuple[str, ...] = (),
    orphaned: tuple[str, ...] = (),
    purge: bool = False,
) -> None:
    """Remove from a collection in one transaction; the arguments are those of `Receipt`.

    It is refused if the session held the collection's lease and has lost it.
    """
    empty = session.receipt(collection)
    session.control.order(
        replace(
            empty,
            deleted=deleted,
            discarded=discarded,
            resolved=resolved,
            orphaned=orphaned,
            purge=purge,
        )
    )


def forget_unreadable(
    session: Session, collection: str, is_over: Callable[[str], bool] = lambda _: True
) -> None:
    """Drop rejects of earlier runs that stand for documents which could not be read.

    Args:
        session: What ran; the rejects that it set aside itself stay.
        collection: Theirs.
        is_over: Says, of a key, whether the document can be read by now, or is gone; by default of all.
    """
    wanted = RejectFilter(collection, unreadable=True)

    def ask(after: str) -> list[Reject]:
        return session.control.ask(lambda ledger: ledger.rejects(wanted, after=after))

    for page in pages(ask, lambda reject: reject.id):
        stale = [r.id for r in page if r.run_id != session.run_id and is_over(r.key)]
        if stale:
            remove(session, collection, resolved=tuple(stale))
