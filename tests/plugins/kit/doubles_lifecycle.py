"""Stores and sinks that hang, leak, tell secrets, or ignore options; and a minimal one, which is right."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from batchwright import Batch, ProcessedChunk, Receipt, SinkError, SinkOptions
from batchwright.contracts.records import RecordType
from batchwright.contracts.search import SearchHit
from batchwright.contracts.sink import Holding, Sink, SinkLimits, Store
from batchwright.testing.records import sample
from tests.plugins.kit.doubles_storing import AppendsRows
from tests.plugins.kit.reference import DATABASES, Broken, Database, ReferenceSink, ReferenceStore
from tests.support.model import Tables

_kept: list[Any] = []


# --- stores -------------------------------------------------------------------------------------------


class CancelsNothing(ReferenceStore):
    def cancel(self) -> None:
        pass


class StaysCancelled(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if self.cancelled.is_set():
            raise Broken("the store was cancelled")
        super().write(batch, receipt)


class CancelsWithTheLock(ReferenceStore):
    lock = threading.Lock()

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        with self.lock:
            super().write(batch, receipt)

    def cancel(self) -> None:
        with self.lock:
            super().cancel()


class LosesUpdates(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        database, copy = self.opened(), Database()
        copy.tables = database.tables.copy()
        self.database = copy
        super().write(batch, receipt)
        self.database = database
        time.sleep(0.01)
        database.tables = copy.tables


class LooksThenStores(AppendsRows):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        self.known = receipt.batch_id in self.opened().tables.receipts
        time.sleep(0.05)
        super().write(batch, receipt)

    def is_known(self, tables: Tables, receipt: Receipt) -> bool:
        return self.known

    def count(self, tables: Tables, receipt: Receipt) -> None:
        pass


class WritesWhenClosed(ReferenceStore):
    def opened(self) -> Database:
        return self.sink.there


class ClosesOnce(ReferenceStore):
    def close(self) -> None:
        if self.database is None:
            raise Broken("closed already")
        super().close()


class KeepsFilesOpen(ReferenceStore):
    def __init__(self, sink: ReferenceSink) -> None:
        super().__init__(sink)
        _kept.append(Path("/dev/null").open())  # noqa: SIM115


class LeaksAfterFailures(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        try:
            super().write(batch, receipt)
        except BaseException:
            _kept.append(Path("/dev/null").open())  # noqa: SIM115
            raise


class FailsItsProbe(ReferenceStore):
    def probe(self) -> None:
        raise Broken("not implemented")


class ProbesWithARow(ReferenceStore):
    def probe(self) -> None:
        one = sample("probe")
        self.write(Batch(one.chunks, 0), Receipt("probe", "probe", "kit", publications=(one.publication(),)))


class WantsToBeAlone(ReferenceStore):
    def __init__(self, sink: ReferenceSink) -> None:
        super().__init__(sink)
        self.opened().open_stores += 1
        if self.opened().open_stores > 1:
            raise Broken("the target is locked")

    def close(self) -> None:
        if self.database is not None:
            self.database.open_stores -= 1
        super().close()


class HoldsThePublishedOnly(ReferenceStore):
    def holdings(self) -> Iterator[Holding]:
        published = self.opened().tables.published_ids()
        return (holding for holding in super().holdings() if holding.document_id in published)


class SeesNoDamage(ReferenceStore):
    def holdings(self) -> Iterator[Holding]:
        return (replace(holding, damaged=0) for holding in super().holdings())


class CallsAllSound(ReferenceStore):
    def sound(self, document_id: str) -> frozenset[str]:
        rows = self.opened().tables.rows.values()
        return frozenset(row.id for row in rows if row.document_id == document_id)


class SpoilsWhatItChecks(ReferenceStore):
    def check_storage(self) -> None:
        self.opened().tables.rows.clear()


class ChecksNothing(ReferenceStore):
    def check_storage(self) -> None:
        pass


class FindsWithoutEnd(ReferenceStore):
    def search(
        self, text: str, limit: int = 10, *, collection: str | None = None, **asked: Any
    ) -> Sequence[SearchHit]:
        return super().search(text, 10**6, collection=collection)


class SaysNoPage(ReferenceStore):
    def hit(self, row: ProcessedChunk, score: float) -> SearchHit:
        return replace(super().hit(row, score), page=None)


class FindsTheUnpublished(ReferenceStore):
    def searched(self) -> list[ProcessedChunk]:
        return list(self.opened().tables.rows.values())


# --- sinks --------------------------------------------------------------------------------------------


class NamesSchemesInOneText(ReferenceSink):
    schemes = "reference"  # type: ignore[assignment]  # the mistake


class HasNoRoom(ReferenceSink):
    limits = SinkLimits(rows=0)


class _TolerantOptions(SinkOptions):
    model_config = ConfigDict(extra="ignore", frozen=False, hide_input_in_errors=False)

    if not TYPE_CHECKING:
        __setattr__ = BaseModel.__setattr__


class IgnoresOptions(ReferenceSink):
    options_type = _TolerantOptions


class ConnectsAtOnce(ReferenceSink):
    def __init__(self, options: SinkOptions) -> None:
        super().__init__(options)
        _kept.append(Path("/dev/null").open())  # noqa: SIM115


class CanNotTravel(ReferenceSink):
    def __init__(self, options: SinkOptions) -> None:
        super().__init__(options)
        self.lock = threading.Lock()


class OpensOnce(ReferenceSink):
    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> ReferenceStore:
        opened: ReferenceStore = vars(self).setdefault("opened", super().open(record_type, create=create))
        return opened


class NeverExists(ReferenceSink):
    def exists(self) -> bool:
        return False


class CreatesWhenAsked(ReferenceSink):
    def exists(self) -> bool:
        created, self.there.created = self.there.created, True
        return created


class CreatesAnyway(ReferenceSink):
    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> ReferenceStore:
        return super().open(record_type)


class IsNobody(ReferenceSink):
    def identity(self) -> str:
        return f"sink {id(self)}"


class ShowsItsUrl(ReferenceSink):
    def __repr__(self) -> str:
        return f"<sink {self.url}>"


class IsItsUrl(ReferenceSink):
    def identity(self) -> str:
        return self.url


class IgnoresTheHost(ReferenceSink):
    @property
    def there(self) -> Database:
        return DATABASES.setdefault(f"reference://{urlsplit(self.url).path}", Database())

    def check_url(self) -> None:
        pass


class IgnoresParameters(IgnoresTheHost):
    def check_url(self) -> None:
        if urlsplit(self.url).netloc:
            raise SinkError("this sink knows no hosts")


class TellsItsUrlWhenAsked(ReferenceSink):
    def exists(self) -> bool:
        if urlsplit(self.url).netloc:
            raise SinkError(f"can't look for {self.url}")
        return super().exists()


class TellsItsUrl(ReferenceSink):
    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> ReferenceStore:
        if self.url not in DATABASES:
            raise SinkError(f"can't open {self.url}")
        return super().open(record_type, create=create)


# --- as little as there can be ------------------------------------------------------------------------


class MinimalStore(Store):
    """Keeps the contract with as little as it asks for: rows, and which versions are visible."""

    def __init__(self, sink: Minimal) -> None:
        self._reference: ReferenceStore | None = ReferenceStore(sink)

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if self._reference is None:
            raise SinkError("the store is closed")
        rows, database = self._reference.rows(batch.documents), self._reference.opened()
        with database.lock:
            draft = database.tables.copy()
            gone = set(receipt.removed)
            self._reference.drop(draft, gone)
            known = draft.documents.items()
            draft.documents = {key: one for key, one in known if one.version.document_id not in gone}
            self._reference.store(draft, rows)
            self._reference.count(draft, receipt)
            self._reference.publish(draft, receipt)
            database.tables = draft

    def close(self) -> None:
        self._reference = None


class Minimal(ReferenceSink):
    exists = Sink.exists

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Any:
        self.check_url()
        return MinimalStore(self)
