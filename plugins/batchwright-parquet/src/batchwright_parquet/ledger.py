"""The ledger, in the same manifest as the list of files."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, replace
from itertools import islice, takewhile
from typing import Any

from batchwright import (
    Collection,
    CollectionBusy,
    DocumentVersion,
    ItemVersion,
    KnownDocument,
    Lease,
    LeaseLost,
    Ledger,
    Patience,
    Receipt,
    Reject,
    RejectFilter,
    Run,
)
from batchwright_parquet.folder import Folder, FolderLocked
from batchwright_parquet.manifest import Op, place_of
from batchwright_parquet.outcome import reject_of, version_of


class ParquetLedger(Ledger):
    """A ledger on a manifest; several threads may use it, taking turns.

    Args:
        folder: Where the manifest is.
        patience: Seconds to wait for other writers.
    """

    def __init__(self, folder: Folder, patience: float) -> None:
        self._folder = folder
        self._patience = patience

    def collections(self) -> list[Collection]:
        """Return the collections, by name in code point order."""
        with self._folder.reading() as manifest:
            entries = sorted(manifest.state.tables["collections"].items())
        return [Collection(**entry) for _, entry in entries]

    def enter_collection(self, collection: Collection, *, adopt: bool = False) -> Collection:
        """Store the collection where there is none of its name; return the one that is stored."""
        with self._folder.writing(self._patience) as manifest:
            there = manifest.state.tables["collections"].get(collection.name)
            if there is None or (adopt and there["origin"] != collection.origin):
                there = asdict(collection)
                manifest.commit([("collections", collection.name, there)], [], [])
            return Collection(**there)

    def drop_collection(self, name: str) -> bool:
        """Forget a collection of which nothing is left; return whether it is gone."""
        with self._folder.writing(self._patience) as manifest:
            there = name in manifest.state.tables["collections"]
            if (
                not there
                or self.documents(name, limit=1)
                or self.pending(name)
                or self.refused(name)
                or self.rejects(RejectFilter(name), limit=1)
            ):
                return False
            items = manifest.state.tables["items"]
            ops: list[Op] = [("collections", name, None), ("cursors", name, None)]
            ops += [("items", place, None) for place, one in items.items() if one["collection"] == name]
            manifest.commit(ops, [], [])
            self._folder.leases.drop(name)
            return True

    def start_run(self, run: Run) -> None:
        """Store the run as running."""
        self._store_run(replace(run, state="running"))

    def finish_run(self, run: Run, token: str | None = None) -> None:
        """Store state, end and account of the run, as long as its lease has this token, if it has one."""
        if token is not None:
            self.check_lease(Receipt("", run.run_id, run.collection, token=token))
        self._store_run(run)

    def runs(self, collection: str | None = None, *, limit: int = 20) -> list[Run]:
        """Return the latest runs, newest first; of one collection, or of all."""
        with self._folder.reading() as manifest:
            runs = manifest.state.tables["runs"].values()
            entries = [entry for entry in runs if collection in (None, entry["collection"])]
        entries.sort(key=lambda entry: (entry["started_at"], entry["seq"]), reverse=True)
        return [
            Run(**{name: value for name, value in entry.items() if name != "seq"})
            for entry in entries[:limit]
        ]

    def committed(self, batch_id: str) -> bool:
        """Tell whether a receipt with this id is stored."""
        with self._folder.reading() as manifest:
            return batch_id in manifest.state.tables["receipts"]

    def documents(self, collection: str, after: str = "", limit: int = 1000) -> list[KnownDocument]:
        """Return a collection's published documents with a key > `after`, by key in code point order."""
        with self._folder.reading() as manifest:
            state = manifest.state
            start = bisect_right(state.places, place_of(collection, after))
            found = (state.tables["documents"][place] for place in islice(state.places, start, None))
            own = takewhile(lambda entry: entry["collection"] == collection, found)
            return [_known(entry) for entry in islice(own, max(0, limit))]

    def document(self, collection: str, key: str) -> KnownDocument | None:
        """Return the published version of a document, or None."""
        with self._folder.reading() as manifest:
            entry = manifest.state.tables["documents"].get(place_of(collection, key))
            return None if entry is None else _known(entry)

    def pending(self, collection: str) -> list[DocumentVersion]:
        """Return a collection's versions that were begun and not finished, by key."""
        return self._pending(collection, refused=False)

    def refused(
        self, collection: str, keys: Sequence[str] | None = None, *, after: str = "", limit: int = 1000
    ) -> list[DocumentVersion]:
        """Return a collection's refused versions, by key: a page of them, or those of these documents."""
        found = self._pending(collection, refused=True)
        if keys is not None:
            wanted = set(keys)
            return [version for version in found if version.key in wanted]
        return [version for version in found if version.key > after][:limit]

    def _pending(self, collection: str, *, refused: bool) -> list[DocumentVersion]:
        with self._folder.reading() as manifest:
            entries = manifest.state.tables["pending"].values()
            own = [one for one in entries if one["collection"] == collection and one["refused"] is refused]
        versions = map(version_of, own)
        return sorted(versions, key=lambda version: (version.key, version.document_id))

    def items(self, collection: str, after: str = "", limit: int = 1000) -> list[ItemVersion]:
        """Return what is known of a collection's items with a key > `after`, by key in code point order."""
        with self._folder.reading() as manifest:
            entries = manifest.state.tables["items"].values()
            own = [one for one in entries if one["collection"] == collection and one["key"] > after]
        own.sort(key=lambda entry: str(entry["key"]))
        return [
            ItemVersion(one["key"], one["fingerprint"], one["settings"], one["rows"])
            for one in own[: max(0, limit)]
        ]

    def cursor(self, collection: str) -> str | None:
        """Return the cursor that is kept for a collection, or None."""
        with self._folder.reading() as manifest:
            cursor: str | None = manifest.state.tables["cursors"].get(collection)
            return cursor

    def rejects(
        self, wanted: RejectFilter = RejectFilter(), *, after: str = "", limit: int = 1000
    ) -> list[Reject]:
        """Return rejects with id > `after`, by id."""
        key, ids = wanted.key, wanted.ids
        with self._folder.reading() as manifest:
            table = manifest.state.tables["rejects"]
            there = table.keys() if key is None else manifest.state.rejects_by["key"].get(key, set())
            found = sorted(there if ids is None else set(ids) & there)
            entries = [table[identity] for identity in found[bisect_right(found, after) :]]
        return list(islice(filter(wanted.matches, map(reject_of, entries)), max(0, limit)))

    def drop_rejects(self, ids: Sequence[str]) -> int:
        """Forget the rejects; return how many there were."""
        with self._folder.writing(self._patience) as manifest:
            rejects = manifest.state.tables["rejects"]
            there = sorted(set(ids) & rejects.keys())
            if there:
                ops: list[Op] = [("rejects", identity, None) for identity in there]
                for version in {rejects[identity]["document_id"] for identity in there} - {None}:
                    entry = manifest.state.tables["pending"].get(version)
                    left = manifest.state.rejects_by["document_id"][version] - set(there)
                    if entry is not None and entry["refused"] and not left:
                        ops.append(("pending", version, None))
                manifest.commit(ops, [], [])
            return len(there)

    def lease(self, collection: str) -> Lease | None:
        """Return the lease of a collection, None where nobody has it."""
        return self._folder.leases.held(collection)

    def swap_lease(self, collection: str, token: str | None, lease: Lease | None, patience: Patience) -> bool:
        """Put a lease, or none, in the place of the one with this token; tell whether it was still there.

        Whoever writes has the folder's lock, and nobody can take it away. A takeover doesn't wait for long:
        what it waits for may be stopped for good.

        Raises:
            CollectionBusy: Another process is in the middle of a write.
        """
        leases = self._folder.leases
        wait = max(patience.writing, self._patience) if patience.ending is None else patience.writing
        try:
            with self._folder.writing(wait):
                held = leases.held(collection)
                if (held.token if held else None) != token:
                    return False
                if held or lease:
                    leases.put(collection, lease)
                return True
        except FolderLocked as error:
            held = leases.held(collection)
            raise CollectionBusy(
                collection,
                run_id=held.run_id if held else "",
                held_by=error.holder or (str(held.owner) if held else ""),
                since=held.since if held else "",
                message=str(error),
            ) from error

    def beat(self, collection: str, token: str) -> bool:
        """Note a heartbeat; tell whether the lease still has this token."""
        return self._folder.leases.beat(collection, token)

    def check_lease(self, receipt: Receipt) -> None:
        """Refuse a write that the lease of its collection doesn't allow.

        Raises:
            LeaseLost: It is another run's by now.
            CollectionBusy: A program writes, and a run has the collection.
        """
        name, leases = receipt.collection, self._folder.leases
        held = leases.held(name)
        if (held.token if held else None) == receipt.token:
            return
        if receipt.token is not None:
            last = leases.last_run(name)
            raise LeaseLost(name, replaced_by="" if last == receipt.run_id else last)
        if held is not None:
            raise CollectionBusy(name, run_id=held.run_id, held_by=str(held.owner), since=held.since)

    def drop_receipts(self) -> None:
        """Forget the receipts of runs that have no lease any more."""
        with self._folder.writing(self._patience) as manifest:
            live = set(self._folder.leases.runs())
            tables = manifest.state.tables
            over = tables["runs"].keys() - live
            gone = [batch_id for batch_id, (run_id, *_) in tables["receipts"].items() if run_id in over]
            if gone:
                manifest.commit([("receipts", batch_id, None) for batch_id in gone], [], [])

    def _store_run(self, run: Run) -> None:
        with self._folder.writing(self._patience) as manifest:
            known = manifest.state.tables["runs"].get(run.run_id, {"seq": manifest.seq})
            entry: dict[str, Any] = {
                "run_id": run.run_id,
                "started_at": run.started_at,
                "collection": run.collection,
                "source": run.source,
                "state": run.state,
                "finished_at": run.finished_at,
                "account": dict(run.account),
                "seq": known["seq"],
            }
            manifest.commit([("runs", run.run_id, entry)], [], [])


def _known(entry: dict[str, Any]) -> KnownDocument:
    return KnownDocument(version_of(entry), entry["rejected"], entry["published_at"])
