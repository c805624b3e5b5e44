"""A sink in memory that keeps the contract to the letter, in steps that a double can break one by one."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, ClassVar
from urllib.parse import urlsplit

from batchwright import (
    BadRecords,
    Batch,
    ConfigError,
    IncompleteDocument,
    Ledger,
    ProcessedChunk,
    Receipt,
    Sink,
    SinkError,
    SinkLimits,
    SinkOptions,
)
from batchwright.contracts.sink import Holding
from tests.support.memory import MemoryLedger, Tables, record

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
        self.lock = threading.RLock()
        self.created = False
        self.blocked = False
        self.failing_step = 0
        self.open_sinks = 0

    def stored(self) -> list[ProcessedChunk]:
        """The published rows, those that are there twice twice."""
        tables = self.tables
        published = {known.version.document_id for known in tables.documents.values()}
        return [row for row in tables.rows.values() if row.document_id in published]

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


class ReferenceSink(Sink[SinkOptions]):
    name = "reference"
    schemes: ClassVar[tuple[str, ...]] = ("reference",)
    limits = SinkLimits(rows=2_000, bytes=4 * 1024 * 1024, writers=4)
    ledger_type: ClassVar[type[Any]] = MemoryLedger

    _database: Database | None = None
    _cancelled: threading.Event | None = None

    @property
    def url(self) -> str:
        return self.options.url.get_secret_value()

    @property
    def there(self) -> Database:
        return DATABASES[self.url]

    def open(self) -> None:
        self.check_url()
        self._cancelled = threading.Event()
        self._database = self.there
        self._database.created = True

    def check_url(self) -> None:
        parts = urlsplit(self.url)
        if parts.netloc:
            raise ConfigError("this sink knows no hosts; write reference:///NAME")
        if parts.query:
            raise ConfigError("this sink knows no parameters; write reference:///NAME")

    def close(self) -> None:
        self._database = None

    def opened(self) -> Database:
        if self._database is None:
            raise SinkError("the sink is not open; call open() first")
        return self._database

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        database = self.opened()
        assert self._cancelled is not None
        self._cancelled.clear()
        rows = self.rows(batch.documents)
        with database.lock:
            draft = database.tables.copy()
            self.step(1)
            if not self.is_known(draft, receipt):
                self.store(draft, rows)
                self.step(2)
                self.remove(draft, receipt)
                self.count(draft, receipt)
                self.step(3)
                self.record(draft, receipt)
            self.step(4)
            self.wait(database)
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

    def store(self, draft: Tables, rows: list[ProcessedChunk]) -> None:
        draft.rows.update({row.id: row for row in rows})

    def remove(self, draft: Tables, receipt: Receipt) -> None:
        self.drop(draft, receipt.obsolete)

    def drop(self, draft: Tables, versions: Sequence[str]) -> None:
        draft.rows = {key: row for key, row in draft.rows.items() if row.document_id not in versions}

    def count(self, draft: Tables, receipt: Receipt) -> None:
        for publication in receipt.publications:
            version = publication.version
            held = sum(row.document_id == version.document_id for row in draft.rows.values())
            if publication.stored_before and held != publication.rows:
                raise IncompleteDocument(f"{version.source_file}: {held} of {publication.rows} rows")

    def record(self, draft: Tables, receipt: Receipt) -> None:
        record(draft, receipt)

    def wait(self, database: Database) -> None:
        assert self._cancelled is not None
        while database.blocked and not self._cancelled.wait(0.01):
            pass
        if self._cancelled.is_set():
            raise Cancelled("the write was cancelled")

    def cancel(self) -> None:
        if self._cancelled is not None:
            self._cancelled.set()

    @property
    def ledger(self) -> Ledger | None:
        ledger: Ledger = self.ledger_type(self.opened())
        return ledger

    def exists(self) -> bool:
        self.check_url()
        return self.there.created

    def holdings(self) -> Iterator[Holding]:
        rows = self.opened().tables.rows.values()
        for version in sorted({row.document_id for row in rows}):
            held = [row for row in rows if row.document_id == version]
            yield Holding(version, len(held), sum(not is_sound(row) for row in held))

    def sound(self, document_id: str) -> frozenset[str]:
        rows = self.opened().tables.rows.values()
        return frozenset(row.id for row in rows if row.document_id == document_id and is_sound(row))


def is_sound(row: ProcessedChunk) -> bool:
    return hashlib.sha256(row.chunk_text.encode()).hexdigest() == row.chunk_hash
