"""The DuckDB sink."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from batchwright import Batch, Ledger, ProcessedChunk, Receipt, SearchHit, Sink, SinkError, SinkLimits
from batchwright_duckdb.options import DuckdbOptions, database_path

if TYPE_CHECKING:
    from batchwright.contracts.sink import Holding
    from batchwright_duckdb.store import Store


class DuckdbSink(Sink[DuckdbOptions]):
    """Stores batches in a DuckDB database, with its ledger in the same transaction.

    Text is stored as it is, NUL included. Errors of DuckDB leave `write` as they are; this plugin's
    classifier knows what they mean.
    """

    name: ClassVar[str] = "duckdb"
    schemes: ClassVar[tuple[str, ...]] = ("duckdb",)
    options_type = DuckdbOptions
    limits = SinkLimits(rows=20_000, bytes=64 * 1024 * 1024, writers=1)

    def __init__(self, options: DuckdbOptions) -> None:
        super().__init__(options)
        self._store: Store | None = None

    def __reduce__(self) -> tuple[type[DuckdbSink], tuple[DuckdbOptions]]:
        return type(self), (self.options,)

    def open(self) -> None:
        """Open the database, and create the file, its folder and the tables where they are missing.

        Raises:
            ConfigError: The URL names no file.
            SinkError: With what is wrong and what to do.
        """
        if self._store is None:
            from batchwright_duckdb.store import Store  # not above: it loads DuckDB and Arrow

            self._store = Store(database_path(self.options), self.options)

    def close(self) -> None:
        """Let go of the database; the last sink of the process to do so closes the file."""
        store, self._store = self._store, None
        if store is not None:
            store.close()

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        """Store the batch and the receipt in one transaction; nothing, where the receipt is stored already.

        Raises:
            BadRecords: Lone surrogates, metadata that isn't JSON, ids that aren't UUIDs, huge numbers.
            BatchTooLarge: DuckDB ran out of memory.
            IncompleteDocument: A publication lacks rows.
            SinkError: The sink isn't open, or its file is gone.
            ValueError: The same id twice in the batch.
            duckdb.Error: Whatever DuckDB says, as it is; InterruptException after `cancel`.
        """
        self._opened().write(batch, receipt)

    @property
    def ledger(self) -> Ledger:
        """The ledger, in the same database.

        Raises:
            SinkError: The sink isn't open.
        """
        return self._opened().ledger

    def probe(self) -> None:
        """Check that the database answers, and that it is still in its place."""
        self._opened().probe()

    def cancel(self) -> None:
        """Make a write that is under way in another thread end with InterruptException."""
        store = self._store
        if store is not None:
            store.cancel()

    def exists(self) -> bool:
        """Tell whether there is a database with the sink's tables; make no file where there is none.

        Raises:
            ConfigError: The URL names no file.
            SinkError: The file is no database, another process has it, or the tables are another program's.
        """
        from batchwright_duckdb.store import exists

        return exists(database_path(self.options), self.options)

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
            raise SinkError("the DuckDB sink is not open; call open() first")
        return self._store
