"""Sinks that give leases away, mix them up, or don't hold writes against them."""

from __future__ import annotations

from dataclasses import replace

from batchwright import Batch, CollectionBusy, Lease, Owner, ProcessedChunk, Receipt
from batchwright.contracts.lease import Patience
from tests.plugins.kit.reference import ReferenceSink, ReferenceStore
from tests.support.memory import MemoryLedger
from tests.support.memory_leases import Leases
from tests.support.model import Tables


class _Ledger(MemoryLedger):
    @property
    def leases(self) -> Leases:
        return self.tables.leases

    def put(self, collection: str, lease: Lease | None) -> bool:
        """Put a lease in the place of any."""
        held = self.leases.held.get(collection)
        return self.leases.swap(collection, held.token if held else None, lease)


class _GenerousLedger(_Ledger):
    def swap_lease(self, collection: str, token: str | None, lease: Lease | None, patience: Patience) -> bool:
        if token is None:
            return self.put(collection, lease)
        return self.leases.swap(collection, token, lease)


class GivesItToTheNext(ReferenceStore):
    ledger_type = _GenerousLedger


class _AnonymousLedger(MemoryLedger):
    def lease(self, collection: str) -> Lease | None:
        lease = super().lease(collection)
        return lease and replace(lease, owner=Owner(lease.owner.host, lease.owner.pid))


class ForgetsOwners(ReferenceStore):
    ledger_type = _AnonymousLedger


class TakesItAlong(ReferenceStore):
    def close(self) -> None:
        self.opened().tables.leases.held.clear()
        super().close()


class _RobbedLedger(_Ledger):
    def swap_lease(self, collection: str, token: str | None, lease: Lease | None, patience: Patience) -> bool:
        if token is not None and lease is not None:
            return self.put(collection, lease)
        return self.leases.swap(collection, token, lease)


class TakesOverWhatever(ReferenceStore):
    ledger_type = _RobbedLedger


class _DroppingLedger(_Ledger):
    def swap_lease(self, collection: str, token: str | None, lease: Lease | None, patience: Patience) -> bool:
        if lease is None:
            return self.put(collection, None)
        return self.leases.swap(collection, token, lease)


class GivesBackAnothers(ReferenceStore):
    ledger_type = _DroppingLedger


class _DeafLedger(_Ledger):
    def beat(self, collection: str, token: str) -> bool:
        held = self.leases.held.get(collection)
        return held is not None and held.token == token


class HearsNoHeartbeat(ReferenceStore):
    ledger_type = _DeafLedger


class _CredulousLedger(MemoryLedger):
    def beat(self, collection: str, token: str) -> bool:
        held = self.lease(collection)
        return held is not None and super().beat(collection, held.token)


class HearsAnybody(ReferenceStore):
    ledger_type = _CredulousLedger


class LetsNobodyWrite(ReferenceStore):
    def guard(self, tables: Tables, receipt: Receipt) -> None:
        if receipt.collection in tables.leases.held:
            raise CollectionBusy(receipt.collection)


class LooksAtNoToken(ReferenceStore):
    def guard(self, tables: Tables, receipt: Receipt) -> None:
        if receipt.token is None:
            super().guard(tables, receipt)


class LooksWhenAllIsStored(ReferenceStore):
    def guard(self, tables: Tables, receipt: Receipt) -> None:
        pass

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        super().write(batch, receipt)
        super().guard(self.opened().tables, receipt)


class LetsProgramsIn(ReferenceStore):
    def guard(self, tables: Tables, receipt: Receipt) -> None:
        if receipt.token is not None:
            super().guard(tables, receipt)


class StaysBusy(ReferenceStore):
    def guard(self, tables: Tables, receipt: Receipt) -> None:
        super().guard(tables, receipt)
        if receipt.token is None and receipt.collection in tables.leases.last:
            raise CollectionBusy(receipt.collection, run_id=tables.leases.last[receipt.collection])


class _GreedyLedger(_Ledger):
    def swap_lease(self, collection: str, token: str | None, lease: Lease | None, patience: Patience) -> bool:
        if token is None and self.leases.held:
            return False
        return self.leases.swap(collection, token, lease)


class HoldsAll(ReferenceStore):
    ledger_type = _GreedyLedger


class LooksBeforehand(ReferenceStore):
    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        super().guard(self.opened().tables, receipt)
        super().write(batch, receipt)

    def guard(self, tables: Tables, receipt: Receipt) -> None:
        pass


class _TidyLedger(MemoryLedger):
    def drop_receipts(self) -> None:
        self.tables.receipts.clear()


class DropsAllReceipts(ReferenceStore):
    ledger_type = _TidyLedger


LEASES: dict[str, type[ReferenceSink] | type[ReferenceStore]] = {
    "a_lease_is_taken_once": GivesItToTheNext,
    "a_lease_comes_back_as_it_was": ForgetsOwners,
    "a_lease_is_seen_by_another_store": TakesItAlong,
    "a_takeover_replaces_just_the_token_it_names": TakesOverWhatever,
    "a_lease_is_given_back_by_its_token_only": GivesBackAnothers,
    "a_heartbeat_is_noted": HearsNoHeartbeat,
    "a_heartbeat_is_of_the_token_only": HearsAnybody,
    "who_has_the_lease_writes": LetsNobodyWrite,
    "a_write_under_an_old_token_is_refused": LooksAtNoToken,
    "a_refused_write_leaves_nothing": LooksWhenAllIsStored,
    "a_program_is_refused_while_a_run_has_the_lease": LetsProgramsIn,
    "a_program_writes_once_the_lease_is_given_back": StaysBusy,
    "a_lease_is_of_one_collection": HoldsAll,
    "nothing_older_commits_after_a_takeover": LooksBeforehand,
    "receipts_go_with_their_run": DropsAllReceipts,
}
"""The double that each check of leases must catch."""
