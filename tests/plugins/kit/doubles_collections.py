"""Sinks that mix collections up, and one that cuts keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batchwright import Collection as Named
from batchwright import KnownDocument, Receipt, SearchHit
from tests.plugins.kit.reference import ReferenceStore
from tests.support.memory import MemoryLedger
from tests.support.model import Place, Tables


class ReplacesByKey(ReferenceStore):
    def publish(self, tables: Tables, receipt: Receipt) -> None:
        keys = {publication.version.key for publication in receipt.publications}
        same = [place for place in tables.documents if place[1] in keys and place[0] != receipt.collection]
        self.drop(tables, [tables.documents.pop(place).version.document_id for place in same])
        super().publish(tables, receipt)


class DeletesByVersion(ReferenceStore):
    def delete(self, tables: Tables, deleted: Sequence[tuple[Place, str]]) -> None:
        places = {known.version.document_id: place for place, known in tables.documents.items()}
        super().delete(tables, [(places.get(id_, place), id_) for place, id_ in deleted])


class DiscardsForeign(ReferenceStore):
    def remove(self, tables: Tables, receipt: Receipt) -> None:
        super().remove(tables, receipt)
        self.discard(tables, receipt.discarded)


class TakesProgramsOfAllAlong(ReferenceStore):
    def replace(self, tables: Tables, coming: dict[Place, str]) -> None:
        super().replace(tables, coming)
        keys = {key for _, key in coming}
        left = [
            id_
            for id_, version in tables.pending.items()
            if version.brought_by == "program" and version.key in keys and id_ not in coming.values()
        ]
        self.drop(tables, left)


class OutdatesByKey(ReferenceStore):
    def outdate(self, tables: Tables, coming: dict[Place, str]) -> None:
        super().outdate(tables, coming)
        keys = {key: document_id for (_, key), document_id in coming.items()}
        self.forget(
            tables, lambda one: one.key in keys and one.document_id not in (keys[one.key], *tables.pending)
        )


class _OverwritingLedger(MemoryLedger):
    def enter_collection(self, collection: Named, *, adopt: bool = False) -> Named:
        return super().enter_collection(collection, adopt=True)


class OverwritesOrigins(ReferenceStore):
    ledger_type = _OverwritingLedger


class _CuttingLedger(MemoryLedger):
    def documents(self, collection: str, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        known = super().documents(collection, "", 10**6)
        return [one for one in known if one.version.key[:512] > after[:512]][:limit]


class PagesByTheBeginning(ReferenceStore):
    ledger_type = _CuttingLedger


class SearchesEverywhere(ReferenceStore):
    def search(
        self, text: str, limit: int = 10, *, collection: str | None = None, **asked: Any
    ) -> Sequence[SearchHit]:
        return super().search(text, limit)
