"""Sinks that don't store all or nothing, or not once."""

from __future__ import annotations

import itertools
from contextlib import suppress
from dataclasses import replace
from typing import Any

from batchwright import (
    Batch,
    KnownDocument,
    ProcessedChunk,
    Receipt,
)
from batchwright.testing.records import sample
from tests.plugins.kit.reference import Broken, ReferenceSink
from tests.support.memory import Tables
from tests.support.memory import record as record_in

_numbers = itertools.count()


class CommitsEarly(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        record_in(self.opened().tables, replace(receipt, batch_id=f"early {next(_numbers)}"))
        super().write(batch, receipt)


class ForgetsToMend(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        record_in(self.opened().tables, receipt)
        super().write(batch, receipt)


class CleansUpAfterExceptionsOnly(CommitsEarly):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        before = self.opened().tables.copy()
        try:
            super().write(batch, receipt)
        except Exception:
            self.opened().tables = before
            raise


class SwallowsErrors(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        with suppress(Exception):
            super().write(batch, receipt)


class RecordsReceiptsApart(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        record_in(self.opened().tables, replace(receipt, publications=()))
        super().write(batch, receipt)


class StaysBroken(ReferenceSink):
    broken = False

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if self.broken:
            raise Broken("the transaction is aborted, commands are ignored")
        try:
            super().write(batch, receipt)
        except BaseException:
            self.broken = True
            raise


class CommitsBetweenSteps(ReferenceSink):
    def store(self, draft: Tables, rows: list[ProcessedChunk]) -> None:
        super().store(draft, rows)
        for row in rows:
            draft.documents["early"] = KnownDocument(replace(_version(row), source_file="early"), 0, "now")
        self.opened().tables = draft.copy()


class RemovesBeforeItStores(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        before = self.opened().tables
        draft = before.copy()
        self.drop(draft, receipt.obsolete)
        self.opened().tables = draft
        try:
            super().write(batch, receipt)
        except BaseException:
            self.opened().tables = before
            raise


class AppendsRows(ReferenceSink):
    def store(self, draft: Tables, rows: list[ProcessedChunk]) -> None:
        draft.rows.update({f"{row.id} {next(_numbers)}": row for row in rows})


class StoresAgain(ReferenceSink):
    def is_known(self, draft: Tables, receipt: Receipt) -> bool:
        return False


class StoresTwice(AppendsRows):
    def is_known(self, draft: Tables, receipt: Receipt) -> bool:
        return False


class RemembersInTheInstance(AppendsRows):
    def is_known(self, draft: Tables, receipt: Receipt) -> bool:
        seen = vars(self).setdefault("seen", set())
        known = receipt.batch_id in seen
        seen.add(receipt.batch_id)
        return known


class InsertsOrIgnores(ReferenceSink):
    def store(self, draft: Tables, rows: list[ProcessedChunk]) -> None:
        for row in rows:
            draft.rows.setdefault(row.id, row)


class Buffers(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        vars(self).setdefault("waiting", []).append((batch, receipt))

    def close(self) -> None:
        for batch, receipt in vars(self).pop("waiting", []):
            super().write(batch, receipt)
        super().close()


class TruncatesOnOpen(ReferenceSink):
    def open(self) -> None:
        super().open()
        self.opened().tables = Tables()


class MutatesBatches(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        super().write(batch, receipt)
        if isinstance(batch.documents, list):
            batch.documents.clear()


def _version(row: ProcessedChunk) -> Any:
    return replace(sample(row.source_file).version, document_id=row.document_id)
