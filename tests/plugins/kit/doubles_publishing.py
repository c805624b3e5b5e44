"""Sinks that publish halves, or remove the wrong rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from batchwright import (
    Batch,
    KnownDocument,
    ProcessedChunk,
    Receipt,
)
from tests.plugins.kit.reference import ReferenceSink
from tests.support.memory import Tables


class PublishesHalves(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, receipt)
        for version in receipt.opened:
            draft.documents[version.source_file] = KnownDocument(version, 0, "now")


class RemovesTheOldTooEarly(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, receipt)
        for version in receipt.opened:
            if known := draft.documents.get(version.source_file):
                self.drop(draft, [known.version.document_id])


class KeepsSuperseded(ReferenceSink):
    def remove(self, draft: Tables, receipt: Receipt) -> None:
        self.drop(draft, [*(version for _, version in receipt.deleted), *receipt.discarded])


class RemovesByPrefix(ReferenceSink):
    def drop(self, draft: Tables, versions: Sequence[str]) -> None:
        names = {row.source_file for row in draft.rows.values() if row.document_id in versions}
        super().drop(draft, versions)
        others = [row for row in draft.rows.values() if row.document_id not in versions]
        gone = [row.document_id for row in others for name in names if row.source_file.startswith(f"{name}.")]
        super().drop(draft, gone)


class NeverCounts(ReferenceSink):
    def count(self, draft: Tables, receipt: Receipt) -> None:
        pass


class CountsRejectsAsMissing(ReferenceSink):
    def count(self, draft: Tables, receipt: Receipt) -> None:
        whole = tuple(replace(publication, rejected=0) for publication in receipt.publications)
        super().count(draft, replace(receipt, publications=whole))


class ReplacesDocuments(ReferenceSink):
    def store(self, draft: Tables, rows: list[ProcessedChunk]) -> None:
        published = {known.version.document_id for known in draft.documents.values()}
        self.drop(draft, [row.document_id for row in rows if row.document_id in published])
        super().store(draft, rows)

    def count(self, draft: Tables, receipt: Receipt) -> None:
        pass


class IgnoresDeletions(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        super().write(batch, replace(receipt, deleted=()))


class KeepsDiscarded(ReferenceSink):
    def remove(self, draft: Tables, receipt: Receipt) -> None:
        super().remove(draft, replace(receipt, discarded=()))


class PublishesOne(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, replace(receipt, publications=receipt.publications[:1]))


class SkipsEmptyBatches(ReferenceSink):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if batch.documents:
            super().write(batch, receipt)
