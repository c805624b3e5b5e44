"""The reject of a record that was set aside: what is kept of it, and why it could not be stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from batchwright.contracts.failure import Decision, Failure, Verdict, dotted_name
from batchwright.contracts.receipts import Reject
from batchwright.contracts.record_json import as_json
from batchwright.engine.delivery.parts import Segment
from batchwright.model import ErrorRecoveryAction, position_of

if TYPE_CHECKING:
    from batchwright.engine.session import Session


REFUSED = Decision(Verdict(ErrorRecoveryAction.SKIP, "the embedder refuses its text"), "embedder")


def refused_texts(session: Session, collection: str, segments: Iterable[Segment]) -> list[Reject]:
    """Return the rejects of the records whose texts are refused; they are stored all the same.

    Args:
        session: The run, or what takes its place.
        collection: What the records belong to.
        segments: Where they are.
    """
    return [
        reject_for(session, collection, Segment(s.work, place, place + 1), refusal, REFUSED, 1)
        for s in segments
        if s.work.vectors is not None
        for place, refusal in s.work.vectors.refusals.items()
        if s.start <= place < s.stop
    ]


def reject_for(
    session: Session,
    collection: str,
    segment: Segment,
    error: Exception,
    decision: Decision,
    writes: int,
) -> Reject:
    """Return the reject of the record that begins a segment.

    Args:
        session: The run, or what takes its place.
        collection: What the record belongs to.
        segment: Begins with it.
        error: Why it could not be stored.
        decision: What the classifiers said of that.
        writes: How many writes it was in, this time.
    """
    work = segment.work
    record = work.records[segment.start]
    return Reject(
        id=record.id,
        run_id=work.run_id or session.run_id,
        collection=collection,
        key=work.version.key,
        document_id=work.version.document_id,
        position=position_of(record.id),
        error=dotted_name(error),
        message=session.describe(error),
        sqlstate=Failure(error).sqlstate,
        attempts=work.attempts + writes,
        decided_by=decision.decided_by,
        created_at=datetime.now(UTC).isoformat(),
        payload=as_json(session.record_type, record),
    )
