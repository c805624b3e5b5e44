"""The single documents and records that the summary names: the first of a kind, as memory is bounded."""

from __future__ import annotations

from dataclasses import field
from typing import Any

from batchwright.contracts.events import DocumentFinished, Event, ItemLeftOut, RecordRejected, RunStarted
from batchwright.contracts.reporter import Reporter, ReporterOptions
from batchwright.values import dataclass

LIMIT = 1000


@dataclass()
class Notes:
    """What went wrong, and what is gone.

    Attributes:
        failed: Documents that could not be loaded, and why.
        rejects: Records that were set aside.
        deleted: Documents that are gone from the input.
        left_out: The first of each reason for leaving something out.
        loads_rows: Whether rows are loaded, and not documents.
        executor: Which executor loads.
    """

    failed: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)
    loads_rows: bool = False
    executor: str = "local"


class NoteTaker(Reporter[ReporterOptions]):
    """Takes notes of a run for its summary."""

    name = "summary"
    each_document = ("failed", "deleted")

    def __init__(self) -> None:
        super().__init__(ReporterOptions())
        self.notes = Notes()

    def handle(self, event: Event) -> None:
        """Note the event if the summary names its kind."""
        match event:
            case RunStarted():
                self.notes.loads_rows = event.record_type != "processed_chunk"
                self.notes.executor = event.executor
            case DocumentFinished(state="failed") if len(self.notes.failed) < LIMIT:
                self.notes.failed.append({"key": event.key, "reason": event.reason})
            case DocumentFinished(state="deleted") if len(self.notes.deleted) < LIMIT:
                self.notes.deleted.append(event.key)
            case RecordRejected() if event.position is not None and len(self.notes.rejects) < LIMIT:
                self.notes.rejects.append(_reject(event))
            case ItemLeftOut() if len(self.notes.left_out) < LIMIT:
                self.notes.left_out.append({"key": event.key, "reason": event.reason, "what": event.what})
            case _:
                pass


def _reject(event: RecordRejected) -> dict[str, Any]:
    return {
        "key": event.key,
        "position": event.position,
        "error": event.error,
        "message": event.message,
        "sqlstate": event.sqlstate,
        "decided_by": event.decided_by,
    }
