"""Sinks that don't store all or nothing, or not once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from batchwright import Batch, KnownDocument, ProcessedChunk, Receipt
from batchwright.testing.records import versions_of
from tests.plugins.kit.reference import Broken, ReferenceSink, ReferenceStore
from tests.support.model import Rules, Tables

_numbers = itertools.count()


class CommitsEarly(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        record_alone(self.opened().tables, replace(receipt, batch_id=f"early {next(_numbers)}"))
        super().write(batch, receipt)


class ForgetsToMend(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        record_alone(self.opened().tables, receipt)
        super().write(batch, receipt)


class CleansUpAfterExceptionsOnly(CommitsEarly):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        before = self.opened().tables.copy()
        try:
            super().write(batch, receipt)
        except Exception:
            self.opened().tables = before
            raise


class StoresWhatWasAnnounced(ReferenceStore):
    announced: Sequence[Any] = ()

    def announce(self, records: Sequence[Any]) -> None:
        self.announced = records

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        instead = [*self.announced][: len(batch.documents)]
        super().write(Batch(instead or batch.documents, batch.batch_index), receipt)


class SwallowsErrors(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        with suppress(Exception):
            super().write(batch, receipt)


class RecordsReceiptsApart(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        record_alone(self.opened().tables, replace(receipt, publications=()))
        super().write(batch, receipt)


class StaysBroken(ReferenceStore):
    broken = False

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if self.broken:
            raise Broken("the transaction is aborted, commands are ignored")
        try:
            super().write(batch, receipt)
        except BaseException:
            self.broken = True
            raise


class CommitsBetweenSteps(ReferenceStore):
    def store(self, tables: Tables, rows: Sequence[ProcessedChunk]) -> None:
        Rules.store(self, tables, rows)
        early = tables.copy()
        for version in versions_of(rows):
            early.documents["kit", "early"] = KnownDocument(replace(version, key="early"), 0, "now")
        self.opened().tables = early
        self.step(2)


class RemovesBeforeItStores(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        before = self.opened().tables
        draft = before.copy()
        self.remove(draft, receipt)
        self.opened().tables = draft
        try:
            super().write(batch, receipt)
        except BaseException:
            self.opened().tables = before
            raise


class AppendsRows(ReferenceStore):
    def store(self, tables: Tables, rows: Sequence[ProcessedChunk]) -> None:
        tables.rows.update({f"{row.id} {next(_numbers)}": row for row in rows})


class StoresAgain(ReferenceStore):
    def is_known(self, tables: Tables, receipt: Receipt) -> bool:
        return False


class LooksForTheReceiptLast(ReferenceStore):
    def is_known(self, tables: Tables, receipt: Receipt) -> bool:
        known = super().is_known(tables, receipt)
        if known:
            self.store(tables, self.rows(self.given))
        return known

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        self.given = batch.documents
        super().write(batch, receipt)


class StoresTwice(AppendsRows):
    def is_known(self, tables: Tables, receipt: Receipt) -> bool:
        return False


class RemembersInTheInstance(AppendsRows):
    def is_known(self, tables: Tables, receipt: Receipt) -> bool:
        seen = vars(self).setdefault("seen", set())
        known = receipt.batch_id in seen
        seen.add(receipt.batch_id)
        return known


class InsertsOrIgnores(ReferenceStore):
    def store(self, tables: Tables, rows: Sequence[ProcessedChunk]) -> None:
        for row in rows:
            tables.rows.setdefault(row.id, row)


class Buffers(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        vars(self).setdefault("waiting", []).append((batch, receipt))

    def close(self) -> None:
        for batch, receipt in vars(self).pop("waiting", []):
            super().write(batch, receipt)
        super().close()


class TruncatesOnOpen(ReferenceStore):
    def __init__(self, sink: ReferenceSink) -> None:
        super().__init__(sink)
        self.opened().tables = Tables()


class MutatesBatches(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        super().write(batch, receipt)
        if isinstance(batch.documents, list):
            batch.documents.clear()


def record_alone(tables: Tables, receipt: Receipt) -> None:
    """Carry out a receipt without its rows, and whatever is missing then."""
    rules, draft = Rules(), tables.copy()
    draft.receipts[receipt.batch_id] = receipt
    rules.begin(draft, receipt)
    rules.remove(draft, receipt)
    rules.set_aside(draft, receipt)
    rules.publish(draft, receipt)
    tables.become(draft)
