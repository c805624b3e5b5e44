"""Events that say what became of documents and records."""

from __future__ import annotations

from collections.abc import Collection
from itertools import compress

from batchwright.contracts.account import NONE_STORABLE, DocumentState
from batchwright.contracts.events import BatchFailed, DocumentFinished, DocumentsFinished, RecordRejected
from batchwright.contracts.failure import Failure, dotted_name
from batchwright.contracts.receipts import Reject
from batchwright.contracts.vectors import TEXT_REFUSED
from batchwright.engine.delivery.row_block import RowBlock
from batchwright.engine.delivery.work import Work
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.judge import Judge
from batchwright.engine.store.retry import Attempted


def documents_finished(
    dispatcher: Dispatcher,
    state: DocumentState,
    works: Collection[Work],
    *,
    records: int | None = None,
    reason: str = "",
) -> None:
    """Say what became of documents: of all in one event, and of each where a reporter asks for it.

    Args:
        dispatcher: Where the events go.
        state: What became of them.
        works: The documents.
        records: How many records that concerns; None for all of theirs.
        reason: Why they failed, or are refused; else empty.
    """
    if state in dispatcher.each_document:
        for work in works:
            version = work.version
            dispatcher.emit(
                DocumentFinished(version.key, state, version.records, work.rejected, version.size, reason)
            )
    if records is None:
        records = sum(work.version.records for work in works)
    if works or records:
        rejected = 0 if state == "refused" else sum(work.rejected for work in works)  # told one by one
        size = sum(work.version.size for work in works)
        dispatcher.emit(DocumentsFinished(state, len(works), records, rejected, size))


def documents_completed(dispatcher: Dispatcher, works: Collection[Work]) -> None:
    """Say what became of documents of which all records are stored or set aside."""
    outcomes: dict[DocumentState, list[Work]] = {"added": [], "changed": [], "refused": []}
    for work in works:
        if work.is_refused:
            outcomes["refused"].append(work)
        elif not work.is_patch:
            outcomes[work.state].append(work)
    for state, those in outcomes.items():
        if those:
            documents_finished(dispatcher, state, those, reason=NONE_STORABLE if state == "refused" else "")


def rows_completed(dispatcher: Dispatcher, rows: RowBlock) -> None:
    """Say what became of rows of which each is stored, as `documents_completed` does."""
    if dispatcher.each_document & {"added", "changed"}:
        documents_completed(dispatcher, rows.works())
        return
    sizes, changed = rows.publications.sizes, len(rows) - rows.replaced.count("")
    size = sum(sizes)
    of_changed = size if changed == len(rows) else sum(compress(sizes, rows.replaced)) if changed else 0
    if added := len(rows) - changed:
        dispatcher.emit(DocumentsFinished("added", added, added, 0, size - of_changed))
    if changed:
        dispatcher.emit(DocumentsFinished("changed", changed, changed, 0, of_changed))


def documents_not_attempted(dispatcher: Dispatcher, works: Collection[Work]) -> None:
    """Say that documents won't be published by this run, and how many of their records are left."""
    records = sum(work.unsettled for work in works)
    left = [work for work in works if not work.failed]
    documents_finished(dispatcher, "not_attempted", left, records=records)


def records_not_attempted(dispatcher: Dispatcher, records: int) -> None:
    """Say that records which could not be read are not among the rejects; the next run finds them."""
    documents_finished(dispatcher, "not_attempted", [], records=records)


def record_rejected(reject: Reject, batch_index: int | None) -> RecordRejected:
    """Return the event that says that a reject is stored; `batch_index` is the batch it was in."""
    is_stored = reject.error == TEXT_REFUSED and reject.position is not None
    return RecordRejected(
        reject.key,
        reject.position,
        reject.error,
        reject.message,
        reject.decided_by,
        reject.sqlstate,
        batch_index,
        is_stored,
    )


def batch_failed(
    judge: Judge,
    result: Attempted[None],
    *,
    batch_index: int,
    records: int,
    stops: bool,
    otherwise: str,
    writer: int,
) -> BatchFailed:
    """Return the event that says that records of a batch can't be stored.

    Args:
        judge: Describes the error.
        result: How the write ended.
        batch_index: Which batch.
        records: How many of its records are not stored.
        stops: Whether that ends the run.
        otherwise: Why, where it was no error.
        writer: Who was to write it.
    """
    error, decision = result.error, result.decision
    return BatchFailed(
        batch_index=batch_index,
        records=records,
        error=judge.describe(error) if error else otherwise,
        decided_by=decision.decided_by if decision else "engine",
        retries=result.retries,
        sqlstate=Failure(error).sqlstate if error else None,
        stops=stops,
        error_type=dotted_name(error) if error else "",
        writer=writer,
        seconds=result.seconds,
    )
