"""What waits for a write and spoils it: parted by document, and made such that it can be kept."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from batchwright.contracts.receipts import Reject
from batchwright.engine.delivery.outcomes import documents_finished, record_rejected
from batchwright.engine.delivery.waiting import Waiting

if TYPE_CHECKING:
    from batchwright.engine.session import Session

logger = logging.getLogger("batchwright")

_LONGEST = 500  # characters of a name or message that any database can hold


def apart(session: Session, waiting: Waiting, error: Exception) -> list[Waiting]:
    """Return what to write instead of what the sink can't hold: the rejects, as plainly as need be.

    Documents, and rejects that can't be made simpler, are given up, and reported.

    Args:
        session: The run, or what takes its place.
        waiting: What the sink can't hold.
        error: What it said of that.
    """
    parts = waiting.by_document()
    if len(parts) > 1:
        return parts
    segments, rejects = waiting.segments, waiting.rejects
    reason = session.describe(error)
    if segments:
        works = dict.fromkeys(segment.work for segment in segments if not segment.work.failed)
        for work in works:
            work.failed = True
        documents_finished(session.dispatcher, "failed", works, reason=reason)
        return [Waiting([], rejects)] if rejects else []
    simpler = _plain(rejects)
    if simpler != rejects:
        return [Waiting([], simpler)]
    for reject, index in rejects:
        logger.error("the reject %s of %r can't be kept: %s", reject.id, reject.key, reason)
        session.dispatcher.emit(record_rejected(reject, index))
    return []


def _plain(rejects: Iterable[tuple[Reject, int | None]]) -> list[tuple[Reject, int | None]]:
    """Return the rejects in short ASCII without their payload: what any sink can hold."""
    return [
        (replace(reject, key=_ascii(reject.key), message=_ascii(reject.message), payload=None), index)
        for reject, index in rejects
    ]


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")[:_LONGEST].replace("\0", "\\x00")
