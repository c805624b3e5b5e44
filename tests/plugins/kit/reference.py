"""A sink in memory that keeps the contract to the letter, in steps that a double can break one by one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, ClassVar
from urllib.parse import urlsplit

from batchwright import BadRecords, Batch, ConfigError, Ledger, ProcessedChunk, Receipt, SinkError
from batchwright.contracts.records import CHUNK, RecordType
from batchwright.contracts.rows import Row
from batchwright.contracts.search import Searchable, SearchHit
from batchwright.contracts.sink import (
    Holding,
    Inspectable,
    Sink,
    SinkLimits,
    SinkOptions,
    Store,
)
from batchwright.model import version_of
from batchwright.sinkkit.columns import bad_records
from batchwright.sinkkit.record_changes import added_fields, extended
from tests.support import memory
from tests.support.memory import MemoryLedger
from tests.support.model import Rules, Tables

NAMES = [field.name for field in fields(ProcessedChunk)]


class Broken(Exception):
    """A double breaks its promise by raising."""


class Cancelled(Exception):
    """A write was cancelled."""


class StepFailed(Exception):
    """A step was made to fail."""


class Database:
    """The tables, and what is done to them from outside."""

    def __init__(self) -> None:
        self.tables = Tables()
        self.record_type: RecordType | None = None
        self.lock = threading.RLock()
        self.created = False
        self.blocked = False
        self.failing_step = 0
        self.open_stores = 0
        self.connections = 0
        self.is_damaged = False

    def damage(self) -> None:
        """Damage the target's files."""
        self.is_damaged = True

    def sever(self) -> None:
        """Cut the connections of all stores that are open."""
        self.connections += 1

    def stored(self) -> list[ProcessedChunk]:
        """The published rows, those that are there twice twice."""
        published = self.tables.published_ids()
        return [row for row in self.tables.rows.values() if row.document_id in published]

    def stored_rows(self) -> list[KindRow]:
        """The published rows of another record type, as they are kept."""
        rows: list[Any] = [*self.stored()]
        return rows

    def stored_kinds(self) -> list[dict[str, Any]]:
        """The published rows of another record type, by field."""
        fields = self.record_type.fields if self.record_type else ()
        return [
            {
                field.name: json.dumps(value, default=repr) if field.type == "json" else value
                for field, value in zip(fields, row.values, strict=False)
            }
            for row in self.stored_rows()
        ]

    @contextmanager
    def fault(self, step: int) -> Iterator[None]:
        self.failing_step = step
        try:
            yield
        finally:
            self.failing_step = 0

    @contextmanager
    def block(self) -> Iterator[None]:
        self.blocked = True
        try:
            yield
        finally:
            self.blocked = False


DATABASES: dict[str, Database] = {}


class KindRow(Row):
    """A stored row of another record type."""

    @property
    def document_id(self) -> str:
        return version_of(self.id)


class ReferenceStore(Rules, Store, Inspectable, Searchable):
    """The steps of `Rules` on a draft, which takes the place of the tables at the end."""

    ledger_type: ClassVar[type[MemoryLedger]] = MemoryLedger

    def __init__(self, sink: ReferenceSink) -> None:
        self.sink = sink
        self.database: Database | None = sink.there
        self.connection = sink.there.connections
        self.cancelled = threading.Event()

    def connected(self) -> Database:
        database = self.opened()
        if self.connection != database.connections:
            raise ConnectionError("the connection is lost")
        return database

    def opened(self) -> Database:
        if self.database is None:
            raise SinkError("the store is closed")
        return self.database

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        database = self.connected()
        self.cancelled.clear()
        rows: list[Any] = self.rows(batch.documents) if self.record_type.is_chunk else self.kinds(batch)
        with database.lock:
            draft = database.tables.copy()
            self.step(1)
            if not self.is_known(draft, receipt):
                self.carry_out(draft, receipt, rows)
            self.step(4)
            self.wait(database)
            self.connected()
            database.tables = draft
        self.step(5)

    def rows(self, chunks: Sequence[ProcessedChunk]) -> list[ProcessedChunk]:
        made, bad = [], {}
        for position, chunk in enumerate(chunks):
            try:
                made.append(self.row(chunk))
            except (ValueError, TypeError, RecursionError) as error:
                bad[position] = f"not storable: {type(error).__name__}"
        if bad:
            raise self.refused(bad, len(chunks))
        return made

    def kinds(self, batch: Batch[Any]) -> list[Any]:
        if bad := self.wrong(batch.documents):
            raise BadRecords(bad)
        return [self.placed(self.kept(row)) for row in batch.documents]

    def placed(self, row: Row) -> KindRow:
        """The row with its values in the order of the database."""
        named = dict(zip(self.record_type.names, row.values, strict=True))
        stored = self.opened().record_type or self.record_type
        return KindRow(row.id, tuple(named.get(name) for name in stored.names), row.size)

    def wrong(self, rows: Sequence[Any]) -> dict[int, str]:
        return bad_records(rows, self.record_type)

    def kept(self, row: Row) -> Row:
        return row

    def row(self, chunk: ProcessedChunk) -> ProcessedChunk:
        values = {name: getattr(chunk, name) for name in NAMES}
        values["metadata"] = json.loads(json.dumps(values["metadata"], allow_nan=False))
        json.dumps(values, default=str, ensure_ascii=False).encode()
        if abs(values["chunk_token_count"]) >= 2**63:
            raise ValueError("too large a number")
        return ProcessedChunk(**values)

    def refused(self, bad: dict[int, str], size: int) -> Exception:
        return BadRecords(bad)

    def step(self, number: int) -> None:
        if self.opened().failing_step == number:
            raise StepFailed(f"step {number}")

    def is_known(self, draft: Tables, receipt: Receipt) -> bool:
        return receipt.batch_id in draft.receipts

    def store(self, tables: Tables, rows: Sequence[ProcessedChunk]) -> None:
        super().store(tables, rows)
        self.step(2)

    def publish(self, tables: Tables, receipt: Receipt) -> None:
        self.step(3)
        super().publish(tables, receipt)

    def wait(self, database: Database) -> None:
        while database.blocked and not self.cancelled.wait(0.01):
            pass
        if self.cancelled.is_set():
            raise Cancelled("the write was cancelled")

    def cancel(self) -> None:
        self.cancelled.set()

    def close(self) -> None:
        self.database = None

    @property
    def ledger(self) -> Ledger | None:
        return self.ledger_type(self.opened())

    def holdings(self) -> Iterator[Holding]:
        return memory.holdings(self.opened().tables)

    def sound(self, document_id: str) -> frozenset[str]:
        return memory.sound(self.opened().tables, document_id)

    def check_storage(self) -> None:
        if self.opened().is_damaged:
            raise SinkError("the files are damaged; restore them from a backup")

    def search(
        self, text: str, limit: int = 10, *, collection: str | None = None, **asked: Any
    ) -> Sequence[SearchHit]:
        if not self.record_type.is_chunk:
            owners = self.opened().tables.owners
            return [
                SearchHit(row.id, owners.get(row.document_id, ""), str(row.values[0]), "", "", 1.0)
                for row in self.opened().stored_rows()
                if any(text in str(value) for value in row.values[1:])
            ]
        hits = (self.hit(row, 1.0) for row in self.searched() if text in row.chunk_text)
        return [hit for hit in hits if collection in (None, hit.collection)][:limit]

    def searched(self) -> list[ProcessedChunk]:
        return self.opened().stored()

    def hit(self, row: ProcessedChunk, score: float) -> SearchHit:
        own = row.id, self.opened().tables.owners.get(row.document_id, ""), row.source_file
        return SearchHit(*own, row.context_header, row.chunk_text, score, line=row.line, page=row.page)


class ReferenceSink(Sink[SinkOptions]):
    name = "reference"
    schemes: ClassVar[tuple[str, ...]] = ("reference",)
    limits = SinkLimits(rows=2_000, bytes=4 * 1024 * 1024, writers=4)
    store_type: ClassVar[type[ReferenceStore]] = ReferenceStore

    @property
    def url(self) -> str:
        return self.options.url.get_secret_value()

    @property
    def there(self) -> Database:
        return DATABASES[self.url]

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> ReferenceStore:
        self.check_url()
        if not self.there.created and not create:
            raise SinkError("the target is missing; load something into it first")
        self.there.created = True
        wanted = record_type or self.there.record_type or CHUNK
        self.adapt(wanted)
        store = self.store_type(self)
        store.record_type = wanted
        return store

    def adapt(self, wanted: RecordType) -> None:
        stored = self.there.record_type or wanted
        self.there.record_type = extended(stored, added_fields(stored, wanted, "reference"))

    def check_url(self) -> None:
        parts = urlsplit(self.url)
        if parts.netloc:
            raise ConfigError("this sink knows no hosts; write reference:///NAME")
        if parts.query:
            raise ConfigError("this sink knows no parameters; write reference:///NAME")

    def exists(self) -> bool:
        self.check_url()
        return self.there.created


def sink_of(store_type: type[ReferenceStore], **values: Any) -> type[ReferenceSink]:
    """The reference sink with other stores."""
    return type(f"{store_type.__name__}Sink", (ReferenceSink,), {"store_type": store_type, **values})
