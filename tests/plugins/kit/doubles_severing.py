"""Stores and sinks that take a lost connection badly, print, or end the process."""

from __future__ import annotations

import sys
from typing import ClassVar

from batchwright import Batch, ProcessedChunk, Receipt
from batchwright.contracts.records import RecordType
from tests.plugins.kit.reference import Broken, Database, ReferenceSink, ReferenceStore


class CallsItSomethingElse(ReferenceStore):
    """Lets out what its driver raises, which is no ConnectionError."""

    def connected(self) -> Database:
        try:
            return super().connected()
        except ConnectionError:
            raise Broken("server closed the connection unexpectedly") from None


class CommitsBeforeItNotices(ReferenceStore):
    """Stores the rows, and publishes them, in two transactions; between them the connection is gone."""

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        half = len(batch.documents) // 2
        if half > 2:
            for part in (batch.documents[:half], batch.documents[half:]):
                self.database = self.opened()
                rows = self.rows(part)
                self.opened().tables.rows.update({f"{row.id}": row for row in rows})
            raise Broken("the connection is gone, and half is stored")
        super().write(batch, receipt)


class KeepsItsStore(ReferenceSink):
    """Opens one connection, and gives that to everybody; it dies with it."""

    kept: ClassVar[dict[str, ReferenceStore]] = {}

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> ReferenceStore:
        if self.url not in self.kept:
            self.kept[self.url] = super().open(record_type, create=create)
        self.kept[self.url].database = self.there
        return self.kept[self.url]


class ProbesNothing(ReferenceStore):
    def probe(self) -> None:
        pass


class PrintsProgress(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        print(f"writing {len(batch.documents)} records")
        super().write(batch, receipt)


class ExitsWithoutItsLibrary(ReferenceSink):
    def check_url(self) -> None:
        if "@" in self.url:
            sys.exit("please install the vendor's library")
        super().check_url()


SEVERING: dict[str, type[ReferenceSink] | type[ReferenceStore]] = {
    "a_lost_connection_is_a_connection_error": CallsItSomethingElse,
    "a_connection_lost_in_a_write_stores_nothing_or_all": CommitsBeforeItNotices,
    "a_sink_outlives_its_connections": KeepsItsStore,
    "a_probe_of_a_lost_connection_raises": ProbesNothing,
    "nothing_is_written_to_stdout": PrintsProgress,
    "what_it_raises_is_an_exception": ExitsWithoutItsLibrary,
}
