"""The receipt of a part: what its documents become with it."""

from __future__ import annotations

from collections.abc import Sequence

from batchwright.contracts.receipts import DocumentVersion, Publication, Receipt, Reject
from batchwright.contracts.vectors import Embedded
from batchwright.engine.delivery.parts import Segment
from batchwright.engine.delivery.row_block import RowBlock


def receipt_for(
    segments: Sequence[Segment],
    empty: Receipt,
    batch_index: int,
    rejects: tuple[Reject, ...] = (),
    rows: RowBlock | None = None,
) -> Receipt:
    """Return the receipt of a batch that holds the records of these segments, in their order.

    It depends on the state of the documents alone, so it can be made again as long as that is the same.

    Args:
        segments: What the batch holds.
        empty: The session's, which says whose it is.
        batch_index: Position of the batch in the run.
        rejects: What is set aside with it.
        rows: Rows that it holds as well.
    """
    begun: dict[str, DocumentVersion] = {}
    continued: dict[str, None] = {}
    publications: dict[str, Publication] = {}
    patched: dict[str, DocumentVersion] = {}
    refused: dict[str, DocumentVersion] = {}
    resolved: list[str] = []
    kept: dict[str, None] = {}
    for segment in segments:
        work, version = segment.work, segment.work.version
        # what was rejected before may be stored now
        if work.resumed or work.is_patch or work.is_published or work.was_refused:
            resolved += (record.id for record in work.records[segment.start : segment.stop])
        if work.is_patch:
            patched[version.document_id] = version
            continue
        if work.is_published:  # it has to be still
            kept[version.document_id] = None
        if segment.completes:
            if work.is_refused:
                refused[version.document_id] = version
            else:
                publications[version.document_id] = Publication(version, work.rejected, work.was_refused)
        elif work.begun or work.is_published:
            continued[version.document_id] = None
        else:
            begun[version.document_id] = version
    for document_id in publications | refused:
        begun.pop(document_id, None)
        continued.pop(document_id, None)
    published: Sequence[Publication] = tuple(publications.values())
    if rows is not None:
        published = (*published, *rows.publications) if published else rows.publications
    return Receipt(  # `replace` would take as long as all of the above
        empty.batch_id,
        empty.run_id,
        empty.collection,
        batch_index=batch_index,
        records=sum(segment.stop - segment.start for segment in segments) + len(rows or ()),
        begun=tuple(begun.values()),
        continued=tuple(continued | kept),
        publications=published,
        patched=tuple(patched.values()),
        refused=tuple(refused.values()),
        rejects=rejects,
        resolved=tuple(resolved),
        token=empty.token,
        embedded=_embedded(segments),
    )


def _embedded(segments: Sequence[Segment]) -> Embedded | None:
    """Return the vectors of the records; None where nothing is embedded."""
    parts = [(unit, s) for s in segments if (unit := s.work.vectors) is not None and unit.model]
    if not parts:
        return None
    return Embedded(parts[0][0].model, tuple(key for unit, s in parts for key in unit.keys[s.start : s.stop]))
