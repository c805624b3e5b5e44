"""Sinks whose ledger forgets, miscounts or ignores what it is told."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from batchwright import (
    KnownDocument,
    Receipt,
    Reject,
    Run,
)
from tests.plugins.kit.reference import ReferenceSink
from tests.support.memory import MemoryLedger, Tables

_numbers = itertools.count()


class _ForgetfulLedger(MemoryLedger):
    def committed(self, batch_id: str) -> bool:
        return False


class ForgetsReceipts(ReferenceSink):
    ledger_type = _ForgetfulLedger


class ReplaysReceipts(ReferenceSink):
    def is_known(self, draft: Tables, receipt: Receipt) -> bool:
        draft.receipts.pop(receipt.batch_id, None)
        return False


class RecordsEmptyReceipts(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, receipt)
        draft.receipts[receipt.batch_id] = receipt


class _CollatingLedger(MemoryLedger):
    def documents(self, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        known = sorted(super().documents("", 10**6), key=lambda one: one.version.source_file.casefold())
        return [one for one in known if one.version.source_file.casefold() > after.casefold()][:limit]


class SortsByCollation(ReferenceSink):
    ledger_type = _CollatingLedger


class ForgetsRejected(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        publications = tuple(replace(publication, rejected=0) for publication in receipt.publications)
        super().record(draft, replace(receipt, publications=publications))


class StaysPending(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        pending = dict(draft.pending)
        super().record(draft, receipt)
        draft.pending = {**pending, **draft.pending}


class KeepsEntriesOfTheDeleted(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, replace(receipt, deleted=()))


class _UnaccountableLedger(MemoryLedger):
    def finish_run(self, run: Run) -> None:
        super().finish_run(replace(run, account={}))


class LosesAccounts(ReferenceSink):
    ledger_type = _UnaccountableLedger


class LosesPayloads(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        rejects = tuple(replace(one, payload=None) for one in receipt.rejects)
        super().record(draft, replace(receipt, rejects=rejects))


class PilesRejectsUp(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, replace(receipt, rejects=()))
        draft.rejects.update({f"{one.id} {next(_numbers)}": one for one in receipt.rejects})


class _UnfilteredLedger(MemoryLedger):
    def rejects(self, **query: Any) -> list[Reject]:
        return super().rejects(**{**query, "error": None})


class IgnoresFilters(ReferenceSink):
    ledger_type = _UnfilteredLedger


class _OffByOneLedger(MemoryLedger):
    def rejects(self, *, after: str = "", limit: int = 1000, **query: Any) -> list[Reject]:
        return [one for one in super().rejects(limit=10**6, **query) if one.id >= after][:limit]


class PagesOffByOne(ReferenceSink):
    ledger_type = _OffByOneLedger


class _MiscountingLedger(MemoryLedger):
    def drop_rejects(self, ids: Sequence[str]) -> int:
        super().drop_rejects(ids)
        return len(ids)


class Miscounts(ReferenceSink):
    ledger_type = _MiscountingLedger


class IgnoresResolved(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        super().record(draft, replace(receipt, resolved=()))


class KeepsRejectsOfTheDiscarded(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        rejects = {key: one for key, one in draft.rejects.items() if one.document_id in receipt.discarded}
        super().record(draft, receipt)
        draft.rejects |= rejects


class KeepsStaleRejects(ReferenceSink):
    def record(self, draft: Tables, receipt: Receipt) -> None:
        rejects = dict(draft.rejects)
        super().record(draft, receipt)
        draft.rejects = {**rejects, **draft.rejects}
