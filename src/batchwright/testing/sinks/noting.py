"""Checks: what is known of the source is kept with what was read of it."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from dataclasses import replace

import pytest

from batchwright.contracts.receipts import ItemDocuments, ItemVersion
from batchwright.errors import IncompleteDocument
from batchwright.testing.records import COLLECTION, Sample, receipt, reject, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks

_OTHER = "another collection"
_CURSOR = "2026-01-31T12:00:00.000001+00:00"


class NotingChecks(SinkChecks):
    """Fingerprints, items and the cursor tell the next run what it need not read again."""

    def test_a_version_is_kept_with_its_fingerprint_and_item(self, rig: Rig) -> None:
        """Fails: `DocumentVersion.fingerprint` or `item` is lost, of what is published, begun or refused."""
        store = rig.open()
        published, begun, refused = (_fetched(key) for key in ("a.md", "b.md", "c.md"))
        rig.publish(store, published)
        rig.write(store, begun.chunks[:1], begun=(begun.version,))
        rig.write(store, [], refused=(refused.version,), rejects=tuple(map(reject, refused.chunks)))
        ledger = rig.ledger(store)
        assert [known.version for known in ledger.documents(COLLECTION)] == [published.version]
        assert ledger.pending(COLLECTION) == [begun.version]
        assert ledger.refused(COLLECTION) == [refused.version]
        rig.write(store, begun.chunks[1:], publications=(begun.publication(),))
        known = ledger.document(COLLECTION, "b.md")
        assert known is not None
        assert known.version == begun.version, "lost when a version that was begun was published"

    def test_noting_changes_fingerprint_and_item_alone(self, rig: Rig) -> None:
        """Fails: more of a version changes than what `Receipt.noted` is for, or its rows do."""
        store, one, other = rig.open(), _fetched("a.md"), _fetched("b.md")
        kept = one.publication(rejected=1)
        rejects = (reject(one.chunks[2]),)
        rig.write(store, one.chunks[:2], publications=(kept,), rejects=rejects)
        rig.publish(store, other)
        ledger = rig.ledger(store)
        before = ledger.document(COLLECTION, "a.md")
        assert before is not None
        new = replace(one.version, fingerprint="etag 2", item="moved.csv")
        rig.write(store, [], noted=(replace(new, settings="others", size=7, records=9),))
        assert ledger.document(COLLECTION, "a.md") == replace(before, version=new)
        known = ledger.document(COLLECTION, "b.md")
        assert known is not None
        assert known.version == other.version, "another document was noted as well"
        assert ledger.rejects() == [*rejects]
        rig.expect([*one.chunks[:2], *other.chunks], "after a fingerprint was noted")

    def test_what_is_not_published_is_not_noted(self, rig: Rig) -> None:
        """Fails: a version that another one replaced, or that never was there, is noted by its key."""
        store, old, new = rig.open(), _fetched("a.md"), _fetched("a.md", content="2")
        foreign = sample("a.md", collection=_OTHER)
        rig.publish(store, old)
        rig.publish(store, new)
        noted = (old, _fetched("never.md"), foreign)
        rig.write(store, [], noted=tuple(replace(one.version, fingerprint="late") for one in noted))
        ledger = rig.ledger(store)
        assert [known.version for known in ledger.documents(COLLECTION)] == [new.version]
        assert ledger.pending(COLLECTION) == []
        rig.expect(new.chunks, "after a version was noted that is not published any more")

    def test_items_are_kept_until_they_are_gone(self, rig: Rig) -> None:
        """Fails: an item is kept twice, or in place of another, or stays though it is gone."""
        store = rig.open()
        ledger = rig.ledger(store)
        first, second = (ItemVersion(key, "etag 1", "csv1 id:text", 3) for key in ("a.csv", "b.csv"))
        rig.write(store, [], items=(first, second))
        rig.write(store, [], items=(first,), collection=_OTHER)
        changed = ItemVersion("a.csv", "etag 2", "csv1 id:integer", 10**10)
        rig.write(store, [], items=(changed,))
        assert ledger.items(COLLECTION) == [changed, second]
        rig.write(store, [], items_gone=("b.csv", "never.csv"))
        assert ledger.items(COLLECTION) == [changed]
        assert ledger.items(_OTHER) == [first], "items are of one collection"

    def test_items_are_listed_page_by_page(self, rig: Rig) -> None:
        """Fails: an item is missing, comes twice, or in another order than that of code points."""
        store = rig.open()
        keys = [
            "b.csv",
            "a.csv",
            "C.csv",
            "\u00e9.csv",
            "a/b.csv",
            "\U0001f600.csv",
            "\uff21.csv",
            "a.csv.gz",
        ]
        rig.write(store, [], items=tuple(ItemVersion(key, key, "csv1", 1) for key in keys))
        ledger, found = rig.ledger(store), list[str]()
        while page := ledger.items(COLLECTION, after=found[-1] if found else "", limit=3):
            found += [item.key for item in page]
            assert len(page) <= 3, "more than the limit"
            assert len(found) <= len(keys), "a page comes again and again"
        assert found == sorted(keys)

    def test_documents_are_added_up_by_item(self, rig: Rig) -> None:
        """Fails: an item that lacks rows, or has another's, is taken for whole and not read again."""
        store, part, whole = rig.open(), _fetched("a.md"), _fetched("b.md")
        rejects = (reject(part.chunks[2]),)
        rig.write(store, part.chunks[:2], publications=(part.publication(rejected=1),), rejects=rejects)
        rig.publish(store, whole)
        rig.publish(store, sample("c.md"))
        rig.write(store, _fetched("d.md").chunks[:1], begun=(_fetched("d.md").version,))
        foreign = sample("e.md", collection=_OTHER)
        rig.write(store, foreign.chunks, publications=(foreign.publication(),), collection=_OTHER)
        own, bare = part.version, sample("c.md").version
        assert sorted(rig.ledger(store).by_item(COLLECTION), key=lambda one: one.item) == [
            ItemDocuments("", 1, bare.records, 0, bare.size, int(bare.brought_by == "run")),
            ItemDocuments(own.item, 2, 2 * own.records, 1, own.size + whole.version.size, 2),
        ]

    def test_a_cursor_stays_until_another_comes(self, rig: Rig) -> None:
        """Fails: the cursor is lost, or cleared by a receipt that has none."""
        store = rig.open()
        ledger = rig.ledger(store)
        assert ledger.cursor(COLLECTION) is None, "there is no such collection yet"
        rig.publish(store, sample("a.md"))
        assert ledger.cursor(COLLECTION) is None
        rig.write(store, [], cursor=_CURSOR)
        rig.write(store, [], cursor="7", collection=_OTHER)
        rig.publish(store, sample("b.md"))
        assert ledger.cursor(COLLECTION) == _CURSOR
        rig.write(store, [], cursor="8", collection=_OTHER)
        assert ledger.cursor(_OTHER) == "8"
        assert rig.ledger(rig.open()).cursor(COLLECTION) == _CURSOR, "another store doesn't see it"

    def test_a_failed_batch_notes_nothing(self, rig: Rig) -> None:
        """Fails: what is known of the source is kept though the batch isn't: it would not be read again."""
        store, one, half = rig.open(), _fetched("a.md"), sample("b.md")
        item = ItemVersion("a.csv", "etag 1", "csv1", 3)
        rig.publish(store, one, items=(item,), cursor="1")
        noted = replace(one.version, fingerprint="etag 2")
        late = {"noted": (noted,), "items": (replace(item, rows=4),), "cursor": "2"}
        with pytest.raises(IncompleteDocument):
            rig.send(store, half.chunks[:2], receipt(2, publications=(half.publication(),), **late))
        ledger = rig.ledger(store)
        assert [known.version for known in ledger.documents(COLLECTION)] == [one.version]
        assert ledger.items(COLLECTION) == [item]
        assert ledger.cursor(COLLECTION) == "1"

    def test_a_dropped_collection_leaves_nothing_known(self, rig: Rig) -> None:
        """Fails: a new collection of the same name takes items for read, or begins at the old cursor."""
        store = rig.open()
        ledger = rig.ledger(store)
        item = ItemVersion("a.csv", "etag 1", "csv1", 3)
        rig.write(store, [], items=(item,), cursor="1")
        rig.write(store, [], items=(item,), cursor="1", collection=_OTHER)
        assert ledger.drop_collection(COLLECTION)
        rig.publish(store, sample("a.md"))
        assert ledger.items(COLLECTION) == []
        assert ledger.cursor(COLLECTION) is None
        assert (ledger.items(_OTHER), ledger.cursor(_OTHER)) == ([item], "1"), "another collection's are gone"


def _fetched(key: str, content: str = "1") -> Sample:
    """Return a sample with all that a source says of it."""
    one = sample(key, content=content)
    return replace(one, version=replace(one.version, fingerprint='W/"\u00e9tag"', item="rows/\u00fc.csv"))
