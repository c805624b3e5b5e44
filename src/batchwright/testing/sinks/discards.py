"""Checks: what was true when a receipt was made need not be true when it is written."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import pytest

from batchwright.errors import IncompleteDocument
from batchwright.testing.records import COLLECTION, batch, receipt, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks


class DiscardChecks(SinkChecks):
    """Another run published, replaced or discarded a version since; here one write follows the other."""

    def test_a_version_published_since_is_not_discarded(self, rig: Rig) -> None:
        """Fails: rows that readers see are discarded. Only what is still pending is discarded."""
        store, one = rig.open(), sample("a.md", 4)
        rig.write(store, one.chunks[:2], begun=(one.version,))
        rig.write(store, one.chunks[2:], publications=(one.publication(),))
        rig.write(rig.open(), [], discarded=(one.id,))
        rig.expect(one.chunks, "after a run discarded what another had published since")

    def test_a_document_replaced_since_is_not_deleted(self, rig: Rig) -> None:
        """Fails: the version of today is deleted in place of that of yesterday. Compare its id."""
        store, old, new = rig.open(), sample("a.md"), sample("a.md", content="2")
        rig.publish(store, old)
        rig.publish(store, new)
        rig.write(rig.open(), [], deleted=((old.version.key, old.id),))
        rig.expect(new.chunks, "after a run deleted a version that another had replaced since")
        known = store.ledger is None or store.ledger.document(COLLECTION, "a.md")
        assert known, "its entry is gone"

    def test_rows_of_unknown_versions_are_swept(self, rig: Rig) -> None:
        """Fails: `receipt.orphaned` is ignored, or takes rows of versions that the ledger knows."""
        store, known, begun = rig.open(), sample("a.md"), sample("b.md", 4)
        rig.publish(store, known)
        rig.write(store, begun.chunks[:2], begun=(begun.version,))
        stray = sample("c.md")
        store.write(batch(stray.chunks), receipt(3))  # as a crash leaves them where the ledger lies beside
        rig.write(store, [], orphaned=(known.id, begun.id, stray.id))
        rig.expect_gone(stray)
        rig.write(store, begun.chunks[2:], publications=(begun.publication(),))
        rig.expect([*known.chunks, *begun.chunks], "after rows of unknown versions were swept")

    def test_a_discarded_version_is_not_continued(self, rig: Rig) -> None:
        """Fails: rows join a version that another run discarded. Raise IncompleteDocument: it lacks rows."""
        store, one = rig.open(), sample("a.md", 6)
        rig.write(store, one.chunks[:2], begun=(one.version,))
        rig.write(rig.open(), [], discarded=(one.id,))
        late = receipt(2, continued=(one.id,))
        with pytest.raises(IncompleteDocument):
            rig.send(store, one.chunks[2:4], late)
        assert store.ledger is None or not store.ledger.committed(late.batch_id), "refused, but committed"
        with pytest.raises(IncompleteDocument):
            rig.send(store, one.chunks[4:], receipt(2, publications=(one.publication(),)))
        rig.expect_gone(one)
        rig.publish(store, one)
        rig.expect(one.chunks, "after the version was loaded anew")
