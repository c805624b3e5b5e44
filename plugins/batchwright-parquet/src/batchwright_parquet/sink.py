"""The Parquet sink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from batchwright import Batch, Ledger, ProcessedChunk, Receipt, SearchHit, Sink, SinkError, SinkLimits
from batchwright_parquet.options import ParquetOptions, folder_of

if TYPE_CHECKING:
    from batchwright.contracts.sink import Holding
    from batchwright_parquet.store import Store


class ParquetSink(Sink[ParquetOptions]):
    """Stores batches in Parquet files, with its ledger in the manifest that says which files count.

    Parquet has no transactions. A commit is one line appended to the manifest; files are complete before it,
    and come into their places by renaming after it, by the next process if this one dies in between.
    """

    name: ClassVar[str] = "parquet"
    schemes: ClassVar[tuple[str, ...]] = ("parquet",)
    options_type = ParquetOptions
    limits = SinkLimits(rows=20_000, bytes=64 * 1024 * 1024, writers=1)

    def __init__(self, options: ParquetOptions) -> None:
        super().__init__(options)
        self._store: Store | None = None

    def __reduce__(self) -> tuple[type[ParquetSink], tuple[ParquetOptions]]:
        return type(self), (self.options,)

    def open(self) -> None:
        """Open the folder, made where it is missing.

        Raises:
            ConfigError: The URL names no folder.
            SinkError: With what is wrong and what to do.
        """
        if self._store is None:
            from batchwright_parquet.store import Store  # not above: it loads Arrow

            self._store = Store(folder_of(self.options), self.options)

    def close(self) -> None:
        """Let go of the folder; once no sink of the process has it, other processes may write."""
        store, self._store = self._store, None
        if store is not None:
            store.close()

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        """Store the batch and the receipt in one commit; nothing, where the receipt is stored already.

        Raises:
            BadRecords: Lone surrogates, metadata that isn't JSON, ids that aren't UUIDs, huge numbers.
            IncompleteDocument: A publication lacks rows.
            DeadlineExceeded: The write was cancelled.
            SinkError: The sink isn't open, its folder is gone, or another process writes.
            OSError: Whatever the file system says, as it is.
            ValueError: The same id twice in the batch.
        """
        self._opened().write(batch, receipt)

    @property
    def ledger(self) -> Ledger:
        """The ledger, in the same manifest.

        Raises:
            SinkError: The sink isn't open.
        """
        return self._opened().ledger

    def probe(self) -> None:
        """Check that the folder is there, and that this process may write."""
        self._opened().probe()

    def cancel(self) -> None:
        """Make a write that is under way in another thread end with DeadlineExceeded."""
        store = self._store
        if store is not None:
            store.cancel()

    def exists(self) -> bool:
        """Tell whether the folder was loaded into before; make nothing where it wasn't.

        Raises:
            ConfigError: The URL names no folder.
            SinkError: Its manifest is another program's, or of a newer version.
        """
        from batchwright_parquet.store import exists

        return exists(folder_of(self.options))

    def holdings(self) -> Iterator[Holding]:
        """Yield what is there of every document version, published or not, by document_id."""
        return self._opened().holdings()

    def sound(self, document_id: str) -> frozenset[str]:
        """Return the ids of the rows of a document version whose text is the one of their chunk_hash."""
        return self._opened().sound(document_id)

    def search(self, text: str, limit: int = 10) -> Sequence[SearchHit]:
        """Search the published chunks, best first, by looking through them."""
        return self._opened().search(text, limit)

    def _opened(self) -> Store:
        if self._store is None:
            raise SinkError("the Parquet sink is not open; call open() first")
        return self._store
