"""Sinks that change what they store, promise too much, or name the wrong records."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from batchwright import (
    BadRecords,
    Batch,
    BatchTooLarge,
    ProcessedChunk,
    Receipt,
)
from tests.plugins.kit.reference import ReferenceStore
from tests.support.model import Tables


class Normalises(ReferenceStore):
    def row(self, chunk: ProcessedChunk) -> ProcessedChunk:
        return replace(super().row(chunk), chunk_text=unicodedata.normalize("NFC", chunk.chunk_text))


class FoldsNames(ReferenceStore):
    def publish(self, tables: Tables, receipt: Receipt) -> None:
        for publication in receipt.publications:
            folded = publication.version.key.casefold()
            for key in [place for place in tables.documents if place[1].casefold() == folded]:
                self.drop(tables, [tables.documents.pop(key).version.document_id])
        super().publish(tables, receipt)


class MakesNoneEmpty(ReferenceStore):
    def row(self, chunk: ProcessedChunk) -> ProcessedChunk:
        return replace(super().row(chunk), source_category=chunk.source_category or "")


class DropsEmptyTexts(ReferenceStore):
    def rows(self, chunks: Sequence[ProcessedChunk]) -> list[ProcessedChunk]:
        return [row for row in super().rows(chunks) if row.chunk_text]


class Truncates(ReferenceStore):
    def row(self, chunk: ProcessedChunk) -> ProcessedChunk:
        return replace(super().row(chunk), chunk_text=chunk.chunk_text[:65_535])


class DropsNul(ReferenceStore):
    def row(self, chunk: ProcessedChunk) -> ProcessedChunk:
        return replace(super().row(chunk), chunk_text=chunk.chunk_text.replace("\0", ""))


class ReplacesSurrogates(ReferenceStore):
    def row(self, chunk: ProcessedChunk) -> ProcessedChunk:
        text = chunk.chunk_text.encode("utf-8", "replace").decode()
        return super().row(replace(chunk, chunk_text=text))


class CutsAtTheLimit(ReferenceStore):
    def store(self, tables: Tables, rows: Sequence[ProcessedChunk]) -> None:
        super().store(tables, rows[: self.sink.limits.rows])


class TakesFewerRows(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if len(batch.documents) > 1_000:
            raise BatchTooLarge("more than 1,000 rows")
        super().write(batch, receipt)


class TakesFewerBytes(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if sum(len(chunk.chunk_text) for chunk in batch.documents) > 1_000_000:
            raise BatchTooLarge("more than 1 MB")
        super().write(batch, receipt)


class NamesPositionsInBlocks(ReferenceStore):
    def refused(self, bad: dict[int, str], size: int) -> BadRecords:
        return BadRecords({position % 64: reason for position, reason in bad.items()})


class GivesNoReason(ReferenceStore):
    def refused(self, bad: dict[int, str], size: int) -> BadRecords:
        return BadRecords(dict.fromkeys(bad, " "))


class NamesTheFirstOnly(ReferenceStore):
    def refused(self, bad: dict[int, str], size: int) -> BadRecords:
        return BadRecords({min(bad): bad[min(bad)]})


class NamesAll(ReferenceStore):
    def refused(self, bad: dict[int, str], size: int) -> BadRecords:
        return BadRecords(dict.fromkeys(range(size), "one of these is bad"))


class StoresTheGood(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        try:
            super().write(batch, receipt)
        except BadRecords as error:
            good = [chunk for number, chunk in enumerate(batch.documents) if number not in error.reasons]
            super().write(Batch(good, 0), receipt)
            raise
