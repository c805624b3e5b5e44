"""Sinks that do something wrong about versions of which no record can be stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from batchwright import DocumentVersion, KnownDocument, Receipt
from tests.plugins.kit.reference import ReferenceStore
from tests.support.memory import MemoryLedger
from tests.support.model import Place, Tables


class PublishesTheRefused(ReferenceStore):
    def refuse(self, tables: Tables, receipt: Receipt) -> None:
        for version in receipt.refused:
            place = receipt.collection, version.key
            self.replace(tables, {place: version.document_id})
            tables.documents[place] = KnownDocument(version, version.records, "now")


class KeepsRowsOfTheRefused(ReferenceStore):
    def refuse(self, tables: Tables, receipt: Receipt) -> None:
        rows = dict(tables.rows)
        super().refuse(tables, receipt)
        tables.rows = rows


class _ListlessLedger(MemoryLedger):
    def refused(
        self, collection: str, keys: Sequence[str] | None = None, *, after: str = "", limit: int = 1000
    ) -> list[DocumentVersion]:
        return super().refused(collection)[:limit]


class ListsAllRefused(ReferenceStore):
    ledger_type = _ListlessLedger


class PilesTheRefusedUp(ReferenceStore):
    def refuse(self, tables: Tables, receipt: Receipt) -> None:
        before = dict(tables.refused)
        super().refuse(tables, receipt)
        tables.refused = {**before, **tables.refused}


class RefusesForEver(ReferenceStore):
    def replace(self, tables: Tables, coming: dict[Place, str]) -> None:
        refused = dict(tables.refused)
        super().replace(tables, coming)
        tables.refused = refused


class PublishesWhatIsOutdated(ReferenceStore):
    def check(self, tables: Tables, receipt: Receipt) -> None:
        plain = tuple(replace(one, was_refused=False) for one in receipt.publications)
        super().check(tables, replace(receipt, publications=plain))


class DiscardsTheBegunOnly(ReferenceStore):
    def discard(self, tables: Tables, versions: Sequence[str]) -> None:  # type: ignore[override]
        super().discard(tables, [one for one in versions if one not in tables.refused])


class _ForgetfulLedger(MemoryLedger):
    def drop_rejects(self, ids: Sequence[str]) -> int:
        refused = dict(self.tables.refused)
        dropped = super().drop_rejects(ids)
        self.tables.refused = refused
        return dropped


class NeverTriesAgain(ReferenceStore):
    ledger_type = _ForgetfulLedger
