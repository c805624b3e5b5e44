"""What the sink does with an open folder; loaded when a sink is opened, since it loads Arrow."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from batchwright import (
    Batch,
    DeadlineExceeded,
    ProcessedChunk,
    Receipt,
    SearchHit,
    SinkError,
)
from batchwright.contracts.sink import Holding
from batchwright.sinkkit.columns import refusing
from batchwright.sinkkit.excerpts import Entry, look_through
from batchwright_parquet.change import Change, rows_of
from batchwright_parquet.entries import of_receipt
from batchwright_parquet.folder import borrow, give_back
from batchwright_parquet.layout import DATA, PENDING, STAGING, sync_folder
from batchwright_parquet.ledger import ParquetLedger
from batchwright_parquet.manifest import Manifest
from batchwright_parquet.options import ParquetOptions
from batchwright_parquet.reading import files_of
from batchwright_parquet.rows import to_arrow
from batchwright_parquet.tables import document_ids, pieces, texts

_DEEPEST = 100  # levels of JSON; many readers give up on much deeper ones


class Store:
    """An open folder.

    Attributes:
        ledger: The ledger in its manifest.
    """

    def __init__(self, root: Path, options: ParquetOptions) -> None:
        """Open the folder, made where it is missing.

        Raises:
            SinkError: With what is wrong and what to do.
        """
        self._root = root
        self._options = options
        self._cancelled = threading.Event()
        self._folder = borrow(root, durable=options.durable)
        self._open = True
        try:
            self._prepare()
        except OSError as error:
            self.close()
            reason = (
                "it is a file" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
            )
            raise SinkError(f"the folder {root} can't be used: {reason}; choose another") from error
        except BaseException:
            self.close()
            raise
        self.ledger = ParquetLedger(
            self._folder, options.busy_timeout, lambda receipt: self._commit([], receipt)
        )

    def close(self) -> None:
        """Let go of the folder; may come more than once."""
        if self._open:
            self._open = False
            give_back(self._folder)

    def cancel(self) -> None:
        """Make a write that is under way in another thread end with DeadlineExceeded."""
        self._cancelled.set()

    def probe(self) -> None:
        """Check that the folder is there, and that this process may write."""
        with self._folder.writing(self._options.busy_timeout):
            pass

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        """See `ParquetSink.write`."""
        chunks = batch.documents
        self._cancelled.clear()
        with refusing(chunks, deepest=_DEEPEST):
            self._commit(chunks, receipt)

    def holdings(self) -> Iterator[Holding]:
        """Yield what is there of every document version, by document_id."""
        counts: dict[str, list[int]] = {}
        with self._folder.reading() as manifest:
            published = {*files_of(manifest), *(self._root / DATA).glob("**/*.parquet")}
            replaced = {
                self._root / target for source, target in manifest.moves if (self._root / source).exists()
            }
            parts = {self._root / name for names in manifest.state.tables["parts"].values() for name in names}
            for path in sorted(published - replaced):
                _count(path, counts)
            seen: dict[str, bool] = {}
            for path in sorted(parts):  # a row that was written twice is in two of them
                for piece in pieces(path, ["id", "chunk_text", "chunk_hash"]):
                    seen.update(zip(texts(piece, "id"), _soundness(piece), strict=True))
            known = manifest.state.tables["parts"]
            for document_id, sound in zip(document_ids(seen), seen.values(), strict=True):
                if document_id in known:
                    entry = counts.setdefault(document_id, [0, 0])
                    entry[0] += 1
                    entry[1] += not sound
        for document_id in sorted(counts):
            rows, damaged = counts[document_id]
            yield Holding(document_id, rows, damaged)

    def sound(self, document_id: str) -> frozenset[str]:
        """Return the ids of the rows of a version whose text is the one of their hash."""
        rows = self._rows(document_id)
        return frozenset(
            identity for identity, sound in zip(texts(rows, "id"), _soundness(rows), strict=True) if sound
        )

    def search(self, text: str, limit: int) -> Sequence[SearchHit]:
        """Search the published chunks."""
        with self._folder.reading() as manifest:
            return look_through(_entries(files_of(manifest)), text, limit)

    def _rows(self, document_id: str) -> pa.Table:
        with self._folder.reading() as manifest:
            name = manifest.state.published.get(document_id)
            file = manifest.state.tables["documents"][name]["file"] if name is not None else None
            parts = manifest.state.tables["parts"].get(document_id, [])
            return rows_of([*([file] if file else []), *parts], self._root, document_id)

    def _commit(self, chunks: Sequence[ProcessedChunk], receipt: Receipt) -> None:
        with self._folder.writing(self._options.busy_timeout, self._check) as manifest:
            if receipt.batch_id in manifest.state.tables["receipts"]:
                return
            change = Change(manifest, self._options, self._check)
            try:
                change.prepare(to_arrow(chunks, self._check), receipt)
                now = datetime.now(UTC).isoformat(timespec="milliseconds")
                ops = [*change.ops, *of_receipt(receipt, manifest.state, now, change.places)]
                if self._options.durable and change.staged:
                    for folder in (STAGING, PENDING):
                        sync_folder(self._root / folder)
                self._check()
                if ops:
                    manifest.commit(ops, change.moves, change.removes)
            except BaseException:
                _undo(change, manifest, receipt)
                raise
            manifest.finish()

    def _prepare(self) -> None:
        with self._folder.reading() as manifest:
            ready, undone = manifest.exists(), manifest.undone
        if not ready:
            self.probe()
        elif undone:
            # another process may write, and then does it; or this one may only read
            with suppress(SinkError, OSError), self._folder.writing(0):
                pass

    def _check(self) -> None:
        if self._cancelled.is_set():
            raise DeadlineExceeded("the write was cancelled")


def exists(root: Path) -> bool:
    """Tell whether the folder was loaded into before; make nothing where it wasn't."""
    manifest = Manifest(root)
    if not manifest.exists():
        return False
    manifest.refresh()
    return True


def _undo(change: Change, manifest: Manifest, receipt: Receipt) -> None:
    """Remove the files of a commit that did not come about; one that did (a doubtful end) needs them."""
    manifest.refresh()
    if receipt.batch_id not in manifest.state.tables["receipts"]:
        change.undo()


def _entries(files: Iterable[Path]) -> Iterator[Entry]:
    columns = ["id", "source_file", "context_header", "chunk_text"]
    for path in files:
        for piece in pieces(path, columns):
            yield from zip(*(texts(piece, column) for column in columns), strict=True)


def _count(path: Path, counts: dict[str, list[int]]) -> None:
    for piece in pieces(path, ["id", "chunk_text", "chunk_hash"]):
        for document_id, sound in zip(document_ids(texts(piece, "id")), _soundness(piece), strict=True):
            entry = counts.setdefault(document_id, [0, 0])
            entry[0] += 1
            entry[1] += not sound


def _soundness(rows: pa.Table | pa.RecordBatch) -> list[bool]:
    return [
        hashlib.sha256(text.encode()).hexdigest() == digest
        for text, digest in zip(texts(rows, "chunk_text"), texts(rows, "chunk_hash"), strict=True)
    ]
