"""Checks: collections stay apart, also where their documents have the same keys; keys of any length."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from batchwright.contracts.receipts import Collection, RejectFilter
from batchwright.contracts.search import Searchable
from batchwright.testing.records import COLLECTION, Sample, reject, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks

_OTHER = "another collection"


class CollectionChecks(SinkChecks):
    """Each check loads into two collections; what is done in one of them must not touch the other."""

    def test_equal_keys_of_two_collections_stand_side_by_side(self, rig: Rig) -> None:
        """Fails: a document replaces the one with its key in another collection. Both are its identity."""
        store, one, other = rig.open(), sample("a.md"), _other("a.md")
        rig.publish(store, one)
        rig.publish(store, other, collection=_OTHER)
        rig.expect([*one.chunks, *other.chunks], "after two collections got a document of one key each")
        ledger = rig.ledger(store)
        for name, version in ((COLLECTION, one.version), (_OTHER, other.version)):
            assert [known.version for known in ledger.documents(name)] == [version], "mixed up in the list"
            known = ledger.document(name, "a.md")
            assert known is not None, "not found by its key"
            assert known.version == version, "another collection's document is found"
        new = sample("a.md", 4, content="2")
        rig.publish(store, new)
        rig.expect([*new.chunks, *other.chunks], "after one of the two was replaced")

    def test_deleting_in_a_collection_leaves_the_other(self, rig: Rig) -> None:
        """Fails: a deletion goes by key, or by version, whatever the collection."""
        store, one, other = rig.open(), sample("a.md"), _other("a.md")
        rig.publish(store, one)
        rig.publish(store, other, collection=_OTHER)
        rig.write(store, [], collection=_OTHER, deleted=(("a.md", one.id),))
        rig.expect([*one.chunks, *other.chunks], "after a collection deleted what is not its own")
        rig.write(store, [], deleted=(("a.md", one.id),))
        rig.expect(other.chunks, "after one of the two was deleted")

    def test_what_is_begun_is_of_one_collection(self, rig: Rig) -> None:
        """Fails: begun versions are listed or discarded whatever their collection."""
        store, one, other = rig.open(), sample("a.md", 4), _other("a.md", 4)
        rig.write(store, one.chunks[:2], begun=(one.version,))
        rig.write(store, other.chunks[:2], begun=(other.version,), collection=_OTHER)
        ledger = rig.ledger(store)
        assert ledger.pending(COLLECTION) == [one.version]
        assert ledger.pending(_OTHER) == [other.version]
        rig.write(store, [], discarded=(one.id,), collection=_OTHER)
        assert ledger.pending(COLLECTION) == [one.version], "discarded by another collection"
        rig.write(store, one.chunks[2:], publications=(one.publication(),))
        assert ledger.pending(_OTHER) == [other.version], "published by another collection"
        rig.write(store, other.chunks[2:], publications=(other.publication(),), collection=_OTHER)
        rig.expect([*one.chunks, *other.chunks], "after both were finished")

    def test_what_a_program_left_in_another_collection_stays(self, rig: Rig) -> None:
        """Fails: a publication takes along what a program began under its key in another collection."""
        store, run = rig.open(), sample("a.md")
        left = sample("a.md", 4, brought_by="program", collection=_OTHER)
        rig.write(store, left.chunks[:2], patched=(left.version,), collection=_OTHER)
        rig.publish(store, run)
        rig.write(store, left.chunks[2:], patched=(left.version,), collection=_OTHER)
        rig.expect([*run.chunks, *left.chunks], "after a program finished what it had begun")

    def test_rejects_are_of_one_collection(self, rig: Rig) -> None:
        """Fails: a new version drops the rejects of another collection, or all are listed for each."""
        store, one, other = rig.open(), sample("a.md"), _other("a.md")
        kept = [
            reject(one.chunks[0]),
            reject(other.chunks[0], collection=_OTHER),
            reject(key="a.md", id="unreadable", collection=_OTHER),
        ]
        rig.publish(store, one, rejects=(kept[0],), resolved=())
        rig.publish(store, other, rejects=tuple(kept[1:]), collection=_OTHER)
        ledger = rig.ledger(store)
        assert ledger.rejects(RejectFilter(COLLECTION)) == kept[:1]
        assert {one.id for one in ledger.rejects(RejectFilter(_OTHER))} == {one.id for one in kept[1:]}
        assert ledger.rejects(RejectFilter(COLLECTION, key="a.md", error="ValueError")) == kept[:1]
        assert (
            len(ledger.rejects(RejectFilter(key="a.md")))
            == len(ledger.rejects(RejectFilter(error="ValueError")))
            == 3
        )
        assert (ledger.reject_count(_OTHER), ledger.reject_count()) == (2, 3)
        rig.publish(store, sample("a.md", 4, content="2"))
        assert ledger.rejects(RejectFilter(COLLECTION)) == [], "the rejects of the old version are left"
        assert len(ledger.rejects(RejectFilter(_OTHER))) == 2, "the rejects of another collection are gone"

    def test_collections_are_kept_with_their_origin(self, rig: Rig) -> None:
        """Fails: an origin is lost or overwritten, or a collection is dropped that holds something."""
        store, other = rig.open(), _other("a.md")
        ledger = rig.ledger(store)
        given = Collection(_OTHER, "/docs")
        assert ledger.enter_collection(given) == given
        assert ledger.enter_collection(Collection(_OTHER, "/elsewhere")) == given, "overwritten"
        rig.publish(store, other, collection=_OTHER)
        rig.publish(store, sample("a.md"))
        assert ledger.collections() == [given, Collection(COLLECTION)], "one is missing, or in another order"
        moved = Collection(_OTHER, "/elsewhere")
        assert ledger.enter_collection(moved, adopt=True) == moved
        assert not ledger.drop_collection(_OTHER), "dropped, though it has a document"
        rig.write(store, [], deleted=(("a.md", other.id),), collection=_OTHER)
        assert ledger.drop_collection(_OTHER), "empty, but not dropped"
        assert not ledger.drop_collection(_OTHER), "it was not there any more"
        assert ledger.collections() == [Collection(COLLECTION)]

    def test_keys_may_be_long(self, rig: Rig) -> None:
        """Fails: a key of 10,000 characters is refused, cut, or taken for one with the same beginning."""
        store, long = rig.open(), "ü" * 10_000
        keys = [long[:600], *(f"{long}{end}" for end in "ba"), f"{long[:-1]}z", "ü"]
        samples = [sample(key, 1) for key in keys]
        for one in samples:
            rig.publish(store, one)
        rig.expect([one.chunks[0] for one in samples], "after documents with long keys came")
        ledger, found = rig.ledger(store), list[str]()
        while page := ledger.documents(COLLECTION, after=found[-1] if found else "", limit=2):
            found += [known.version.key for known in page]
        assert found == sorted(keys), "listed in another order, or one is missing"
        new = sample(keys[1], 2, content="2")
        rig.publish(store, new)
        rig.expect([chunk for one in (samples[0], new, *samples[2:]) for chunk in one.chunks])

    def test_a_search_may_be_limited_to_a_collection(self, rig: Rig) -> None:
        """Fails: hits of other collections come, or a hit doesn't say which it is of."""
        store, one = rig.open(), sample("a.md", ["about walruses"])
        other = sample("a.md", ["about walruses"], collection=_OTHER)
        rig.publish(store, one)
        rig.publish(store, other, collection=_OTHER)
        if not isinstance(store, Searchable):
            return
        found = store.search("walruses")
        places = {place.collection for hit in found for place in hit.places}
        assert places | {hit.collection for hit in found} == {COLLECTION, _OTHER}
        hits = [(hit.id, hit.collection, hit.key) for hit in store.search("walruses", collection=_OTHER)]
        assert hits == [(other.chunks[0].id, _OTHER, "a.md")]


def _other(key: str, texts: int = 3) -> Sample:
    return sample(key, texts, collection=_OTHER)
