"""The ledger: what a sink remembers of runs, receipts, documents and rejects.

A sink that has transactions keeps its own ledger and records a receipt in the transaction that stores
the batch. For one that has none the engine keeps a ledger in a file beside it (`sinkkit.sqlite.ledger`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from batchwright.contracts.receipts import DocumentVersion, KnownDocument, Receipt, Reject, Run


class Ledger(ABC):
    """The contract of a ledger. Reading sees only what is committed.

    `record` is called by the sink inside the transaction that stores the rows (or by the engine, for a
    ledger beside the sink, once the sink has stored them); the others are transactions of their own.
    """

    @abstractmethod
    def start_run(self, run: Run) -> None:
        """Store the run as running."""

    @abstractmethod
    def finish_run(self, run: Run) -> None:
        """Store state, end and account of the run."""

    @abstractmethod
    def runs(self, limit: int = 20) -> list[Run]:
        """Return the latest runs, newest first."""

    @abstractmethod
    def record(self, receipt: Receipt) -> None:
        """Store the receipt; a second time, change nothing.

        A publication replaces the document's entry, drops its pending versions, and drops rejects of its
        other versions and those of the document as such (position -1). Rejects of every version
        that goes, and of every document that is deleted, go with it.
        """

    @abstractmethod
    def committed(self, batch_id: str) -> bool:
        """Tell whether a receipt with this id is stored."""

    @abstractmethod
    def documents(self, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        """Return published documents with source_file > `after`, by source_file in code point order."""

    def document(self, source_file: str) -> KnownDocument | None:
        """Return the published version of a document, or None."""
        after = _just_before(source_file)
        while page := self.documents(after, 1):
            [known] = page
            if known.version.source_file >= source_file:
                return known if known.version.source_file == source_file else None
            after = known.version.source_file
        return None

    @abstractmethod
    def pending(self) -> list[DocumentVersion]:
        """Return versions that were opened and neither published nor discarded."""

    @abstractmethod
    def rejects(
        self,
        *,
        ids: Sequence[str] | None = None,
        run_id: str | None = None,
        source_file: str | None = None,
        error: str | None = None,
        after: str = "",
        limit: int = 1000,
    ) -> list[Reject]:
        """Return rejects that match all that is given, with id > `after`, by id.

        Args:
            ids: Only these.
            run_id: Only of this run.
            source_file: Only of this document.
            error: Only where this occurs in the error's class, or equals its SQLSTATE.
            after: For paging: the last id of the page before.
            limit: At most so many.
        """

    @abstractmethod
    def drop_rejects(self, ids: Sequence[str]) -> int:
        """Forget the rejects; return how many there were."""


def _just_before(name: str) -> str:
    """Return a name that comes before this one in code point order, with few or none between them."""
    last = ord(name[-1]) if name else 0
    if last <= 1:  # not every database takes NUL
        return name[:-1]
    return name[:-1] + (chr(last - 1) if last != 0xE000 else "\ud7ff") + "\U0010ffff"
