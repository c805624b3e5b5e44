"""Checks: documents whose records a program brings, in any order."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from batchwright.testing.records import COLLECTION, Sample, reject, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks


class ProgramChecks(SinkChecks):
    """`receipt.patched`: the write that makes a version whole publishes it."""

    def test_a_patched_document_appears_when_it_is_whole(self, rig: Rig) -> None:
        """Fails: halves show, or what another process stored isn't counted. Count rows in the target."""
        store, one = rig.open(), _brought(5)
        ledger = rig.ledger(store)
        rig.write(store, one.chunks[3:], patched=(one.version,))
        rig.expect([], "while a patched document lacks rows")
        assert [version.document_id for version in ledger.pending(COLLECTION)] == [one.id]
        rig.write(rig.open(), one.chunks[:3], patched=(one.version,))
        rig.expect(one.chunks, "after another store brought the rest")
        assert ledger.pending(COLLECTION) == []
        rig.write(store, one.chunks[1:3], patched=(one.version,))
        rig.expect(one.chunks, "after some of its rows came again")

    def test_a_patched_document_with_a_reject_appears_without_it(self, rig: Rig) -> None:
        """Fails: a document waits for ever for a record that was set aside. Add its rejects to its rows."""
        store, one = rig.open(), _brought(4)
        ledger = rig.ledger(store)
        rig.write(store, one.chunks[:2], patched=(one.version,))
        rig.write(store, one.chunks[2:3], patched=(one.version,), rejects=(reject(one.chunks[3]),))
        rig.expect(one.chunks[:3], "after the last record of a patched document was set aside")
        known = ledger.document(COLLECTION, one.version.key)
        assert known is not None
        assert known.rejected == 1
        rig.write(store, one.chunks[3:], patched=(one.version,), resolved=(reject(one.chunks[3]).id,))
        rig.expect(one.chunks, "after the record was replayed")
        known = ledger.document(COLLECTION, one.version.key)
        assert known is not None
        assert known.rejected == 0

    def test_a_patched_version_leaves_no_rows_of_the_one_before(self, rig: Rig) -> None:
        """Fails: a longer or shorter version leaves rows of the other. Remove what it takes the place of."""
        store = rig.open()
        before = None
        for records in (4, 2, 3):
            one = _brought(records)
            rig.write(store, one.chunks[:1], patched=(one.version,))
            rig.expect(before.chunks if before else [], f"while a version of {records} records is begun")
            rig.write(store, one.chunks[1:], patched=(one.version,))
            rig.expect(one.chunks, f"after a version of {records} records was brought")
            if before:
                rig.expect_gone(before)
            before = one

    def test_what_a_program_left_goes_with_the_next_version(self, rig: Rig) -> None:
        """Fails: what a program began and never finished stays for ever. The next version removes it."""
        store = rig.open()
        ledger = rig.ledger(store)
        left, again, kept = _brought(4), _brought(3), sample("brought.md", 5, content="a run's")
        rig.write(store, left.chunks[:2], patched=(left.version,))
        rig.write(store, kept.chunks[:2], begun=(kept.version,))
        rig.write(store, again.chunks, patched=(again.version,))
        rig.expect_gone(left)
        rig.write(store, left.chunks[:2], patched=(left.version,))
        begun = sorted((left.version, kept.version), key=lambda one: one.document_id)
        assert ledger.pending(COLLECTION) == begun
        rig.write(store, kept.chunks[2:], publications=(kept.publication(),))
        rig.expect(kept.chunks, "after a run published the document")
        rig.expect_gone(left)
        assert ledger.pending(COLLECTION) == []


def _brought(records: int) -> Sample:
    """Return a version as a program brings it: another number of records makes another version."""
    return sample("brought.md", records, content=f"{records}", brought_by="program")
