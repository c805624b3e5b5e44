"""A sink and its store in memory that keep the contracts to the letter, and fail as a script says."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, Protocol

from batchwright import hookimpl
from batchwright.contracts.lease import Lease, Patience
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import (
    Collection,
    DocumentVersion,
    ItemVersion,
    KnownDocument,
    Receipt,
    Reject,
    RejectFilter,
    Run,
)
from batchwright.contracts.records import RecordType
from batchwright.contracts.sink import Holding, Inspectable, Sink, SinkLimits, SinkOptions, Store
from batchwright.model import Batch, ProcessedChunk
from tests.support.model import Rules, Tables, after, without

Fault = Callable[[Batch[ProcessedChunk], Receipt], None]


class Database:
    """The tables, and the script of a test: what goes wrong before a write, and after it committed.

    Attributes:
        tables: What is committed; a write replaces it.
        writes: The records of each write, the failed ones too.
        before: Called before a write, which fails with what it raises.
        after: Called after the commit, as where its reply is lost.
        opens: Stores opened so far.
        closes: Stores closed so far.
        asked: Called with the method's name before the ledger is asked about a batch, or told of a run's end.
        counted: Called once a store has told what it holds.
        on_open: Called before a store is opened.
        limits: The sink's.
        own_ledger: Whether stores have a ledger; without one they do as the engine finds in the one beside.
    """

    def __init__(self) -> None:
        self.tables = Tables()
        self.lock = threading.Lock()
        self.writes: list[list[ProcessedChunk]] = []
        self.before: Fault = lambda batch, receipt: None
        self.after: Fault = lambda batch, receipt: None
        self.opens = 0
        self.closes = 0
        self.asked: Callable[[str], None] = lambda method: None
        self.counted: Callable[[], None] = lambda: None
        self.on_open: Callable[[], None] = lambda: None
        self.limits = SinkLimits(rows=5_000, writers=8)
        self.own_ledger = True


class Tabled(Protocol):
    """Has tables."""

    tables: Tables


class MemoryLedger(Ledger):
    def __init__(self, database: Tabled) -> None:
        self.database = database

    @property
    def tables(self) -> Tables:
        return self.database.tables

    def collections(self) -> list[Collection]:
        return [collection for _, collection in sorted(self.tables.collections.items())]

    def enter_collection(self, collection: Collection, *, adopt: bool = False) -> Collection:
        there = self.tables.collections.setdefault(collection.name, collection)
        if adopt:
            there = self.tables.collections[collection.name] = replace(there, origin=collection.origin)
        return there

    def drop_collection(self, name: str) -> bool:
        left = (
            self.documents(name)
            or self.pending(name)
            or self.refused(name)
            or self.rejects(RejectFilter(name))
        )
        if left or self.tables.collections.pop(name, None) is None:
            return False
        self.tables.cursors.pop(name, None)
        self.tables.items = without(
            self.tables.items, [place for place in self.tables.items if place[0] == name]
        )
        return True

    def start_run(self, run: Run) -> None:
        self.tables.runs[run.run_id] = replace(run, state="running")

    def finish_run(self, run: Run, token: str | None = None) -> None:
        self.tables.leases.check_token(run.collection, run.run_id, token)
        self.tables.runs[run.run_id] = run

    def runs(self, collection: str | None = None, *, limit: int = 20) -> list[Run]:
        runs = [run for run in self.tables.runs.values() if collection in (None, run.collection)]
        return runs[::-1][:limit]

    def committed(self, batch_id: str) -> bool:
        return batch_id in self.tables.receipts

    def documents(self, collection: str, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        tables = self.tables
        places = sorted(place for place in tables.documents if place[0] == collection and place[1] > after)
        return [tables.documents[place] for place in places[:limit]]

    def document(self, collection: str, key: str) -> KnownDocument | None:
        return self.tables.documents.get((collection, key))

    def pending(self, collection: str) -> list[DocumentVersion]:
        owners = self.tables.owners
        own = [v for v in self.tables.pending.values() if owners[v.document_id] == collection]
        return sorted(own, key=lambda version: (version.key, version.document_id))

    def refused(
        self, collection: str, keys: Sequence[str] | None = None, *, after: str = "", limit: int = 1000
    ) -> list[DocumentVersion]:
        owners = self.tables.owners
        own = [v for v in self.tables.refused.values() if owners[v.document_id] == collection]
        if keys is not None:
            return [version for version in own if version.key in keys]
        return sorted((v for v in own if v.key > after), key=lambda version: version.key)[:limit]

    def items(self, collection: str, after: str = "", limit: int = 1000) -> list[ItemVersion]:
        items = self.tables.items
        return [items[place] for place in sorted(items) if place[0] == collection and place[1] > after][
            :limit
        ]

    def cursor(self, collection: str) -> str | None:
        return self.tables.cursors.get(collection)

    def rejects(
        self, wanted: RejectFilter = RejectFilter(), *, after: str = "", limit: int = 1000
    ) -> list[Reject]:
        found = [
            reject
            for id_, reject in sorted(self.tables.rejects.items())
            if id_ > after and wanted.matches(reject)
        ]
        return found[:limit]

    def drop_rejects(self, ids: Sequence[str]) -> int:
        tables = self.tables
        dropped = [kept for id_ in ids if (kept := tables.rejects.pop(id_, None))]
        left = {reject.document_id for reject in tables.rejects.values()}
        for document_id in {reject.document_id for reject in dropped} - left - {None}:
            tables.refused.pop(str(document_id), None)
        return len(dropped)

    def lease(self, collection: str) -> Lease | None:
        return self.tables.leases.held.get(collection)

    def swap_lease(self, collection: str, token: str | None, lease: Lease | None, patience: Patience) -> bool:
        return self.tables.leases.swap(collection, token, lease)

    def beat(self, collection: str, token: str) -> bool:
        return self.tables.leases.beat(collection, token)

    def drop_receipts(self) -> None:
        tables = self.tables
        live = {lease.run_id for lease in tables.leases.held.values()}
        for batch_id, receipt in list(tables.receipts.items()):
            if receipt.run_id in tables.runs and receipt.run_id not in live:
                del tables.receipts[batch_id]


class ScriptedLedger(MemoryLedger):
    """Fails as the script of its database says."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._asked = database.asked

    def finish_run(self, run: Run, token: str | None = None) -> None:
        self._asked("finish_run")
        super().finish_run(run, token)

    def committed(self, batch_id: str) -> bool:
        self._asked("committed")
        return super().committed(batch_id)


class MemoryStore(Store, Inspectable):
    """An open sink; its database is the sink's."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._closed = False

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        database = self.database
        with database.lock:
            database.writes.append(list(batch.documents))
        database.before(batch, receipt)
        with database.lock:
            change = after if database.own_ledger else without_ledger
            database.tables = change(database.tables, receipt, batch.documents)
        database.after(batch, receipt)

    @property
    def ledger(self) -> Ledger | None:
        return ScriptedLedger(self.database) if self.database.own_ledger else None

    def holdings(self) -> Iterator[Holding]:
        yield from holdings(self.database.tables)
        self.database.counted()

    def sound(self, document_id: str) -> frozenset[str]:
        return sound(self.database.tables, document_id)

    def close(self) -> None:
        self.database.closes += not self._closed
        self._closed = True


def without_ledger(tables: Tables, receipt: Receipt, rows: Sequence[ProcessedChunk]) -> Tables:
    """The tables after a write to a store without a ledger: what goes is in the receipt already."""
    rules, draft = Rules(), tables.copy()
    rules.drop(draft, receipt.removed)
    rules.store(draft, rows)
    rules.count(draft, receipt)
    return draft


def holdings(tables: Tables) -> Iterator[Holding]:
    """What is there of each version, by document_id."""
    versions: dict[str, list[ProcessedChunk]] = {}
    for row in tables.rows.values():
        versions.setdefault(row.document_id, []).append(row)
    for version_id, rows in sorted(versions.items()):
        yield Holding(version_id, len(rows), sum(not is_sound(row) for row in rows))


def sound(tables: Tables, document_id: str) -> frozenset[str]:
    """The ids of the sound rows of a version."""
    return frozenset(
        row.id for row in tables.rows.values() if row.document_id == document_id and is_sound(row)
    )


def is_sound(row: object) -> bool:
    return (
        not isinstance(row, ProcessedChunk)
        or hashlib.sha256(row.chunk_text.encode("utf-8", "surrogatepass")).hexdigest() == row.chunk_hash
    )


class MemorySink(Sink[SinkOptions]):
    """Its database is the one of the plugin that offered it."""

    name = "memory"
    schemes = ("memory",)
    database: ClassVar[Database]

    def __init__(self, options: SinkOptions) -> None:
        super().__init__(options)
        self.limits = self.database.limits

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> MemoryStore:
        self.database.on_open()
        self.database.opens += 1
        return MemoryStore(self.database)

    def exists(self) -> bool:
        return self.database.opens > 0


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
