"""The ledger: what a sink remembers of runs, receipts, documents and rejects.

A sink that has transactions keeps its own ledger and records a receipt in the transaction that stores the
batch. For one that has none the engine keeps a ledger in a file beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from operator import add
from typing import TypeVar

from batchwright.contracts.lease import Lease, Patience
from batchwright.contracts.receipts import (
    Collection,
    DocumentVersion,
    ItemDocuments,
    ItemVersion,
    KnownDocument,
    Receipt,
    Reject,
    RejectFilter,
    Run,
)

Value = TypeVar("Value")


class Ledger(ABC):
    """The contract of a ledger. Reading sees what is committed; each call is a transaction of its own."""

    @abstractmethod
    def collections(self) -> list[Collection]:
        """Return the collections, by name in code point order."""

    @abstractmethod
    def enter_collection(self, collection: Collection, *, adopt: bool = False) -> Collection:
        """Store the collection where there is none of its name; return the one that is stored.

        Args:
            collection: Its name, and the origin it gets where it is new.
            adopt: Whether one that is there gets this origin as well.
        """

    @abstractmethod
    def drop_collection(self, name: str) -> bool:
        """Forget a collection without documents, pending versions and rejects; return whether it did.

        What is known of its items and its cursor goes with it.
        """

    @abstractmethod
    def start_run(self, run: Run) -> None:
        """Store the run as running."""

    @abstractmethod
    def finish_run(self, run: Run, token: str | None = None) -> None:
        """Store state, end and account of the run.

        Args:
            run: The run.
            token: The lease under which it ran; None where it needed none.

        Raises:
            LeaseLost: Its collection is another run's by now.
        """

    @abstractmethod
    def runs(self, collection: str | None = None, *, limit: int = 20) -> list[Run]:
        """Return the latest runs, newest first; of one collection, or of all."""

    @abstractmethod
    def committed(self, batch_id: str) -> bool:
        """Tell whether a receipt with this id is stored."""

    @abstractmethod
    def documents(self, collection: str, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        """Return a collection's published documents with a key > `after`, by key in code point order."""

    @abstractmethod
    def document(self, collection: str, key: str) -> KnownDocument | None:
        """Return the published version of a document, or None."""

    def find(self, collection: str, keys: Sequence[str]) -> list[KnownDocument]:
        """Return the published versions of those of these documents that have one; by default one by one."""
        return [known for key in keys if (known := self.document(collection, key)) is not None]

    @abstractmethod
    def pending(self, collection: str) -> list[DocumentVersion]:
        """Return a collection's versions that were begun and not finished, by key.

        They were neither published, discarded nor refused.
        """

    @abstractmethod
    def refused(
        self, collection: str, keys: Sequence[str] | None = None, *, after: str = "", limit: int = 1000
    ) -> list[DocumentVersion]:
        """Return a collection's refused versions with a key > `after`, by key in code point order.

        Args:
            collection: Whose.
            keys: Only of these documents, then without a limit and in any order; None for all.
            after: For paging: the last key of the page before.
            limit: At most so many.
        """

    @abstractmethod
    def items(self, collection: str, after: str = "", limit: int = 1000) -> list[ItemVersion]:
        """Return what is known of a collection's items with a key > `after`, by key in code point order."""

    def by_item(self, collection: str) -> list[ItemDocuments]:
        """Return what is published of a collection, added up by item; by default of all its documents."""
        sums: dict[str, list[int]] = {}
        for page in pages(lambda after: self.documents(collection, after), key_of):
            for known in page:
                version = known.version
                own = 1, version.records, known.rejected, version.size, int(version.brought_by == "run")
                sums[version.item] = list(map(add, sums.get(version.item, repeat(0)), own))
        return [ItemDocuments(item, *figures) for item, figures in sums.items()]

    @abstractmethod
    def cursor(self, collection: str) -> str | None:
        """Return the cursor that is kept for a collection, or None."""

    @abstractmethod
    def rejects(
        self, wanted: RejectFilter = RejectFilter(), *, after: str = "", limit: int = 1000
    ) -> list[Reject]:
        """Return rejects with id > `after`, by id.

        Args:
            wanted: Which.
            after: For paging: the last id of the page before.
            limit: At most so many.
        """

    def reject_count(self, collection: str | None = None) -> int:
        """Return how many rejects there are; by default they are read page by page."""
        wanted = RejectFilter(collection)
        return sum(map(len, pages(lambda after: self.rejects(wanted, after=after), lambda last: last.id)))

    @abstractmethod
    def drop_rejects(self, ids: Sequence[str]) -> int:
        """Forget the rejects; return how many there were.

        A version that was refused is so no longer once none of its rejects is left.
        """

    # --- leases -------------------------------------------------------------------------------------

    @abstractmethod
    def lease(self, collection: str) -> Lease | None:
        """Return the lease of a collection, None where nobody has it."""

    @abstractmethod
    def swap_lease(self, collection: str, token: str | None, lease: Lease | None, patience: Patience) -> bool:
        """Put a lease, or none, in the place of the one with this token; tell whether that was still there.

        Once it is there, nothing commits any more that was begun under the token before.

        Args:
            collection: The collection.
            token: Whose place it takes; None where there is to be none.
            lease: The new one, with its first heartbeat; None for none.
            patience: How long to wait for what others write to the collection just now.

        Raises:
            CollectionBusy: Others were still writing in the end.
        """

    @abstractmethod
    def beat(self, collection: str, token: str) -> bool:
        """Note a heartbeat; tell whether the lease still has this token."""

    @abstractmethod
    def drop_receipts(self) -> None:
        """Forget the receipts of runs that have no lease any more: nobody asks for them again.

        Those of programs stay.
        """


class LedgerBeside(Ledger):
    """A ledger in a file beside a sink that keeps none.

    Such a sink can't read it while it writes. So the engine asks it before a write, and records the receipt
    afterwards. A crash in between leaves rows without a receipt; the next run writes the same rows again.
    """

    @abstractmethod
    def removals(self, receipt: Receipt) -> tuple[str, ...]:
        """Return the ids of the versions whose rows a write has to remove, as the ledger is now.

        Raises:
            IncompleteDocument: The receipt continues a version that is neither pending nor published.
        """

    @abstractmethod
    def record(self, receipt: Receipt) -> None:
        """Store the receipt, once the sink has stored its rows; a second time, change nothing."""

    @abstractmethod
    def close(self) -> None:
        """Close the file. May be called more than once."""


def pages(
    ask: Callable[[str], Sequence[Value]], place: Callable[[Value], str], after: str = ""
) -> Iterator[Sequence[Value]]:
    """Yield all that a ledger lists, a page at a time; a page is asked for once the one before is done with.

    Args:
        ask: Returns the page behind a place, an empty one at the end: `Ledger.documents`, `rejects` ….
        place: Returns the place of a value: the key or id by which the listing is sorted.
        after: Where to begin; by default at the beginning.
    """
    while page := ask(after):
        yield page
        after = place(page[-1])


def key_of(known: KnownDocument) -> str:
    """Return the key of a published document: its place in `Ledger.documents`."""
    return known.version.key


def rejects_of(ledger: Ledger, collection: str, version: DocumentVersion) -> Iterator[Reject]:
    """Yield the rejects of a document version, by id."""
    wanted = RejectFilter(collection, key=version.key)
    for page in pages(lambda after: ledger.rejects(wanted, after=after), lambda reject: reject.id):
        yield from (reject for reject in page if reject.document_id == version.document_id)
