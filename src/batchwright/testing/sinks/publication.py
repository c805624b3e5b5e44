"""Checks: a document appears whole or not at all."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import pytest

from batchwright.errors import IncompleteDocument
from batchwright.testing.records import receipt, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks


class PublicationChecks(SinkChecks):
    """Documents over several batches; versions that take each other's place."""

    def test_a_document_appears_whole_with_its_last_batch(self, rig: Rig) -> None:
        """Fails: rows show before their document is published. Readers see published versions only."""
        store, one = rig.open(), sample("a.md", 6)
        rig.write(store, one.chunks[:2], begun=(one.version,))
        rig.expect([], "after the first of three batches")
        rig.write(store, one.chunks[2:4], continued=(one.id,))
        rig.expect([], "after the second of three batches")
        rig.write(store, one.chunks[4:], publications=(one.publication(),))
        rig.expect(one.chunks, "after the last of three batches")

    def test_the_old_version_stays_until_the_new_one_is_whole(self, rig: Rig) -> None:
        """Fails: the old version goes, or the new one shows, too early. Change over when it publishes."""
        store, old, new = rig.open(), sample("a.md", 3), sample("a.md", 4, content="2")
        rig.publish(store, old)
        rig.write(store, new.chunks[:2], begun=(new.version,))
        rig.expect(old.chunks, "while the new version is half there")
        rig.write(store, new.chunks[2:], publications=(new.publication(),))
        rig.expect(new.chunks, "after the new version was published")

    def test_superseded_rows_are_gone(self, rig: Rig) -> None:
        """Fails: rows of the version before stay. The publication removes them, in its transaction."""
        store, old, new = rig.open(), sample("a.md", 5), sample("a.md", 2, content="2")
        rig.publish(store, old)
        rig.write(store, new.chunks, publications=(new.publication(),))
        rig.expect(new.chunks, "after a shorter version was published")
        rig.expect_gone(old)

    def test_other_documents_are_left_alone(self, rig: Rig) -> None:
        """Fails: removing a version takes rows of others with it. Match the whole document_id."""
        store = rig.open()
        names = ("a.md", "a.md.md", "a", "A.md", "dir/a.md", "a_md", "%", "*", "")
        others = [sample(name or "b.md") for name in names[1:]]
        old, new = sample("a.md"), sample("a.md", content="2")
        rig.publish(store, old, *others)
        rig.write(store, new.chunks, publications=(new.publication(),))
        rest = [chunk for other in others for chunk in other.chunks]
        rig.expect([*new.chunks, *rest], "after one of nine documents was replaced")
        rig.write(store, [], deleted=(("a.md", new.id),))
        rig.expect(rest, "after one of nine documents was deleted")

    def test_a_document_that_lacks_rows_is_refused(self, rig: Rig) -> None:
        """Fails: publications aren't counted. Count the rows of the version, once the batch is stored."""
        store, old, new = rig.open(), sample("a.md"), sample("a.md", 5, content="2")
        rig.publish(store, old)
        rig.write(store, new.chunks[:2], begun=(new.version,))
        lacking = receipt(2, publications=(new.publication(),))
        with pytest.raises(IncompleteDocument):
            rig.send(store, new.chunks[3:], lacking)
        rig.expect(old.chunks, "after a publication that lacked a row was refused")
        if store.ledger is not None:
            assert not store.ledger.committed(lacking.batch_id), "refused, but committed"
        rig.write(store, new.chunks[2:], publications=(new.publication(),))
        rig.expect(new.chunks, "after the same version was completed")

    def test_a_document_with_rows_too_many_is_refused(self, rig: Rig) -> None:
        """Fails: all rows came with the batch, so nothing is counted. Count those that were there, too."""
        store, old = rig.open(), sample("a.md", content="0")
        longer, one = sample("a.md", 5), sample("a.md", 3)  # the same version, which lost two records since
        rig.publish(store, old)
        rig.write(store, longer.chunks[3:], begun=(longer.version,))
        with pytest.raises(IncompleteDocument):
            rig.send(store, one.chunks, receipt(3, publications=(one.publication(),)))
        rig.expect(old.chunks, "after a publication with two rows too many was refused")

    def test_a_document_in_one_batch_that_lacks_a_row_is_refused(self, rig: Rig) -> None:
        """Fails: a version that comes in one batch isn't counted. Count before each publication."""
        store, one = rig.open(), sample("a.md", 4)
        with pytest.raises(IncompleteDocument):
            rig.send(store, one.chunks[1:], receipt(3, publications=(one.publication(),)))
        rig.expect([], "after a publication that lacked a row was refused")
        rig.publish(store, one)
        rig.expect(one.chunks, "after all of it came")

    def test_rejected_records_are_not_missed(self, rig: Rig) -> None:
        """Fails: a document with rejects is taken for incomplete. It has `publication.rows` rows."""
        store, one = rig.open(), sample("a.md", 5)
        rig.write(store, one.chunks[:2], begun=(one.version,))
        rig.write(store, one.chunks[4:], publications=(one.publication(rejected=2),))
        rig.expect([*one.chunks[:2], one.chunks[4]], "after a version with two rejects was published")

    def test_a_replayed_record_joins_its_document(self, rig: Rig) -> None:
        """Fails: publishing a published version again loses its rows, or keeps the new one out."""
        store, one = rig.open(), sample("a.md", 4)
        rest = [*one.chunks[:1], *one.chunks[2:]]
        rig.write(store, rest, publications=(one.publication(rejected=1),))
        rig.write(store, one.chunks[1:2], publications=(one.publication(),))
        rig.expect(one.chunks, "after the missing record was written")

    def test_a_deleted_document_is_gone(self, rig: Rig) -> None:
        """Fails: what is deleted stays. Remove the rows and the entry (or `receipt.removed`)."""
        store, one, other = rig.open(), sample("a.md"), sample("b.md")
        rig.publish(store, one, other)
        rig.write(store, [], deleted=(("a.md", one.id),))
        rig.expect(other.chunks, "after a document was deleted")
        rig.expect_gone(one)
        rig.publish(store, one)
        rig.expect([*one.chunks, *other.chunks], "after it was loaded again")

    def test_a_discarded_version_is_gone(self, rig: Rig) -> None:
        """Fails: what is discarded stays. Remove what nobody finishes (or `receipt.removed`)."""
        store, old, begun = rig.open(), sample("a.md"), sample("a.md", 4, content="2")
        rig.publish(store, old)
        rig.write(store, begun.chunks[:2], begun=(begun.version,))
        rig.write(store, [], discarded=(begun.id,))
        rig.expect(old.chunks, "after the unfinished version was discarded")
        rig.expect_gone(begun)

    def test_many_documents_share_a_batch(self, rig: Rig) -> None:
        """Fails: only one publication of a receipt takes effect. Do all of them."""
        store = rig.open()
        begun = sample("0.md", 4)
        rig.write(store, begun.chunks[:2], begun=(begun.version,))
        many = [sample(f"{number}.md", 2) for number in range(1, 12)]
        last = sample("last.md", 3)
        chunks = [*begun.chunks[2:], *(c for one in many for c in one.chunks), *last.chunks[:1]]
        publications = [begun.publication(), *(one.publication() for one in many)]
        rig.write(store, chunks, publications=tuple(publications), begun=(last.version,))
        rig.expect(
            [*begun.chunks, *(c for one in many for c in one.chunks)], "after a batch of many documents"
        )

    def test_an_empty_batch_can_publish(self, rig: Rig) -> None:
        """Fails: `write` returns early when there are no rows. The receipt counts also without them."""
        store, old, new = rig.open(), sample("a.md"), sample("a.md", 2, content="2")
        rig.publish(store, old)
        rig.write(store, new.chunks, begun=(new.version,))
        rig.write(store, [], publications=(new.publication(),))
        rig.expect(new.chunks, "after a publication without rows")
