"""The sink. The driver is imported when it opens, so that listing sinks costs nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from batchwright.builtin.postgres.options import PostgresOptions
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import Receipt
from batchwright.contracts.sink import Holding, SearchHit, Sink, SinkLimits
from batchwright.errors import SinkError
from batchwright.model import Batch, ProcessedChunk

if TYPE_CHECKING:
    from batchwright.builtin.postgres.store import Store


class PostgresSink(Sink[PostgresOptions]):
    """Stores batches in Postgres, rows and receipt in one transaction, and keeps the ledger there."""

    name: ClassVar[str] = "postgres"
    schemes: ClassVar[tuple[str, ...]] = ("postgresql", "postgres")
    options_type = PostgresOptions
    limits = SinkLimits(rows=5_000, bytes=32 * 1024 * 1024, writers=16)

    _store: Store | None = None

    def open(self) -> None:
        """Connect, and create schema objects that are missing.

        Raises:
            SinkError: A mistake: wrong password, no such database, a privilege missing, a name taken …
            ConnectionError: The server can't be reached now.
            psycopg.Error: It can be reached, but something passing is in the way (a lock, a shutdown).
        """
        from batchwright.builtin.postgres.store import Store

        if self._store is None:
            self._store = Store.opened(self.options)

    def close(self) -> None:
        """Close the connection."""
        store, self._store = self._store, None
        if store is not None:
            store.close()

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        """Store the batch and the receipt in one transaction, or nothing.

        Raises:
            BadRecords: Names the records that Postgres can't store; nothing of the batch is stored.
            IncompleteDocument: A publication lacks rows.
            ValueError: Two records have the same id.
            ConnectionError: The connection was lost; whether the commit came through, the ledger knows.
            psycopg.Error: Any other.
        """
        if not batch.documents and not receipt.batch_id:
            return self.probe()
        return self._opened.write(batch.documents, receipt)

    @property
    def ledger(self) -> Ledger:
        """The ledger, in the same database."""
        return self._opened.ledger

    def probe(self) -> None:
        """Check that the server answers, connecting again where the connection was lost."""
        self._opened.probe()

    def cancel(self) -> None:
        """End the statement under way in another thread; where the server doesn't answer, hang up."""
        if self._store is not None:
            self._store.cancel()

    def exists(self) -> bool:
        """Tell whether the sink's tables are there.

        Raises:
            SinkError, ConnectionError: As `open`.
        """
        from batchwright.builtin.postgres.store import Store

        return Store.exists(self.options)

    def holdings(self) -> Iterator[Holding]:
        """Yield what is there of every document version, published or not, by document_id.

        Use the sink for nothing else until the last one came: they come in one transaction.
        """
        return self._opened.holdings()

    def sound(self, document_id: str) -> frozenset[str]:
        """Return the ids of the rows of a document version whose text is the one of their chunk_hash."""
        return self._opened.sound(document_id)

    def search(self, text: str, limit: int = 10) -> Sequence[SearchHit]:
        """Search the published chunks, best first: ``"exact phrase"``, ``or`` and ``-not`` are understood.

        Raises:
            SinkError: There is nothing to search for.
        """
        if not text.strip() or "\0" in text:
            raise SinkError("nothing to search for: give a word or a phrase")
        if limit < 1:
            raise SinkError(f"limit must be at least 1, not {limit}")
        return self._opened.search(text.strip(), limit)

    @property
    def _opened(self) -> Store:
        if self._store is None:
            raise SinkError(f"the sink {self.name!r} is not open: call open() first, or use it in a `with`")
        return self._store
