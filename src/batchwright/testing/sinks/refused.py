"""Checks: versions of which no record can be stored."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from dataclasses import replace

import pytest

from batchwright.contracts.sink import Store
from batchwright.errors import IncompleteDocument
from batchwright.testing.records import COLLECTION, Sample, receipt, reject, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks


class RefusedChecks(SinkChecks):
    """What can't be stored at all takes the place of nothing, and is not tried twice."""

    def test_a_refused_version_leaves_the_old_one_visible(self, rig: Rig) -> None:
        """Fails: a version without a row is published. `Receipt.refused` publishes and removes nothing."""
        store, old, new = rig.open(), sample("a.md"), sample("a.md", content="2")
        rig.publish(store, old)
        _refuse(rig, store, new)
        rig.expect(old.chunks, "after the new version was refused")
        ledger = rig.ledger(store)
        known = ledger.document(COLLECTION, "a.md")
        assert known is not None, "the document is gone"
        assert known.version == old.version, "the ledger says that another version is visible"
        assert len(ledger.rejects()) == len(new.chunks), "the rejects of the refused version are not kept"

    def test_a_refused_version_loses_the_rows_that_were_stored_of_it(self, rig: Rig) -> None:
        """Fails: rows of an earlier batch stay. Remove them, and what is pending, as when discarding."""
        store, one = rig.open(), sample("a.md", 4)
        rig.write(store, one.chunks[:2], begun=(one.version,))
        _refuse(rig, store, one)
        rig.expect([], "after a version that was half there was refused")
        rig.expect_gone(one)
        assert rig.ledger(store).pending(COLLECTION) == [], "a refused version is still to be finished"

    def test_refused_versions_are_listed_by_key(self, rig: Rig) -> None:
        """Fails: `Ledger.refused` forgets a version, its order, its page, or its keys."""
        store = rig.open()
        ledger = rig.ledger(store)
        many = [sample(key) for key in ("b.md", "a.md", "c/\u00e9.md", "C.md")]
        for one in many:
            _refuse(rig, store, one)
        rig.publish(store, sample("d.md"))
        wanted = sorted((one.version for one in many), key=lambda version: version.key)
        assert ledger.refused(COLLECTION) == wanted
        assert [one.key for one in ledger.refused(COLLECTION, after="a.md")] == ["b.md", "c/\u00e9.md"]
        assert [one.key for one in ledger.refused(COLLECTION, limit=2)] == ["C.md", "a.md"]
        assert [one.key for one in ledger.refused(COLLECTION, ["b.md", "d.md", "no"])] == ["b.md"]
        assert ledger.refused("another") == [], "they are of one collection"

    def test_a_document_has_one_refused_version(self, rig: Rig) -> None:
        """Fails: refused versions pile up. The next one replaces the one before, and its rejects."""
        store, one, other = rig.open(), sample("a.md"), sample("a.md", 2, content="2")
        _refuse(rig, store, one)
        _refuse(rig, store, other)
        ledger = rig.ledger(store)
        assert ledger.refused(COLLECTION) == [other.version]
        assert {kept.document_id for kept in ledger.rejects()} == {other.id}

    def test_a_publication_ends_a_refusal(self, rig: Rig) -> None:
        """Fails: a version stays refused though another is visible. Publishing forgets it."""
        store, one, other = rig.open(), sample("a.md"), sample("a.md", content="2")
        _refuse(rig, store, one)
        rig.publish(store, other)
        ledger = rig.ledger(store)
        assert ledger.refused(COLLECTION) == []
        assert ledger.rejects() == [], "the rejects of the refused version are left"

    def test_a_refused_version_can_be_published_after_all(self, rig: Rig) -> None:
        """Fails: `Publication.was_refused` is ignored: the version must be refused still."""
        store, old, one = rig.open(), sample("a.md"), sample("a.md", content="2")
        rig.publish(store, old)
        _refuse(rig, store, one)
        mended = replace(one.publication(rejected=len(one.chunks) - 1), was_refused=True)
        rig.write(store, one.chunks[:1], publications=(mended,), resolved=(one.chunks[0].id,))
        rig.expect(one.chunks[:1], "after one of its records was replayed")
        ledger = rig.ledger(store)
        assert ledger.refused(COLLECTION) == []
        assert len(ledger.rejects()) == len(one.chunks) - 1
        with pytest.raises(IncompleteDocument):
            rig.send(store, one.chunks[:1], receipt(1, publications=(mended,)))

    def test_a_refused_version_is_discarded_with_its_rejects(self, rig: Rig) -> None:
        """Fails: what is refused can't be discarded. It goes as a version does that was begun."""
        store, one = rig.open(), sample("a.md")
        _refuse(rig, store, one)
        rig.write(store, [], discarded=(one.id,))
        ledger = rig.ledger(store)
        assert (ledger.refused(COLLECTION), ledger.rejects()) == ([], [])

    def test_without_its_rejects_a_version_is_refused_no_more(self, rig: Rig) -> None:
        """Fails: a version without rejects stays refused, and is never tried again."""
        store, one = rig.open(), sample("a.md", 2)
        _refuse(rig, store, one)
        ledger = rig.ledger(store)
        first, second = (kept.id for kept in ledger.rejects())
        ledger.drop_rejects([first])
        assert ledger.refused(COLLECTION) == [one.version], "one of its rejects is left"
        ledger.drop_rejects([second])
        assert ledger.refused(COLLECTION) == []


def _refuse(rig: Rig, store: Store, one: Sample) -> None:
    """Refuse a version, all of whose records are set aside."""
    rig.write(store, [], refused=(one.version,), rejects=tuple(map(reject, one.chunks)))
