"""Leases in memory."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from batchwright.contracts.lease import Lease
from batchwright.contracts.receipts import Receipt
from batchwright.errors import CollectionBusy, LeaseLost


class Leases:
    """The leases of a store, and the runs that had one last, by collection."""

    def __init__(self) -> None:
        self.held: dict[str, Lease] = {}
        self.last: dict[str, str] = {}
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, object]:
        return {"held": self.held, "last": self.last}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.held, self.last, self._lock = state["held"], state["last"], threading.Lock()

    def swap(self, collection: str, token: str | None, lease: Lease | None) -> bool:
        with self._lock:
            held = self.held.get(collection)
            if (held.token if held else None) != token:
                return False
            if lease is None:
                self.held.pop(collection, None)
            else:
                self.held[collection] = lease
                self.last[collection] = lease.run_id
            return True

    def beat(self, collection: str, token: str) -> bool:
        with self._lock:
            held = self.held.get(collection)
            if held is None or held.token != token:
                return False
            self.held[collection] = replace(held, beat=held.beat + 1)
            return True

    def check(self, receipt: Receipt) -> None:
        """Refuse a write that the collection's lease doesn't allow."""
        held = self.held.get(receipt.collection)
        if receipt.token is None and held is not None:
            raise CollectionBusy(
                receipt.collection, run_id=held.run_id, held_by=str(held.owner), since=held.since
            )
        self.check_token(receipt.collection, receipt.run_id, receipt.token)

    def check_token(self, collection: str, run_id: str, token: str | None) -> None:
        """Refuse what a run does whose lease is another's by now."""
        held = self.held.get(collection)
        if token is not None and (held is None or held.token != token):
            last = self.last.get(collection, run_id)
            raise LeaseLost(collection, replaced_by="" if last == run_id else last)
