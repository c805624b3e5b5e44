"""Checks: a document appears whole or not at all."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import pytest

from batchwright.errors import IncompleteDocument
from batchwright.testing.records import Sample, batch, receipt, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks


class PublicationChecks(SinkChecks):
    """Documents over several batches; versions that take each other's place."""

    def test_a_document_appears_whole_with_its_last_batch(self, rig: Rig) -> None:
        """Fails: rows show before their document is published. Readers see published versions only."""
        sink, one = rig.open(), sample("a.md", 6)
        rig.write(sink, one.chunks[:2], opened=(one.version,))
        rig.expect([], "after the first of three batches")
        rig.write(sink, one.chunks[2:4])
        rig.expect([], "after the second of three batches")
        rig.write(sink, one.chunks[4:], publications=(one.publication(stored_before=4),))
        rig.expect(one.chunks, "after the last of three batches")

    def test_the_old_version_stays_until_the_new_one_is_whole(self, rig: Rig) -> None:
        """Fails: the old version goes, or the new one shows, too early. Change over when it publishes."""
        sink, old, new = rig.open(), sample("a.md", 3), sample("a.md", 4, content="2")
        rig.publish(sink, old)
        rig.write(sink, new.chunks[:2], opened=(new.version,))
        rig.expect(old.chunks, "while the new version is half there")
        rig.write(sink, new.chunks[2:], publications=(new.publication(stored_before=2, supersedes=[old]),))
        rig.expect(new.chunks, "after the new version was published")

    def test_superseded_rows_are_gone(self, rig: Rig) -> None:
        """Fails: rows in `receipt.obsolete` stay. Remove them in the transaction of the publication."""
        sink, old, new = rig.open(), sample("a.md", 5), sample("a.md", 2, content="2")
        rig.publish(sink, old)
        rig.write(sink, new.chunks, publications=(new.publication(supersedes=[old]),))
        rig.expect(new.chunks, "after a shorter version was published")
        _expect_gone(rig, old)

    def test_other_documents_are_left_alone(self, rig: Rig) -> None:
        """Fails: removing a version takes rows of others with it. Match the whole document_id."""
        sink = rig.open()
        names = ("a.md", "a.md.md", "a", "A.md", "dir/a.md", "a_md", "%", "*", "")
        others = [sample(name or "b.md") for name in names[1:]]
        old, new = sample("a.md"), sample("a.md", content="2")
        rig.publish(sink, old, *others)
        rig.write(sink, new.chunks, publications=(new.publication(supersedes=[old]),))
        rest = [chunk for other in others for chunk in other.chunks]
        rig.expect([*new.chunks, *rest], "after one of nine documents was replaced")
        rig.write(sink, [], deleted=(("a.md", new.id),))
        rig.expect(rest, "after one of nine documents was deleted")

    def test_a_document_that_lacks_rows_is_refused(self, rig: Rig) -> None:
        """Fails: publications aren't counted. Where `stored_before` is not 0, count the version's rows."""
        sink, old, new = rig.open(), sample("a.md"), sample("a.md", 5, content="2")
        rig.publish(sink, old)
        rig.write(sink, new.chunks[:2], opened=(new.version,))
        lacking = receipt(2, publications=(new.publication(stored_before=3, supersedes=[old]),))
        with pytest.raises(IncompleteDocument):
            sink.write(batch(new.chunks[3:]), lacking)
        rig.expect(old.chunks, "after a publication that lacked a row was refused")
        if sink.ledger is not None:
            assert not sink.ledger.committed(lacking.batch_id), "refused, but committed"
        rig.write(sink, new.chunks[2:], publications=(new.publication(stored_before=2, supersedes=[old]),))
        rig.expect(new.chunks, "after the same version was completed")

    def test_rejected_records_are_not_missed(self, rig: Rig) -> None:
        """Fails: a document with rejects is taken for incomplete. It has `publication.rows` rows."""
        sink, one = rig.open(), sample("a.md", 5)
        rig.write(sink, one.chunks[:2], opened=(one.version,))
        rig.write(sink, one.chunks[4:], publications=(one.publication(stored_before=2, rejected=2),))
        rig.expect([*one.chunks[:2], one.chunks[4]], "after a version with two rejects was published")

    def test_a_replayed_record_joins_its_document(self, rig: Rig) -> None:
        """Fails: publishing a published version again loses its rows, or keeps the new one out."""
        sink, one = rig.open(), sample("a.md", 4)
        rest = [*one.chunks[:1], *one.chunks[2:]]
        rig.write(sink, rest, publications=(one.publication(rejected=1),))
        rig.write(sink, one.chunks[1:2], publications=(one.publication(stored_before=3),))
        rig.expect(one.chunks, "after the missing record was written")

    def test_a_deleted_document_is_gone(self, rig: Rig) -> None:
        """Fails: `receipt.deleted` is ignored. Remove the version's rows and its entry."""
        sink, one, other = rig.open(), sample("a.md"), sample("b.md")
        rig.publish(sink, one, other)
        rig.write(sink, [], deleted=(("a.md", one.id),))
        rig.expect(other.chunks, "after a document was deleted")
        _expect_gone(rig, one)
        rig.publish(sink, one)
        rig.expect([*one.chunks, *other.chunks], "after it was loaded again")

    def test_a_discarded_version_is_gone(self, rig: Rig) -> None:
        """Fails: `receipt.discarded` is ignored. Remove what an earlier run began and nobody finishes."""
        sink, old, begun = rig.open(), sample("a.md"), sample("a.md", 4, content="2")
        rig.publish(sink, old)
        rig.write(sink, begun.chunks[:2], opened=(begun.version,))
        rig.write(sink, [], discarded=(begun.id,))
        rig.expect(old.chunks, "after the unfinished version was discarded")
        _expect_gone(rig, begun)

    def test_many_documents_share_a_batch(self, rig: Rig) -> None:
        """Fails: only one publication of a receipt takes effect. Do all of them."""
        sink = rig.open()
        begun = sample("0.md", 4)
        rig.write(sink, begun.chunks[:2], opened=(begun.version,))
        many = [sample(f"{number}.md", 2) for number in range(1, 12)]
        last = sample("last.md", 3)
        chunks = [*begun.chunks[2:], *(c for one in many for c in one.chunks), *last.chunks[:1]]
        publications = [begun.publication(stored_before=2), *(one.publication() for one in many)]
        rig.write(sink, chunks, publications=tuple(publications), opened=(last.version,))
        rig.expect(
            [*begun.chunks, *(c for one in many for c in one.chunks)], "after a batch of many documents"
        )

    def test_an_empty_batch_can_publish(self, rig: Rig) -> None:
        """Fails: `write` returns early when there are no rows. The receipt counts also without them."""
        sink, old, new = rig.open(), sample("a.md"), sample("a.md", 2, content="2")
        rig.publish(sink, old)
        rig.write(sink, new.chunks, opened=(new.version,))
        rig.write(sink, [], publications=(new.publication(stored_before=2, supersedes=[old]),))
        rig.expect(new.chunks, "after a publication without rows")


def _expect_gone(rig: Rig, gone: Sample) -> None:
    """Check that no row of a version is left: publishing what was there must be refused."""
    sink = rig.open()
    for left in range(1, gone.version.chunks + 1):
        claim = gone.publication(stored_before=left, rejected=gone.version.chunks - left)
        try:
            sink.write(batch([]), receipt(publications=(claim,)))
        except IncompleteDocument:
            continue
        pytest.fail(f"{left} rows of {gone.version.source_file!r} are left, or publications aren't counted")
