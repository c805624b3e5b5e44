"""What a run does once its input is loaded: remove what is gone, and note how far it came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from batchwright.contracts.events import DocumentsRemoved, EndState
from batchwright.contracts.partition import Findings
from batchwright.contracts.receipts import ItemVersion
from batchwright.engine.noting import NOTE_AT_ONCE, note
from batchwright.engine.reading.changes import refusal
from batchwright.engine.reading.input import Input
from batchwright.engine.reading.inventory import Inventory
from batchwright.engine.removing import at_once, forget_unreadable, remove
from batchwright.engine.session import Session
from batchwright.engine.shares import RunExecution
from batchwright.engine.store.breaker import OutageTooLong
from batchwright.errors import EmbedderError, RunInterrupted, SinkError

if TYPE_CHECKING:
    from batchwright.engine.rows.gather import Gathered


def conclude(session: Session, input: Input, execution: RunExecution) -> tuple[EndState, str]:
    """Remove what has to go after loading, and note what is done; return how the run ended, and why.

    Args:
        session: The run's.
        input: Where its records come from.
        execution: What was listed, loaded, and found.
    """
    config, stop = session.config, session.stop
    inventory, rows = execution.inventory, execution.rows
    if stop.event.is_set():
        return ("failed" if stop.failed else "interrupted"), stop.reason
    findings = execution.findings
    try:
        refused = refusal(config, len(findings.gone), findings.published)
        wanted = config.prune or not input.source.complete  # which says itself what is gone
        prunes = wanted and not refused and inventory.broken is None
        _remove(session, findings, prune=prunes)
        failed = session.dispatcher.tally.account().batches_failed
        if not failed:
            forget_unreadable(session, session.collection)
            _keep_cursor(session, inventory, rows)
        if refused:
            return "failed", refused
        if inventory.broken is not None:
            said = session.describe(inventory.broken)
            return "failed", (
                f"listing {config.source_shown} broke off behind {inventory.last!r}: {said}; "
                "nothing was taken for deleted; run again"
            )
        if failed:
            return "failed", "batches could not be stored; run again to load what they held"
        changes = execution.row_changes
        if changes is not None and rows is not None:
            _note_items(session, changes.items(), rows.forgotten(changes.missing if prunes else {}))
        if session.embedding is not None:
            from batchwright.engine.embedding.fill import complete  # most runs need none

            complete(session)
    except (OutageTooLong, RunInterrupted) as error:
        stop.request(str(error))
        return "interrupted", stop.reason
    except (SinkError, EmbedderError) as error:
        return "failed", session.describe(error)
    return "done", ""


def _note_items(session: Session, items: Sequence[ItemVersion], gone: Sequence[str]) -> None:
    """Note which items of rows need not be read again while they are the same, and forget others."""
    for start in range(0, max(len(items), len(gone)), NOTE_AT_ONCE):
        part = slice(start, start + NOTE_AT_ONCE)
        note(session, session.collection, items=items[part], items_gone=gone[part])


def _keep_cursor(session: Session, inventory: Inventory, rows: Gathered | None) -> None:
    """Keep how far the source was read, if nothing on the way is to be read again.

    A row that is none is read again when it was fixed, and so has changed.
    """
    unread = rows.scan.unread if rows else session.dispatcher.tally.account().documents.failed
    if inventory.cursor is not None and inventory.broken is None and not unread:
        note(session, session.collection, cursor=inventory.cursor)


def _remove(session: Session, findings: Findings, *, prune: bool) -> None:
    """Remove what is gone, if that is wanted, and what earlier runs left unfinished."""
    gone, most = findings.gone if prune else (), at_once(session)
    for start in range(0, max(len(gone), len(findings.begun)), most):
        part = slice(start, start + most)
        deleted, begun = tuple(gone[part]), tuple(findings.begun[part])
        remove(session, session.collection, deleted=deleted, discarded=begun, purge=session.config.purge)
        if deleted:
            session.dispatcher.emit(DocumentsRemoved(len(deleted)))
