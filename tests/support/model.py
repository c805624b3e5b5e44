"""The model: what a receipt does to a ledger and its rows, in plain Python over dictionaries.

Databases do the same in SQL (`batchwright.sinkkit.sql_ledger.steps`); tests compare the two.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Collection as Some
from dataclasses import dataclass, field, replace
from typing import TypeVar

from batchwright.contracts.receipts import (
    Collection,
    DocumentVersion,
    ItemVersion,
    KnownDocument,
    Receipt,
    Reject,
    Run,
)
from batchwright.errors import IncompleteDocument
from batchwright.model import ProcessedChunk
from tests.support.memory_leases import Leases

Key = TypeVar("Key")
Value = TypeVar("Value")

Place = tuple[str, str]
"""A document's identity: its collection, and its key."""


@dataclass
class Tables:
    """What a store holds.

    Attributes:
        rows: By id.
        documents: The published version of each document.
        pending: Versions that were begun, by document_id.
        refused: Versions of which no record could be stored, by document_id.
        owners: The collection of each version that was ever begun or published.
        collections: By name.
        receipts: By batch_id.
        rejects: By id.
        items: What is known of each item, by collection and key.
        cursors: By collection.
        runs: By run_id.
        leases: Shared with copies.
    """

    rows: dict[str, ProcessedChunk] = field(default_factory=dict)
    documents: dict[Place, KnownDocument] = field(default_factory=dict)
    pending: dict[str, DocumentVersion] = field(default_factory=dict)
    refused: dict[str, DocumentVersion] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    collections: dict[str, Collection] = field(default_factory=dict)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    rejects: dict[str, Reject] = field(default_factory=dict)
    items: dict[Place, ItemVersion] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    leases: Leases = field(default_factory=Leases)

    def copy(self) -> Tables:
        names = self.__dataclass_fields__.keys() - {"leases"}
        return Tables(**{name: dict(getattr(self, name)) for name in names}, leases=self.leases)

    def become(self, other: Tables) -> None:
        vars(self).update(vars(other))

    @property
    def known(self) -> dict[str, KnownDocument]:
        """The published versions by key, for a test with one collection."""
        return {key: known for (_, key), known in self.documents.items()}

    def published(self) -> dict[str, list[ProcessedChunk]]:
        """The published rows by document, in order."""
        ids = self.published_ids()
        found: dict[str, list[ProcessedChunk]] = {key: [] for key in self.known}
        for row in sorted(self.rows.values(), key=lambda row: row.id):
            if row.document_id in ids:
                found[row.source_file].append(row)
        return found

    def published_ids(self) -> set[str]:
        return {known.version.document_id for known in self.documents.values()}

    def count(self, document_id: str) -> int:
        """How many rows of a version are stored."""
        return sum(row.document_id == document_id for row in self.rows.values())


class Rules:
    """What a receipt does, step by step, each in place; a broken double overrides a step."""

    def carry_out(self, tables: Tables, receipt: Receipt, rows: Sequence[ProcessedChunk]) -> None:
        """Do all of it; after an exception the tables are in between."""
        self.guard(tables, receipt)
        tables.receipts[receipt.batch_id] = receipt
        if receipt.collection:
            tables.collections.setdefault(receipt.collection, Collection(receipt.collection))
        self.begin(tables, receipt)
        self.check(tables, receipt)
        self.remove(tables, receipt)
        self.store(tables, rows)
        self.refuse(tables, receipt)
        self.set_aside(tables, receipt)
        self.count(tables, receipt)
        self.publish(tables, receipt)
        self.complete(tables, receipt)
        self.note(tables, receipt)
        self.know(tables, receipt)

    def guard(self, tables: Tables, receipt: Receipt) -> None:
        """Refuse what the collection's lease doesn't allow."""
        tables.leases.check(receipt)

    def begin(self, tables: Tables, receipt: Receipt) -> None:
        """Make versions pending, unless they are pending or published already."""
        published = tables.published_ids()
        coming = (*(p.version for p in receipt.publications), *receipt.refused)
        for version in (*receipt.begun, *receipt.patched, *coming):
            tables.owners.setdefault(version.document_id, receipt.collection)
        for version in (*receipt.begun, *receipt.patched):
            if version.document_id not in published | tables.refused.keys():
                tables.pending.setdefault(version.document_id, version)

    def check(self, tables: Tables, receipt: Receipt) -> None:
        """Refuse to continue what was discarded, or to store after all what isn't refused any more."""
        there = tables.pending.keys() | tables.refused.keys()
        for lost in set(receipt.continued) - there - tables.published_ids():
            raise IncompleteDocument(f"{lost} was discarded")
        for publication in receipt.publications:
            if publication.was_refused and publication.version.document_id not in tables.refused:
                raise IncompleteDocument(f"{publication.version.key} has another version by now")

    def remove(self, tables: Tables, receipt: Receipt) -> None:
        """Remove what the receipt replaces, discards, deletes and sweeps."""
        name = receipt.collection
        self.replace(tables, {(name, p.version.key): p.version.document_id for p in receipt.publications})
        self.discard(tables, [one for one in receipt.discarded if tables.owners.get(one) == name])
        self.delete(tables, [((name, key), document_id) for key, document_id in receipt.deleted])
        self.sweep(tables, receipt.orphaned)

    def replace(self, tables: Tables, coming: dict[Place, str]) -> None:
        """Remove what else is there of documents that become visible: published, or begun by programs."""
        published = {place: known.version.document_id for place, known in tables.documents.items()}
        left = [version for version in tables.pending.values() if version.brought_by == "program"]
        begun = {
            version.document_id
            for version in (*left, *tables.refused.values())
            if (tables.owners[version.document_id], version.key) in coming
        }
        gone = ({published[place] for place in coming.keys() & published} | begun) - {*coming.values()}
        self.drop(tables, gone)
        tables.pending = without(tables.pending, begun & gone)
        tables.refused = without(tables.refused, begun)
        self.outdate(tables, coming)

    def outdate(self, tables: Tables, coming: dict[Place, str]) -> None:
        """Forget the rejects of other versions of documents, unless these are pending or refused."""
        staying = tables.pending.keys() | tables.refused.keys()
        self.forget(
            tables,
            lambda reject: (
                (reject.collection, reject.key) in coming
                and reject.document_id != coming[reject.collection, reject.key]
                and reject.document_id not in staying
            ),
        )

    def refuse(self, tables: Tables, receipt: Receipt) -> None:
        """Remember what is refused, in place of what was refused before; none of its rows stays."""
        for version in receipt.refused:
            own, place = version.document_id, (receipt.collection, version.key)
            owners, others = tables.owners, tables.refused.values()
            before = {one.document_id for one in others if (owners[one.document_id], one.key) == place}
            begun = own in tables.pending or own in before
            tables.refused = without(tables.refused, before - {own})
            staying = {own, *tables.pending, *tables.refused, *tables.published_ids()}
            self.forget(
                tables,
                lambda reject: (
                    (reject.collection, reject.key) == place  # noqa: B023 - at once
                    and reject.document_id not in staying  # noqa: B023
                ),
            )
            if own not in tables.published_ids():
                self.drop(tables, [own] if begun else [])
                tables.pending.pop(own, None)
                tables.refused[own] = version

    def discard(self, tables: Tables, versions: Some[str]) -> None:
        """Forget versions that are pending; remove their rows unless they are published."""
        there = tables.pending.keys() | tables.refused.keys()
        unfinished = (set(versions) & there) - tables.published_ids()
        self.drop(tables, unfinished)
        self.forget(tables, lambda reject: reject.document_id in unfinished)
        tables.pending = without(tables.pending, versions)
        tables.refused = without(tables.refused, versions)

    def delete(self, tables: Tables, deleted: Sequence[tuple[Place, str]]) -> None:
        """Remove documents, each unless another version of it is published by now."""
        for place, document_id in deleted:
            known = tables.documents.get(place)
            if known is None or known.version.document_id != document_id:
                continue
            self.drop(tables, [document_id])
            gone = (*place, None), (*place, document_id)
            self.forget(
                tables,
                lambda reject: (reject.collection, reject.key, reject.document_id) in gone,  # noqa: B023 - at once
            )
            del tables.documents[place]

    def sweep(self, tables: Tables, versions: Some[str]) -> None:
        """Remove rows and rejects of versions that are neither pending, refused nor published."""
        unknown = set(versions) - tables.pending.keys() - tables.refused.keys() - tables.published_ids()
        self.drop(tables, unknown)
        self.forget(tables, lambda reject: reject.document_id in unknown)

    def drop(self, tables: Tables, versions: Some[str]) -> None:
        """Remove the rows of versions."""
        gone = set(versions)
        if gone:
            tables.rows = {id_: row for id_, row in tables.rows.items() if row.document_id not in gone}

    def forget(self, tables: Tables, which: Callable[[Reject], bool]) -> None:
        """Remove rejects."""
        tables.rejects = {id_: reject for id_, reject in tables.rejects.items() if not which(reject)}

    def store(self, tables: Tables, rows: Sequence[ProcessedChunk]) -> None:
        """Store the rows, in place of those with the same id."""
        tables.rows.update({row.id: row for row in rows})

    def set_aside(self, tables: Tables, receipt: Receipt) -> None:
        """Forget the rejects that are resolved, and keep the new ones."""
        tables.rejects = without(tables.rejects, receipt.resolved)
        tables.rejects.update({reject.id: reject for reject in receipt.rejects})

    def count(self, tables: Tables, receipt: Receipt) -> None:
        """Refuse to publish what lacks rows, or has some too many."""
        for publication in receipt.publications:
            version = publication.version
            found = tables.count(version.document_id)
            if found != publication.rows:
                raise IncompleteDocument(f"{version.key}: {found} of {publication.rows} rows")

    def publish(self, tables: Tables, receipt: Receipt) -> None:
        """Make the publications visible."""
        for publication in receipt.publications:
            version = publication.version
            place = receipt.collection, version.key
            tables.documents[place] = KnownDocument(version, publication.rejected, "now")
            tables.pending.pop(version.document_id, None)

    def complete(self, tables: Tables, receipt: Receipt) -> None:
        """Make those versions visible that a program has brought all the rows of, or they are set aside."""
        for version in receipt.patched:
            rows = tables.count(version.document_id)
            rejects = sum(reject.document_id == version.document_id for reject in tables.rejects.values())
            place = receipt.collection, version.key
            coming = {place: version.document_id}
            if version.document_id in tables.published_ids():
                self.outdate(tables, coming)
            elif rows and rows + rejects >= version.records:
                self.replace(tables, coming)
                tables.pending.pop(version.document_id)
            if rows and rows + rejects >= version.records:
                tables.documents[place] = KnownDocument(version, version.records - rows, "now")

    def note(self, tables: Tables, receipt: Receipt) -> None:
        """Keep fingerprint and item of versions that are published, as the receipt has them."""
        for version in receipt.noted:
            place = receipt.collection, version.key
            known = tables.documents.get(place)
            if known is not None and known.version.document_id == version.document_id:
                new = replace(known.version, fingerprint=version.fingerprint, item=version.item)
                tables.documents[place] = replace(known, version=new)

    def know(self, tables: Tables, receipt: Receipt) -> None:
        """Forget items, keep others, and the cursor."""
        name = receipt.collection
        tables.items = without(tables.items, {(name, key) for key in receipt.items_gone})
        tables.items.update({(name, item.key): item for item in receipt.items})
        if receipt.cursor is not None:
            tables.cursors[name] = receipt.cursor


def apply(tables: Tables, receipt: Receipt, rows: Sequence[ProcessedChunk]) -> None:
    """Do what a store does with a batch and its receipt; nothing where the receipt is there already.

    Raises:
        IncompleteDocument: Then nothing is changed.
    """
    tables.become(after(tables, receipt, rows))


def after(tables: Tables, receipt: Receipt, rows: Sequence[ProcessedChunk]) -> Tables:
    """The tables after a write, which leaves those before it alone; raises as `apply`."""
    draft = tables.copy()
    if receipt.batch_id not in tables.receipts:
        Rules().carry_out(draft, receipt, rows)
    return draft


def without(table: dict[Key, Value], keys: Some[Key]) -> dict[Key, Value]:
    """The table without some keys."""
    gone = set(keys)
    return {key: value for key, value in table.items() if key not in gone}
