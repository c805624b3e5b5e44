"""Checks: two writes about one document at the same time. Lock, then act: an older decision may be wrong.

Skipped without a ledger of the store's own: a ledger beside can only be asked before a write.
"""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from batchwright.contracts.receipts import Receipt
from batchwright.contracts.sink import Store
from batchwright.errors import IncompleteDocument
from batchwright.testing.calls import Call
from batchwright.testing.fuses import Fuse, Gate
from batchwright.testing.records import COLLECTION, batch, receipt, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks, ledger_of

_UNDER_WAY = 0.2
"""Seconds after which a write that waits for a lock has surely begun to."""

_ATTEMPTS = 6


class RaceChecks(SinkChecks):
    """A first write is held up in the middle of its records while a second one begins; then it goes on."""

    def test_a_discard_beside_a_publication_takes_no_published_row(self, rig: Rig) -> None:
        """Fails: a version was pending when it was looked at, and published when it was removed."""
        first, second, one = rig.open(), rig.open(), sample("a.md", 6)
        ledger = ledger_of(first)
        rig.write(first, one.chunks[:3], begun=(one.version,))
        publishing = receipt(3, publications=(one.publication(),))
        errors = _beside(rig, (first, one.chunks[3:], publishing), (second, [], receipt(discarded=(one.id,))))
        assert all(isinstance(error, IncompleteDocument) for error in errors), errors
        published = ledger.document(COLLECTION, "a.md") is not None
        assert published == (not errors), "the publication was refused, yet it is in the ledger; or neither"
        rig.expect(one.chunks if published else [], "after a discard beside a publication")
        if not published:
            rig.expect_gone(one)

    def test_two_replacements_of_a_document_leave_one_version(self, rig: Rig) -> None:
        """Fails: both removed the version they had seen, and the rows of one stay for ever."""
        first, second, old = rig.open(), rig.open(), sample("a.md")
        ledger = ledger_of(first)
        rig.publish(first, old)
        new = [sample("a.md", 6, content="2"), sample("a.md", 5, content="3")]
        writes = [
            (store, one.chunks, receipt(len(one.chunks), publications=(one.publication(),)))
            for store, one in zip((first, second), new, strict=True)
        ]
        errors = _beside(rig, *writes)
        assert not errors, errors
        known = ledger.document(COLLECTION, "a.md")
        assert known is not None, "the document is gone"
        [there] = [one for one in new if one.version == known.version]
        rig.expect(there.chunks, "after two replacements at once")
        for gone in (old, *(one for one in new if one is not there)):
            rig.expect_gone(gone)

    def test_two_halves_of_a_patched_document_publish_it(self, rig: Rig) -> None:
        """Fails: each write missed the other's rows, and nobody publishes the document any more."""
        first, second = rig.open(), rig.open()
        ledger = ledger_of(first)
        one = sample("a.md", 9, brought_by="program")
        rig.write(first, one.chunks[:1], patched=(one.version,))
        writes = [
            (store, chunks, receipt(len(chunks), patched=(one.version,)))
            for store, chunks in ((first, one.chunks[1:5]), (second, one.chunks[5:]))
        ]
        errors = _beside(rig, *writes)
        assert not errors, errors
        rig.expect(one.chunks, "after two stores brought the last halves of a document at once")
        assert ledger.pending(COLLECTION) == [], "it is whole, but still pending"


_Write = tuple[Store, Sequence[Any], Receipt]


def _beside(rig: Rig, first: _Write, second: _Write) -> list[Exception]:
    """Hold the first write up while the second begins; return what they raise in the end."""
    store, chunks, written = first
    gate = Gate(max(1, _reads(rig, store, len(chunks)) // 2), patience=rig.patience)
    calls = [Call(partial(_again, store, gate.fuse.fit(chunks), written))]
    assert gate.reached.wait(rig.patience), "the write doesn't read its records"
    calls.append(Call(partial(_again, second[0], second[1], second[2])))
    calls[1].ends_within(_UNDER_WAY)
    gate.open()
    found = [call.result(rig.patience * 3, "one of two writes") for call in calls]
    return [error for error in found if error is not None]


def _reads(rig: Rig, store: Store, records: int) -> int:
    """Count how often a batch of so many records is read."""
    fuse, one = Fuse(), sample("reads.md", records)
    rig.write(store, fuse.fit(one.chunks), begun=(one.version,))
    rig.write(store, [], discarded=(one.id,))
    return fuse.reads


def _again(store: Store, chunks: Sequence[Any], written: Receipt) -> Exception | None:
    """Write as the engine does: what fails for the other writer's sake is tried again."""
    error: Exception | None = None
    for attempt in range(_ATTEMPTS):
        try:
            store.write(batch(chunks), written)
        except IncompleteDocument as refused:
            return refused
        except Exception as failed:  # noqa: BLE001 - a lock, a conflict, whatever the driver says
            error = failed
            time.sleep(0.05 * 2**attempt)
        else:
            return None
    return error
