"""A sink and a ledger in memory that keep the contracts to the letter, and fail as a script tells them to."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from batchwright import (
    Batch,
    DocumentVersion,
    IncompleteDocument,
    KnownDocument,
    Ledger,
    ProcessedChunk,
    Receipt,
    Reject,
    Run,
    Sink,
    SinkLimits,
    SinkOptions,
    hookimpl,
)
from batchwright.contracts.sink import Holding

Fault = Callable[[Batch[ProcessedChunk], Receipt], None]


@dataclass
class Tables:
    """What the sink holds."""

    rows: dict[str, ProcessedChunk] = field(default_factory=dict)
    documents: dict[str, KnownDocument] = field(default_factory=dict)
    pending: dict[str, DocumentVersion] = field(default_factory=dict)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    rejects: dict[str, Reject] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)

    def copy(self) -> Tables:
        return Tables(**{name: dict(getattr(self, name)) for name in self.__dataclass_fields__})

    def published(self) -> dict[str, list[ProcessedChunk]]:
        """The published chunks by document, in order."""
        ids = {known.version.document_id for known in self.documents.values()}
        found: dict[str, list[ProcessedChunk]] = {name: [] for name in self.documents}
        for chunk in sorted(self.rows.values(), key=lambda chunk: chunk.id):
            if chunk.document_id in ids:
                found[chunk.source_file].append(chunk)
        return found


class Database:
    """The tables, and the script of a test: what goes wrong before a write, and after it committed."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.lock = threading.Lock()
        self.writes: list[list[ProcessedChunk]] = []
        self.before: Fault = lambda batch, receipt: None
        self.after: Fault = lambda batch, receipt: None
        self.opens = 0
        self.closes = 0
        self.on_open: Callable[[], None] = lambda: None
        self.limits = SinkLimits(rows=5_000, writers=8)
        self.own_ledger = True


class MemoryLedger(Ledger):
    def __init__(self, database: Database) -> None:
        self.database = database

    def start_run(self, run: Run) -> None:
        self.database.tables.runs[run.run_id] = run

    def finish_run(self, run: Run) -> None:
        self.database.tables.runs[run.run_id] = run

    def runs(self, limit: int = 20) -> list[Run]:
        return list(self.database.tables.runs.values())[::-1][:limit]

    def record(self, receipt: Receipt) -> None:
        record(self.database.tables, receipt)

    def committed(self, batch_id: str) -> bool:
        return batch_id in self.database.tables.receipts

    def documents(self, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        names = sorted(name for name in self.database.tables.documents if name > after)
        return [self.database.tables.documents[name] for name in names[:limit]]

    def pending(self) -> list[DocumentVersion]:
        return list(self.database.tables.pending.values())

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
        found = [
            reject
            for key, reject in sorted(self.database.tables.rejects.items())
            if key > after
            and (ids is None or key in ids)
            and (run_id is None or reject.run_id == run_id)
            and (source_file is None or reject.source_file == source_file)
            and (error is None or error in reject.error or error == reject.sqlstate)
        ]
        return found[:limit]

    def drop_rejects(self, ids: Sequence[str]) -> int:
        return sum(self.database.tables.rejects.pop(key, None) is not None for key in ids)


def record(tables: Tables, receipt: Receipt) -> None:
    if not receipt.batch_id or receipt.batch_id in tables.receipts:
        return
    tables.receipts[receipt.batch_id] = receipt
    for version in receipt.opened:
        tables.pending[version.document_id] = version
    for publication in receipt.publications:
        version = publication.version
        tables.documents[version.source_file] = KnownDocument(version, publication.rejected, "now")
        tables.pending = {k: v for k, v in tables.pending.items() if v.source_file != version.source_file}
        tables.rejects = {
            k: r
            for k, r in tables.rejects.items()
            if r.source_file != version.source_file or r.document_id == version.document_id
        }
    for name, _ in receipt.deleted:
        tables.documents.pop(name, None)
        tables.rejects = {k: r for k, r in tables.rejects.items() if r.source_file != name}
    for version_id in receipt.discarded:
        tables.pending.pop(version_id, None)
    obsolete = set(receipt.obsolete)
    tables.rejects = {k: r for k, r in tables.rejects.items() if r.document_id not in obsolete}
    for reject in receipt.rejects:
        tables.rejects[reject.id] = reject
    for key in receipt.resolved:
        tables.rejects.pop(key, None)


def is_sound(row: ProcessedChunk) -> bool:
    return hashlib.sha256(row.chunk_text.encode("utf-8", "surrogatepass")).hexdigest() == row.chunk_hash


class MemorySink(Sink[SinkOptions]):
    """Its database is the one of the plugin that offered it."""

    name = "memory"
    schemes = ("memory",)
    database: ClassVar[Database]

    def __init__(self, options: SinkOptions) -> None:
        super().__init__(options)
        self.limits = self.database.limits

    def open(self) -> None:
        self.database.on_open()
        self.database.opens += 1

    def close(self) -> None:
        self.database.closes += 1

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        database = self.database
        with database.lock:
            database.writes.append(list(batch.documents))
        database.before(batch, receipt)
        with database.lock:
            tables = database.tables.copy()
            tables.rows.update({chunk.id: chunk for chunk in batch.documents})
            gone = set(receipt.obsolete)
            tables.rows = {key: row for key, row in tables.rows.items() if row.document_id not in gone}
            for publication in receipt.publications:
                held = sum(row.document_id == publication.version.document_id for row in tables.rows.values())
                if held != publication.rows:
                    raise IncompleteDocument(
                        f"{publication.version.source_file}: {held} of {publication.rows}"
                    )
            if database.own_ledger:
                record(tables, receipt)
            database.tables = tables
        database.after(batch, receipt)

    def exists(self) -> bool:
        return self.database.opens > 0

    def holdings(self) -> Iterator[Holding]:
        versions: dict[str, list[ProcessedChunk]] = {}
        for row in self.database.tables.rows.values():
            versions.setdefault(row.document_id, []).append(row)
        for version_id, rows in sorted(versions.items()):
            yield Holding(version_id, len(rows), sum(not is_sound(row) for row in rows))

    def sound(self, document_id: str) -> frozenset[str]:
        rows = self.database.tables.rows.values()
        return frozenset(row.id for row in rows if row.document_id == document_id and is_sound(row))

    @property
    def ledger(self) -> Ledger | None:
        return MemoryLedger(self.database) if self.database.own_ledger else None


class MemoryPlugin:
    """Offers the sink `memory`; each plugin has a database of its own."""

    name = "memory-plugin"

    def __init__(self) -> None:
        self.database = Database()

    @hookimpl
    def register_sinks(self) -> Iterable[type[MemorySink]]:
        return [type("MemorySink", (MemorySink,), {"database": self.database})]


def fail_once(*errors: BaseException) -> Fault:
    """Return a fault that raises these errors, one a call, then none."""
    left = list(errors)

    def fault(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if left:
            raise left.pop(0)

    return fault


def fail_for(bad: Callable[[ProcessedChunk], bool], error: Callable[[], BaseException]) -> Fault:
    """Return a fault that raises for a batch with a bad record in it."""

    def fault(batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if any(bad(chunk) for chunk in batch.documents):
            raise error()

    return fault


def without_times(run: Run) -> Run:
    return replace(run, started_at="", finished_at=None)
