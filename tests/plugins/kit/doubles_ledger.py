"""Sinks whose ledger forgets, miscounts or ignores what it is given."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from dataclasses import replace

from batchwright import (
    KnownDocument,
    Receipt,
    Reject,
    Run,
)
from batchwright.contracts.receipts import RejectFilter
from tests.plugins.kit.reference import ReferenceStore
from tests.support.memory import MemoryLedger
from tests.support.model import Place, Tables

_numbers = itertools.count()


class _ForgetfulLedger(MemoryLedger):
    def committed(self, batch_id: str) -> bool:
        return False


class ForgetsReceipts(ReferenceStore):
    ledger_type = _ForgetfulLedger


class ReplaysReceipts(ReferenceStore):
    def is_known(self, tables: Tables, receipt: Receipt) -> bool:
        tables.receipts.pop(receipt.batch_id, None)
        return False


class _CollatingLedger(MemoryLedger):
    def documents(self, collection: str, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        known = sorted(super().documents(collection, "", 10**6), key=lambda one: one.version.key.casefold())
        return [one for one in known if one.version.key.casefold() > after.casefold()][:limit]


class SortsByCollation(ReferenceStore):
    ledger_type = _CollatingLedger


class ForgetsRejected(ReferenceStore):
    def publish(self, tables: Tables, receipt: Receipt) -> None:
        publications = tuple(replace(publication, rejected=0) for publication in receipt.publications)
        super().publish(tables, replace(receipt, publications=publications))


class StaysPending(ReferenceStore):
    def publish(self, tables: Tables, receipt: Receipt) -> None:
        pending = dict(tables.pending)
        super().publish(tables, receipt)
        tables.pending = {**pending, **tables.pending}


class KeepsEntriesOfTheDeleted(ReferenceStore):
    def delete(self, tables: Tables, deleted: Sequence[tuple[Place, str]]) -> None:
        documents = dict(tables.documents)
        super().delete(tables, deleted)
        tables.documents = documents


class _UnaccountableLedger(MemoryLedger):
    def finish_run(self, run: Run, token: str | None = None) -> None:
        super().finish_run(replace(run, account={}), token)


class LosesAccounts(ReferenceStore):
    ledger_type = _UnaccountableLedger


class LosesPayloads(ReferenceStore):
    def set_aside(self, tables: Tables, receipt: Receipt) -> None:
        rejects = tuple(replace(one, payload=None) for one in receipt.rejects)
        super().set_aside(tables, replace(receipt, rejects=rejects))


class PilesRejectsUp(ReferenceStore):
    def set_aside(self, tables: Tables, receipt: Receipt) -> None:
        super().set_aside(tables, replace(receipt, rejects=()))
        tables.rejects.update({f"{one.id} {next(_numbers)}": one for one in receipt.rejects})


class _UnfilteredLedger(MemoryLedger):
    def rejects(
        self, wanted: RejectFilter = RejectFilter(), *, after: str = "", limit: int = 1000
    ) -> list[Reject]:
        return super().rejects(replace(wanted, error=None), after=after, limit=limit)


class IgnoresFilters(ReferenceStore):
    ledger_type = _UnfilteredLedger


class _OffByOneLedger(MemoryLedger):
    def rejects(
        self, wanted: RejectFilter = RejectFilter(), *, after: str = "", limit: int = 1000
    ) -> list[Reject]:
        found = super().rejects(wanted, limit=10**6)
        return [one for one in found if one.id >= after][:limit]


class PagesOffByOne(ReferenceStore):
    ledger_type = _OffByOneLedger


class _MiscountingLedger(MemoryLedger):
    def drop_rejects(self, ids: Sequence[str]) -> int:
        super().drop_rejects(ids)
        return len(ids)


class Miscounts(ReferenceStore):
    ledger_type = _MiscountingLedger


class IgnoresResolved(ReferenceStore):
    def set_aside(self, tables: Tables, receipt: Receipt) -> None:
        super().set_aside(tables, replace(receipt, resolved=()))


class KeepsRejectsOfTheDiscarded(ReferenceStore):
    def discard(self, tables: Tables, versions: Collection[str]) -> None:
        rejects = dict(tables.rejects)
        super().discard(tables, versions)
        tables.rejects = rejects


class KeepsStaleRejects(ReferenceStore):
    def replace(self, tables: Tables, coming: dict[Place, str]) -> None:
        rejects = dict(tables.rejects)
        super().replace(tables, coming)
        tables.rejects = rejects
