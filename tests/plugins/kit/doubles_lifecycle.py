"""Sinks that can't be cancelled, leak, tell secrets, or ignore options; and a minimal one, which is right."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ConfigDict

from batchwright import (
    Batch,
    ProcessedChunk,
    Receipt,
    Sink,
    SinkError,
    SinkLimits,
    SinkOptions,
)
from batchwright.contracts.sink import Holding
from batchwright.testing.records import sample
from tests.plugins.kit.doubles_storing import AppendsRows
from tests.plugins.kit.reference import DATABASES, Broken, Database, ReferenceSink
from tests.support.memory import Tables

_kept: list[Any] = []


class CancelsNothing(ReferenceSink):
    def cancel(self) -> None:
        pass


class StaysCancelled(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if self._cancelled is not None and self._cancelled.is_set():
            raise Broken("the sink was cancelled")
        super().write(batch, receipt)


class CancelsWithTheLock(ReferenceSink):
    lock = threading.Lock()

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        with self.lock:
            super().write(batch, receipt)

    def cancel(self) -> None:
        with self.lock:
            super().cancel()


class LosesUpdates(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        database, copy = self.opened(), Database()
        copy.tables = database.tables.copy()
        self._database = copy
        super().write(batch, receipt)
        self._database = database
        time.sleep(0.01)
        database.tables = copy.tables


class LooksThenStores(AppendsRows):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        self.known = receipt.batch_id in self.opened().tables.receipts
        time.sleep(0.05)
        super().write(batch, receipt)

    def is_known(self, draft: Tables, receipt: Receipt) -> bool:
        return self.known


class NamesSchemesInOneText(ReferenceSink):
    schemes = "reference"  # type: ignore[assignment]  # the mistake


class HasNoRoom(ReferenceSink):
    limits = SinkLimits(rows=0)


class _TolerantOptions(SinkOptions):
    model_config = ConfigDict(extra="ignore", frozen=False, hide_input_in_errors=False)


class IgnoresOptions(ReferenceSink):
    options_type = _TolerantOptions


class ChangesOptions(ReferenceSink):
    options_type = _TolerantOptions


class TellsOptions(ReferenceSink):
    options_type = _TolerantOptions


class ConnectsAtOnce(ReferenceSink):
    def __init__(self, options: SinkOptions) -> None:
        super().__init__(options)
        _kept.append(Path("/dev/null").open())  # noqa: SIM115


class CanNotTravel(ReferenceSink):
    def __init__(self, options: SinkOptions) -> None:
        super().__init__(options)
        self.lock = threading.Lock()


class WritesWhenClosed(ReferenceSink):
    def opened(self) -> Database:
        self._cancelled = threading.Event()
        return self.there


class ClosesOnce(ReferenceSink):
    def close(self) -> None:
        if self._database is None:
            raise Broken("closed already")
        super().close()


class KeepsFilesOpen(ReferenceSink):
    def open(self) -> None:
        super().open()
        _kept.append(Path("/dev/null").open())  # noqa: SIM115


class LeaksAfterFailures(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        try:
            super().write(batch, receipt)
        except BaseException:
            _kept.append(Path("/dev/null").open())  # noqa: SIM115
            raise


class FailsItsProbe(ReferenceSink):
    def probe(self) -> None:
        raise Broken("not implemented")


class ProbesWithARow(ReferenceSink):
    def probe(self) -> None:
        one = sample("probe")
        self.write(Batch(one.chunks, 0), Receipt("probe", "probe", publications=(one.publication(),)))


class NeverExists(ReferenceSink):
    def exists(self) -> bool:
        return False


class CreatesWhenAsked(ReferenceSink):
    def exists(self) -> bool:
        created, self.there.created = self.there.created, True
        return created


class WantsToBeAlone(ReferenceSink):
    def open(self) -> None:
        super().open()
        self.opened().open_sinks += 1
        if self.opened().open_sinks > 1:
            raise Broken("the target is locked")

    def close(self) -> None:
        if self._database is not None:
            self._database.open_sinks -= 1
        super().close()


class ShowsItsUrl(ReferenceSink):
    def __repr__(self) -> str:
        return f"<sink {self.url}>"


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
    def open(self) -> None:
        if self.url not in DATABASES:
            raise SinkError(f"can't open {self.url}")
        super().open()


class HoldsThePublishedOnly(ReferenceSink):
    def holdings(self) -> Iterator[Holding]:
        published = {known.version.document_id for known in self.opened().tables.documents.values()}
        return (holding for holding in super().holdings() if holding.document_id in published)


class SeesNoDamage(ReferenceSink):
    def holdings(self) -> Iterator[Holding]:
        return (replace(holding, damaged=0) for holding in super().holdings())


class CallsAllSound(ReferenceSink):
    def sound(self, document_id: str) -> frozenset[str]:
        rows = self.opened().tables.rows.values()
        return frozenset(row.id for row in rows if row.document_id == document_id)


class Minimal(ReferenceSink):
    """Keeps the contract with as little as it asks for."""

    probe = Sink.probe
    cancel = Sink.cancel
    exists = Sink.exists
    holdings = Sink.holdings
    sound = Sink.sound

    @property
    def ledger(self) -> None:
        return None

    def refused(self, bad: dict[int, str], size: int) -> Any:
        return ValueError("some records are bad")
