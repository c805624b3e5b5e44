"""The ledger of a target as commands ask it: again after a transient fault, and over a new connection."""

# ruff: noqa: D102 - `Ledger` says what each method does

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from batchwright.contracts.lease import Lease, Patience
from batchwright.contracts.ledger import Ledger
from batchwright.contracts.receipts import (
    Collection,
    DocumentVersion,
    ItemDocuments,
    ItemVersion,
    KnownDocument,
    Reject,
    RejectFilter,
    Run,
)
from batchwright.contracts.sink import AnySink
from batchwright.operations.connections import Connections

Value = TypeVar("Value")


class AskedLedger(Ledger):
    """Asks whichever ledger is open: a store that lost its connection gives way to a new one.

    Args:
        connections: The sessions of the target; their lock is held meanwhile. A target that stays out of
            reach is an error, not waited for.
        sink: Opens the stores of the relation that the ledger is of.
    """

    def __init__(self, connections: Connections, sink: AnySink) -> None:
        self._connections, self._sink = connections, sink

    def collections(self) -> list[Collection]:
        return self._ask(lambda ledger: ledger.collections())

    def enter_collection(self, collection: Collection, *, adopt: bool = False) -> Collection:
        return self._ask(lambda ledger: ledger.enter_collection(collection, adopt=adopt))

    def drop_collection(self, name: str) -> bool:
        return self._ask(lambda ledger: ledger.drop_collection(name))

    def start_run(self, run: Run) -> None:
        self._ask(lambda ledger: ledger.start_run(run))

    def finish_run(self, run: Run, token: str | None = None) -> None:
        self._ask(lambda ledger: ledger.finish_run(run, token))

    def runs(self, collection: str | None = None, *, limit: int = 20) -> list[Run]:
        return self._ask(lambda ledger: ledger.runs(collection, limit=limit))

    def committed(self, batch_id: str) -> bool:
        return self._ask(lambda ledger: ledger.committed(batch_id))

    def documents(self, collection: str, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        return self._ask(lambda ledger: ledger.documents(collection, after, limit))

    def document(self, collection: str, key: str) -> KnownDocument | None:
        return self._ask(lambda ledger: ledger.document(collection, key))

    def find(self, collection: str, keys: Sequence[str]) -> list[KnownDocument]:
        return self._ask(lambda ledger: ledger.find(collection, keys))

    def pending(self, collection: str) -> list[DocumentVersion]:
        return self._ask(lambda ledger: ledger.pending(collection))

    def refused(
        self, collection: str, keys: Sequence[str] | None = None, *, after: str = "", limit: int = 1000
    ) -> list[DocumentVersion]:
        return self._ask(lambda ledger: ledger.refused(collection, keys, after=after, limit=limit))

    def items(self, collection: str, after: str = "", limit: int = 1000) -> list[ItemVersion]:
        return self._ask(lambda ledger: ledger.items(collection, after, limit))

    def by_item(self, collection: str) -> list[ItemDocuments]:
        return self._ask(lambda ledger: ledger.by_item(collection))

    def cursor(self, collection: str) -> str | None:
        return self._ask(lambda ledger: ledger.cursor(collection))

    def rejects(
        self, wanted: RejectFilter = RejectFilter(), *, after: str = "", limit: int = 1000
    ) -> list[Reject]:
        return self._ask(lambda ledger: ledger.rejects(wanted, after=after, limit=limit))

    def reject_count(self, collection: str | None = None) -> int:
        return self._ask(lambda ledger: ledger.reject_count(collection))

    def drop_rejects(self, ids: Sequence[str]) -> int:
        return self._ask(lambda ledger: ledger.drop_rejects(ids))

    def lease(self, collection: str) -> Lease | None:
        return self._ask(lambda ledger: ledger.lease(collection))

    def swap_lease(self, collection: str, token: str | None, lease: Lease | None, patience: Patience) -> bool:
        return self._ask(lambda ledger: ledger.swap_lease(collection, token, lease, patience))

    def beat(self, collection: str, token: str) -> bool:
        return self._ask(lambda ledger: ledger.beat(collection, token))

    def drop_receipts(self) -> None:
        self._ask(lambda ledger: ledger.drop_receipts())

    def _ask(self, question: Callable[[Ledger], Value]) -> Value:
        with self._connections.lock:
            return self._connections.to(self._sink).control.ask(question, patiently=False)
