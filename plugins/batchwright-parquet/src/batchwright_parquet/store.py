"""An open folder with the records and the ledger in it; loaded when a sink opens, since it loads Arrow."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from batchwright import Batch, DeadlineExceeded, Holding, Receipt, RecordType, SearchHit, SinkError
from batchwright.contracts.rows import Placed
from batchwright.contracts.search import Searchable, SearchMode
from batchwright.contracts.sink import Inspectable, Store
from batchwright.contracts.vectors import Vector
from batchwright.sinkkit.columns import refusing
from batchwright.sinkkit.filters import only_text
from batchwright.sinkkit.record_changes import META_KEY, added_fields, extended
from batchwright.sinkkit.search.candidates import Candidate
from batchwright.sinkkit.search.scan import look_through
from batchwright.sinkkit.searched import PLACES, Searched, places_of
from batchwright_parquet.change import Change, rows_of
from batchwright_parquet.folder import borrow, give_back
from batchwright_parquet.layout import DATA, PENDING, STAGING, sync_folder
from batchwright_parquet.ledger import ParquetLedger
from batchwright_parquet.manifest import Manifest
from batchwright_parquet.options import ParquetOptions
from batchwright_parquet.outcome import Outcome
from batchwright_parquet.reading import files_of
from batchwright_parquet.rows import LIMITS, fitted, schema_of, to_arrow
from batchwright_parquet.tables import damage_of, document_ids, pieces, texts

MOST_DOCUMENTS = 100_000
"""Documents of a folder: each process that opens it holds the list of them in memory."""


class ParquetStore(Store, Searchable, Inspectable):
    """Writes and searches the files of one folder."""

    def __init__(
        self,
        root: Path,
        options: ParquetOptions,
        record_type: RecordType | None = None,
        *,
        create: bool = True,
    ) -> None:
        """Open the folder, made where it is missing.

        Args:
            root: The folder.
            options: How files are written.
            record_type: What it is to hold; None for what it holds.
            create: Whether to make the folder; without it, a missing one is an error.

        Raises:
            ConfigError: The folder holds other records.
            SinkError: With what is wrong and what to do.
        """
        self._root = root
        self._options = options
        self._cancelled = threading.Event()
        self._folder = borrow(root, durable=options.durable)
        self._ledger = ParquetLedger(self._folder, options.busy_timeout)
        self._open = True
        try:
            self._prepare(record_type, create=create)
        except OSError as error:
            self.close()
            reason = (
                "it is a file" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
            )
            raise SinkError(f"the folder {root} can't be used: {reason}; choose another") from error
        except BaseException:
            self.close()
            raise

    @property
    def ledger(self) -> ParquetLedger:
        """The ledger, in the same manifest."""
        return self._ledger

    def close(self) -> None:
        """Let go of the folder; once no store of the process has it, other processes may write."""
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

    def write(self, batch: Batch[Any], receipt: Receipt) -> None:
        """Store the batch and carry out the receipt in one commit; nothing, where it is stored already.

        Raises:
            BadRecords: Lone surrogates, what isn't JSON, values of another type, huge numbers.
            IncompleteDocument: A publication lacks rows, or a version was discarded meanwhile.
            DeadlineExceeded: The write was cancelled.
            SinkError: The folder is gone, or has no room for more documents.
            LeaseLost, CollectionBusy: The lease of the collection is another run's.
            TimeoutError: Another writer takes too long.
            OSError: Whatever the file system says, as it is.
            ValueError: The same id twice in the batch.
        """
        self._cancelled.clear()
        self._check_open()
        with refusing(batch.documents, self.record_type, limits=LIMITS):
            self._commit(batch.documents, receipt)

    def holdings(self) -> Iterator[Holding]:
        """Yield what is there of every document version, by document_id."""
        counts: dict[str, list[int]] = {}
        with self._folder.reading() as manifest:
            published = {*files_of(manifest), *(self._root / DATA).glob("**/*.parquet")}
            replaced = {
                self._root / target for source, target in manifest.moves if (self._root / source).exists()
            }
            for path in sorted(published - replaced):
                self._count(path, counts)
            for document_id, sound in self._waiting(manifest).items():
                entry = counts.setdefault(document_id, [0, 0])
                entry[0] += len(sound)
                entry[1] += sound.count(False)
        for document_id in sorted(counts):
            rows, damaged = counts[document_id]
            yield Holding(document_id, rows, damaged)

    def check_storage(self) -> None:
        """Read every file whole.

        Raises:
            SinkError: Some can't be read; names the first.
        """
        with self._folder.reading() as manifest:
            names = {name for names in manifest.state.tables["parts"].values() for name in names}
            paths = sorted({*files_of(manifest), *(self._root / name for name in names)})
        found = [(path, damage) for path in paths if (damage := damage_of(path))]
        if found:
            path, damage = found[0]
            more = f", as {len(found) - 1} more" if len(found) > 1 else ""
            raise SinkError(
                f"{path} is damaged{more}; restore it from a backup, or delete it and run: "
                f"batchwright verify --repair ({damage})"
            )

    def _waiting(self, manifest: Manifest) -> dict[str, list[bool]]:
        """Return the soundness of the rows of each version that isn't whole; a row may be in two files."""
        parts = manifest.state.tables["parts"]
        seen: dict[str, dict[str, bool]] = {document_id: {} for document_id in parts}
        for name in sorted({name for names in parts.values() for name in names}):
            for piece in pieces(self._root / name, self._checked):
                ids = texts(piece, self._checked[0])
                versions = document_ids(ids)
                for document_id, identity, sound in zip(versions, ids, self._soundness(piece), strict=True):
                    # rows of a version that was removed stay in a file that has others' rows
                    if name in parts.get(document_id, ()):
                        seen[document_id][identity] = sound
        return {document_id: list(rows.values()) for document_id, rows in seen.items() if rows}

    def sound(self, document_id: str) -> frozenset[str]:
        """Return the ids of the rows of a version whose text is the one of their hash."""
        rows = self._rows(document_id)
        ids = texts(rows, self._checked[0])
        return frozenset(
            identity for identity, sound in zip(ids, self._soundness(rows), strict=True) if sound
        )

    def search(
        self,
        text: str,
        limit: int = 10,
        *,
        collection: str | None = None,
        vector: Vector | None = None,
        mode: SearchMode = "text",
        where: Mapping[str, Any] | None = None,
    ) -> Sequence[SearchHit]:
        """Search the published records, best first, by looking through them.

        Raises:
            SinkError: The records have no text; or more than words are asked for.
        """
        only_text(mode, where)
        Searched.of(self.record_type)
        with self._folder.reading() as manifest:
            entries = _entries(files_of(manifest), self.record_type)
            own = (entry for entry in entries if collection in (None, entry.collection))
            return look_through(own, text, limit)

    def _rows(self, document_id: str) -> pa.Table:
        with self._folder.reading() as manifest:
            place = manifest.state.published.get(document_id)
            file = manifest.state.tables["documents"][place]["file"] if place is not None else None
            parts = manifest.state.tables["parts"].get(document_id, [])
            schema = schema_of(manifest.record_type)
            return rows_of([*([file] if file else []), *parts], self._root, document_id, schema)

    @property
    def _checked(self) -> list[str]:
        """The columns that say whether a row is sound: the id, the text and its hash, where there is one."""
        kind = self.record_type
        both = (kind.text, kind.text_hash)
        return [kind.id_column, *(name for name in both if name is not None and None not in both)]

    def _soundness(self, rows: pa.Table | pa.RecordBatch) -> list[bool]:
        both = self._checked[1:]
        if not both:
            return [True] * rows.num_rows
        pairs = zip(*(texts(rows, name) for name in both), strict=True)
        return [hashlib.sha256((text or "").encode()).hexdigest() == digest for text, digest in pairs]

    def _count(self, path: Path, counts: dict[str, list[int]]) -> None:
        for piece in pieces(path, self._checked):
            versions = document_ids(texts(piece, self._checked[0]))
            for document_id, sound in zip(versions, self._soundness(piece), strict=True):
                entry = counts.setdefault(document_id, [0, 0])
                entry[0] += 1
                entry[1] += not sound

    def _commit(self, records: Sequence[Placed], receipt: Receipt) -> None:
        with self._folder.writing(self._options.busy_timeout, self._check) as manifest:
            if receipt.batch_id in manifest.state.tables["receipts"]:
                return
            self._ledger.check_lease(receipt)
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            outcome = Outcome(manifest.state, receipt, now)
            rows = to_arrow(records, receipt.collection, self.record_type, self._check)
            rows = fitted(rows, schema_of(manifest.record_type))
            change = Change(manifest, self._options, self._check, rows, outcome)
            try:
                outcome.begin()
                outcome.finish(change.count)
                self._check_room(manifest, outcome.documents.growth)
                change.prepare()
                if self._options.durable and change.staged:
                    for folder in (STAGING, PENDING):
                        sync_folder(self._root / folder)
                self._check()
                manifest.commit([*change.ops(), *outcome.ops()], change.moves, change.removes)
            except BaseException:
                _undo(change, manifest, receipt)
                raise
            manifest.finish()

    def _prepare(self, record_type: RecordType | None, *, create: bool) -> None:
        with self._folder.reading() as manifest:
            ready, undone, stored = manifest.exists(), manifest.undone, manifest.record_type
        self.record_type = record_type or stored
        if not ready or added_fields(stored, self.record_type, str(self._root), "another folder"):
            if not create:
                raise SinkError(f"nothing is loaded in {self._root} yet; load something into it first")
            self._adapt()
        elif undone:
            # another process may write, and then does it; or this one may only read
            with suppress(SinkError, OSError), self._folder.writing(0):
                pass

    def _adapt(self) -> None:
        """Make the folder where it is missing, and add the fields that it lacks."""
        with self._folder.writing(self._options.busy_timeout) as manifest:
            kept = self.record_type
            if META_KEY in manifest.state.tables["meta"]:
                stored = manifest.record_type
                kept = extended(stored, added_fields(stored, kept, str(self._root), "another folder"))
            manifest.commit([("meta", META_KEY, kept.as_json())], [], [])
            manifest.finish()

    def _check_room(self, manifest: Manifest, growth: int) -> None:
        """Refuse what the list of documents has no room for; what replaces or removes some still comes in."""
        if growth > 0 and len(manifest.state.tables["documents"]) + growth > MOST_DOCUMENTS:
            raise SinkError(
                f"{self._root} has no room for more than {MOST_DOCUMENTS:,} documents; load the rest into "
                "another folder, or all into a target without this limit: duckdb:///, sqlite:///, postgresql://"
            )

    def _check_open(self) -> None:
        if not self._open:
            raise SinkError("the store is closed; open the sink again")

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


def _entries(files: Iterable[Path], record_type: RecordType) -> Iterator[Candidate]:
    names = (record_type.key, record_type.heading, record_type.text)
    own = (record_type.id_column, record_type.collection_column)
    columns = [*own, *dict.fromkeys(name for name in names if name is not None), *places_of(record_type)]
    for path in files:
        for piece in pieces(path, columns):
            ids, collections = (texts(piece, name) for name in own)
            found = ([""] * len(ids) if name is None else texts(piece, name) for name in names)
            there = {*places_of(record_type)} & {*piece.schema.names}  # older files may lack some
            places = (
                piece.column(name).to_pylist() if name in there else [None] * len(ids) for name in PLACES
            )
            for identity, collection, key, heading, text, *place in zip(
                ids, collections, *found, *places, strict=True
            ):
                yield Candidate(identity, collection, str(key), heading or "", text or "", *place)
