"""Sinks that do something wrong about what is known of the source."""

from __future__ import annotations

from dataclasses import replace

from batchwright import ItemDocuments, ItemVersion, Receipt
from tests.plugins.kit.reference import ReferenceStore
from tests.support.memory import MemoryLedger
from tests.support.model import Tables


class LosesFingerprints(ReferenceStore):
    def publish(self, tables: Tables, receipt: Receipt) -> None:
        plain = tuple(replace(p, version=replace(p.version, fingerprint="")) for p in receipt.publications)
        super().publish(tables, replace(receipt, publications=plain))


class NotesTheWholeVersion(ReferenceStore):
    def note(self, tables: Tables, receipt: Receipt) -> None:
        super().note(tables, receipt)
        for version in receipt.noted:
            place = receipt.collection, version.key
            if place in tables.documents:
                tables.documents[place] = replace(tables.documents[place], version=version)


class NotesByKey(ReferenceStore):
    def note(self, tables: Tables, receipt: Receipt) -> None:
        published = {key: known.version for (_, key), known in tables.documents.items()}
        named = [one for one in receipt.noted if one.key in published]
        noted = tuple(replace(one, document_id=published[one.key].document_id) for one in named)
        super().note(tables, replace(receipt, noted=noted))


class ForgetsNoItems(ReferenceStore):
    def know(self, tables: Tables, receipt: Receipt) -> None:
        super().know(tables, replace(receipt, items_gone=()))


class _CollatingLedger(MemoryLedger):
    def items(self, collection: str, after: str = "", limit: int = 1000) -> list[ItemVersion]:
        known = sorted(super().items(collection, "", 10**6), key=lambda one: one.key.casefold())
        return [one for one in known if one.key.casefold() > after.casefold()][:limit]


class SortsItemsByCollation(ReferenceStore):
    ledger_type = _CollatingLedger


class _PiecemealLedger(MemoryLedger):
    def by_item(self, collection: str) -> list[ItemDocuments]:
        return [replace(one, documents=1) for one in super().by_item(collection)]


class CountsItemsAsDocuments(ReferenceStore):
    ledger_type = _PiecemealLedger


class ForgetsTheCursor(ReferenceStore):
    def know(self, tables: Tables, receipt: Receipt) -> None:
        super().know(tables, receipt)
        if receipt.cursor is None:
            tables.cursors.pop(receipt.collection, None)


class NotesApart(ReferenceStore):
    def begin(self, tables: Tables, receipt: Receipt) -> None:
        super().begin(tables, receipt)
        self.know(self.opened().tables, receipt)


class _KeepingLedger(MemoryLedger):
    def drop_collection(self, name: str) -> bool:
        items, cursors = dict(self.tables.items), dict(self.tables.cursors)
        dropped = super().drop_collection(name)
        self.tables.items, self.tables.cursors = items, cursors
        return dropped


class KeepsWhatItKnew(ReferenceStore):
    ledger_type = _KeepingLedger
