"""Sinks that publish halves, or remove the wrong rows."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import replace

from batchwright import Batch, DocumentVersion, KnownDocument, ProcessedChunk, Receipt
from tests.plugins.kit.reference import ReferenceSink, ReferenceStore
from tests.support.model import Place, Tables


class PublishesHalves(ReferenceStore):
    def publish(self, tables: Tables, receipt: Receipt) -> None:
        super().publish(tables, receipt)
        for version in receipt.begun:
            tables.documents[receipt.collection, version.key] = KnownDocument(version, 0, "now")


class RemovesTheOldTooEarly(ReferenceStore):
    def begin(self, tables: Tables, receipt: Receipt) -> None:
        super().begin(tables, receipt)
        for version in receipt.begun:
            if known := tables.documents.get((receipt.collection, version.key)):
                self.drop(tables, [known.version.document_id])


class KeepsSuperseded(ReferenceStore):
    def replace(self, tables: Tables, coming: dict[Place, str]) -> None:
        pass


class RemovesByPrefix(ReferenceStore):
    def drop(self, tables: Tables, versions: Collection[str]) -> None:
        names = {row.source_file for row in tables.rows.values() if row.document_id in versions}
        super().drop(tables, versions)
        others = [row for row in tables.rows.values() if row.document_id not in versions]
        gone = [row.document_id for row in others for name in names if row.source_file.startswith(f"{name}.")]
        super().drop(tables, gone)


class NeverCounts(ReferenceStore):
    def count(self, tables: Tables, receipt: Receipt) -> None:
        pass


class CountsTheBatchOnly(ReferenceStore):
    """Counts what is stored only where the batch didn't bring all."""

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        self.brought = [chunk.document_id for chunk in batch.documents]
        super().write(batch, receipt)

    def count(self, tables: Tables, receipt: Receipt) -> None:
        begun = [p for p in receipt.publications if self.brought.count(p.version.document_id) != p.rows]
        super().count(tables, replace(receipt, publications=tuple(begun)))


class CountsWhatWasBegun(ReferenceStore):
    """Counts a version only where an earlier batch began it."""

    def count(self, tables: Tables, receipt: Receipt) -> None:
        begun = tuple(p for p in receipt.publications if p.version.document_id in tables.pending)
        super().count(tables, replace(receipt, publications=begun))


class CountsRejectsAsMissing(ReferenceStore):
    def count(self, tables: Tables, receipt: Receipt) -> None:
        whole = tuple(replace(publication, rejected=0) for publication in receipt.publications)
        super().count(tables, replace(receipt, publications=whole))


class ReplacesDocuments(ReferenceStore):
    def store(self, tables: Tables, rows: Sequence[ProcessedChunk]) -> None:
        published = tables.published_ids()
        self.drop(tables, [row.document_id for row in rows if row.document_id in published])
        super().store(tables, rows)

    def count(self, tables: Tables, receipt: Receipt) -> None:
        pass


class IgnoresDeletions(ReferenceStore):
    def delete(self, tables: Tables, deleted: Sequence[tuple[Place, str]]) -> None:
        pass


class KeepsDiscarded(ReferenceStore):
    def discard(self, tables: Tables, versions: Collection[str]) -> None:
        tables.pending = {key: one for key, one in tables.pending.items() if key not in versions}


class PublishesOne(ReferenceStore):
    def publish(self, tables: Tables, receipt: Receipt) -> None:
        super().publish(tables, replace(receipt, publications=receipt.publications[:1]))


class SkipsEmptyBatches(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        if batch.documents:
            super().write(batch, receipt)


class DiscardsWhatItIsTold(ReferenceStore):
    def discard(self, tables: Tables, versions: Collection[str]) -> None:
        super().discard(tables, versions)
        self.drop(tables, versions)


class DeletesByKey(ReferenceStore):
    def delete(self, tables: Tables, deleted: Sequence[tuple[Place, str]]) -> None:
        there = [place for place, _ in deleted if place in tables.documents]
        super().delete(tables, [(one, tables.documents[one].version.document_id) for one in there])


class SweepsEverything(ReferenceStore):
    def sweep(self, tables: Tables, versions: Collection[str]) -> None:
        self.drop(tables, versions)


class ContinuesWhatIsGone(ReferenceStore):
    def check(self, tables: Tables, receipt: Receipt) -> None:
        pass


class CountsInItsProcess(ReferenceStore):
    """A patched version is whole when this very store has brought all of it."""

    def __init__(self, sink: ReferenceSink) -> None:
        super().__init__(sink)
        self.seen: set[str] = set()

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        self.seen |= {chunk.id for chunk in batch.documents}
        super().write(batch, receipt)

    def complete(self, tables: Tables, receipt: Receipt) -> None:
        mine = replace(receipt, patched=tuple(one for one in receipt.patched if self.is_mine(one)))
        super().complete(tables, mine)

    def is_mine(self, version: DocumentVersion) -> bool:
        mine = [id_ for id_ in self.seen if id_.startswith(version.document_id[:28])]
        return len(mine) >= version.records


class WaitsForRejects(ReferenceStore):
    def complete(self, tables: Tables, receipt: Receipt) -> None:
        rejects, tables.rejects = tables.rejects, {}
        super().complete(tables, receipt)
        tables.rejects = rejects


class PatchesReplaceNothing(ReferenceStore):
    def complete(self, tables: Tables, receipt: Receipt) -> None:
        rows = dict(tables.rows)
        super().complete(tables, receipt)
        tables.rows = {**rows, **tables.rows}


class KeepsWhatProgramsLeft(ReferenceStore):
    def replace(self, tables: Tables, coming: dict[Place, str]) -> None:
        rows = dict(tables.rows)
        left = {id_: one for id_, one in tables.pending.items() if one.brought_by == "program"}
        super().replace(tables, coming)
        tables.rows.update({id_: row for id_, row in rows.items() if row.document_id in left})
        tables.pending = {**left, **tables.pending}


class DecidesBeforeItLocks(ReferenceStore):
    """Looks at the tables, takes its time, and then does what was right before: three ways to lose rows."""

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        self.seen = self.opened().tables.copy()
        self.brought = [chunk.document_id for chunk in batch.documents]
        if receipt.discarded or (batch.documents and (receipt.publications or receipt.patched)):
            time.sleep(0.4)
        super().write(batch, receipt)


class DiscardsWhatWasPending(DecidesBeforeItLocks):
    def discard(self, tables: Tables, versions: Collection[str]) -> None:
        super().discard(tables, versions)
        self.drop(tables, set(versions) & self.seen.pending.keys())


class ReplacesWhatWasPublished(DecidesBeforeItLocks):
    def replace(self, tables: Tables, coming: dict[Place, str]) -> None:
        known = [self.seen.documents[key].version for key in coming if key in self.seen.documents]
        self.drop(tables, {version.document_id for version in known} - {*coming.values()})


class CompletesWhatWasStored(DecidesBeforeItLocks):
    def complete(self, tables: Tables, receipt: Receipt) -> None:
        def there(one: DocumentVersion) -> int:
            return self.seen.count(one.document_id) + self.brought.count(one.document_id)

        whole = tuple(one for one in receipt.patched if there(one) >= one.records)
        super().complete(tables, replace(receipt, patched=whole))
