"""Checks: a batch is stored whole, once, and at once; or not at all."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import partial

import pytest

from batchwright.testing.calls import Call
from batchwright.testing.fuses import Fuse, Gate, InjectedFailure, InjectedInterrupt, failing
from batchwright.testing.records import COLLECTION, batch, receipt, reject, sample
from batchwright.testing.sinks.rig import Faults, Rig, SinkChecks, ledger_of

_MOST_STEPS = 200


class AtomicityChecks(SinkChecks):
    """All or nothing, and twice is once."""

    @pytest.mark.parametrize("size", [4, 300])
    def test_a_failure_at_any_step_stores_nothing(self, rig: Rig, size: int) -> None:
        """Fails: rows are committed before all of the batch was read. Store all in one transaction."""
        change = _Change(rig, size)
        for step in change.steps():
            change.fail(InjectedFailure, step)
            if self.transactional:
                rig.expect(change.old.chunks, f"after a failure at step {step}")
        change.write()
        rig.expect(change.chunks, "after the same batch was written without a failure")

    def test_an_interrupt_at_any_step_stores_nothing(self, rig: Rig) -> None:
        """Fails: clean-up is for Exception alone. Roll back on BaseException: Ctrl-C isn't an Exception."""
        change = _Change(rig, 4)
        for step in change.steps():
            change.fail(InjectedInterrupt, step)
            if self.transactional:
                rig.expect(change.old.chunks, f"after an interrupt at step {step}")
        change.write()
        rig.expect(change.chunks, "after the same batch was written without an interrupt")

    def test_a_failure_is_raised(self, rig: Rig) -> None:
        """Fails: `write` caught an error and returned. Whatever was not stored must be raised."""
        change = _Change(rig, 4)
        for step in change.steps():
            change.fail(InjectedFailure, step)

    def test_what_was_announced_is_not_stored(self, rig: Rig) -> None:
        """Fails: records are stored since `announce` named them. They may never come, or others first."""
        store, one, next_one, never = (rig.open(), *(sample(f"{name}.md", 300) for name in "abc"))
        store.announce(next_one.chunks)
        rig.publish(store, one)
        rig.expect(one.chunks, "after others were announced")
        store.announce([*never.chunks, *one.chunks])
        rig.write(store, next_one.chunks[:7], begun=(next_one.version,))
        rig.write(store, next_one.chunks[7:], publications=(next_one.publication(),))
        rig.expect([*one.chunks, *next_one.chunks], "after less was written than was announced")

    def test_a_failed_batch_leaves_no_receipt_and_no_reject(self, rig: Rig) -> None:
        """Fails: the receipt is recorded apart from the rows. Record it in their transaction, last."""
        change = _Change(rig, 4)
        ledger = ledger_of(change.store)
        for step in change.steps():
            change.fail(InjectedFailure, step)
            assert not ledger.committed(change.receipt.batch_id), f"committed, but failed at step {step}"
            assert ledger.rejects() == []
            assert [known.version for known in ledger.documents(COLLECTION)] == [change.old.version]
            assert ledger.pending(COLLECTION) == []

    def test_the_sink_is_usable_after_a_failure(self, rig: Rig) -> None:
        """Fails: a failed write leaves the connection in a bad state. Roll back, or connect again."""
        store = rig.open()
        first, second = sample("a.md"), sample("b.md")
        for step in (1, 12, 30):
            rig.fail(store, first.chunks, step, receipt(3))
        rig.publish(store, first)
        rig.publish(store, second)
        rig.expect([*first.chunks, *second.chunks], "after failures and good writes")

    def test_a_failing_step_of_the_sink_stores_all_or_nothing(self, rig: Rig, faults: Faults | None) -> None:
        """Fails: a step of the sink (statement, file, request) failed, and half of the batch is there."""
        if faults is None:
            pytest.skip("the fixture `faults` is not supplied")
        step, failed = 0, True
        while failed:
            step += 1
            assert step < _MOST_STEPS, f"`faults` still makes step {step} fail, of a small batch"
            store, old, new = rig.open(), sample(f"{step}.md"), sample(f"{step}.md", 5, content="2")
            rig.publish(store, old)
            before = {row["id"] for row in rig.rows()}
            publication = new.publication()
            written = receipt(5, publications=(publication,))
            given = rig.ready(store, written)
            with faults(step):
                try:
                    store.write(batch(new.chunks), given)
                    failed = False
                except Exception:  # noqa: BLE001 - any will do
                    failed = True
            after = {row["id"] for row in rig.rows()}
            whole = before - {c.id for c in old.chunks} | {c.id for c in new.chunks}
            if self.transactional or not failed:
                assert after in (([before] if failed else []) + [whole]), (
                    f"half a batch after step {step} failed"
                )
                if store.ledger is not None:
                    there = rig.open().ledger
                    assert there is not None
                    assert there.committed(written.batch_id) == (after == whole), (
                        f"step {step}: receipt and rows"
                    )
            store.write(batch(new.chunks), given)
            rig.record(store, written)
            assert {row["id"] for row in rig.rows()} == whole, f"written again after step {step} failed"
        assert step > 1, "`faults(1)` made no step fail; is the fixture wired to the sink?"

    def test_readers_never_see_half_of_a_batch(self, rig: Rig) -> None:
        """Fails: readers look on while rows are replaced. Make the change visible at one instant."""
        if not self.transactional:
            pytest.skip("the sink has no transactions")
        for part in (1, 2, 3, 4):
            change = _Change(rig, 4)
            gate = Gate(max(1, change.reads() * part // 4), patience=2.0)
            call = Call(partial(change.write, gate.fuse))
            gate.reached.wait(rig.patience)
            seen = [row["id"] for row in rig.rows()]
            gate.open()
            call.result(rig.patience, "a write")
            whole = [sorted(chunk.id for chunk in chunks) for chunks in (change.old.chunks, change.chunks)]
            assert seen in whole, f"a reader saw {len(seen)} rows while a batch was being written"
            versions = {chunk.document_id: chunk.source_file for chunk in change.chunks}
            rig.write(change.store, [], deleted=tuple((name, key) for key, name in versions.items()))

    def test_writing_a_batch_twice_stores_it_once(self, rig: Rig) -> None:
        """Fails: rows are appended. Look for the receipt first, or upsert by `id`."""
        store, one = rig.open(), sample("a.md")
        written = rig.publish(store, one)
        rig.send(store, one.chunks, written)
        rig.expect(one.chunks, "after the same batch was written twice")

    def test_a_batch_written_again_by_another_sink_is_stored_once(self, rig: Rig) -> None:
        """Fails: what was written is remembered by the instance only. Remember it in the target."""
        one = sample("a.md")
        store = rig.open()
        written = rig.publish(store, one)
        store.close()
        rig.send(rig.open(), one.chunks, written)
        rig.expect(one.chunks, "after another sink wrote the same batch")

    def test_rows_written_again_under_another_receipt_are_stored_once(self, rig: Rig) -> None:
        """Fails: a run that repeats what a killed one had begun doubles its rows. Upsert by `id`."""
        store, one = rig.open(), sample("a.md", 4)
        rig.write(store, one.chunks[:3], begun=(one.version,))
        rig.write(store, one.chunks[:2], continued=(one.id,))
        rig.write(store, one.chunks[1:], publications=(one.publication(),))
        rig.expect(one.chunks, "after overlapping batches")

    def test_a_row_written_again_takes_the_new_values(self, rig: Rig) -> None:
        """Fails: a row that is there is kept, as by INSERT OR IGNORE. A repair relies on an update."""
        store, one = rig.open(), sample("a.md")
        rig.publish(store, one)
        corrected = replace(
            one.chunks[1], chunk_text="corrected", chunk_hash="", metadata={"title": "corrected"}
        )
        rig.write(store, [corrected], continued=(one.id,))
        rig.expect([one.chunks[0], corrected, one.chunks[2]], "after a row was written anew")

    def test_a_batch_is_there_as_soon_as_write_returns(self, rig: Rig) -> None:
        """Fails: rows wait in a buffer. The receipt says that they are stored: store them first."""
        store, one = rig.open(), sample("a.md")
        rig.publish(store, one)
        rig.expect(one.chunks, "right after `write`, the sink still open")

    def test_reopening_finds_everything(self, rig: Rig) -> None:
        """Fails: `open` or `close` loses rows or receipts. Neither may touch what is stored."""
        first, second, third = sample("a.md"), sample("b.md"), sample("c.md", 4)
        receipts = []
        for change in (first, second):
            store = rig.open()
            receipts.append(rig.publish(store, change))
            store.close()
        store = rig.open()
        rig.write(store, third.chunks[:2], begun=(third.version,))
        store.close()
        store = rig.open()
        rig.expect([*first.chunks, *second.chunks], "after reopening")
        if store.ledger is not None:
            assert all(store.ledger.committed(written.batch_id) for written in receipts)
        rig.write(store, third.chunks[2:], publications=(third.publication(),))
        rig.expect([*first.chunks, *second.chunks, *third.chunks], "after a document was finished later")

    def test_writing_changes_neither_batch_nor_records(self, rig: Rig) -> None:
        """Fails: the sink works on the caller's data. The engine uses it again: for retries, for rejects."""
        one = sample("a.md", metadata={"title": "x", "tags": ["b", "a"]})
        given, written = batch(one.chunks), receipt(3, publications=(one.publication(),))
        copy = deepcopy((given, written))
        rig.open().write(given, written)
        assert (given, written) == copy, "`write` changed the batch or its receipt"


class _Change:
    """A batch that replaces a published document and adds another, with a reject."""

    def __init__(self, rig: Rig, size: int) -> None:
        self._rig = rig
        self.store = rig.open()
        self.old = sample("changed.md")
        rig.publish(self.store, self.old)
        new = sample("changed.md", min(size, rig.limits.rows) - 2, content="2")
        added = sample("added.md", 2)
        self.chunks = [*new.chunks, *added.chunks]
        self.receipt = receipt(
            len(self.chunks),
            publications=(new.publication(), added.publication()),
            rejects=(reject(sample("rejected.md").chunks[0]),),
        )

    def write(self, fuse: Fuse | None = None) -> None:
        """Write it, with a fuse in its records."""
        given = self._rig.ready(self.store, self.receipt)
        self.store.write(batch(fuse.fit(self.chunks) if fuse else self.chunks), given)
        self._rig.record(self.store, self.receipt)

    def fail(self, error: type[BaseException], step: int) -> None:
        """Write it, and fail at a step."""
        fuse = failing(error, step)
        try:
            self.write(fuse)
        except (Exception, InjectedInterrupt):  # noqa: BLE001 - any will do
            return
        assert not fuse.blown, f"reading the batch failed at step {step}, yet `write` returned"

    def reads(self) -> int:
        """Count how often such a batch is read, with one that is stored but never published."""
        fuse = Fuse()
        unseen = sample("unseen.md", len(self.chunks))
        self._rig.write(self.store, fuse.fit(unseen.chunks), begun=(unseen.version,))
        self._rig.write(self.store, [], discarded=(unseen.id,))
        assert fuse.reads, "`write` returned without reading the records"
        return fuse.reads

    def steps(self, parts: int = 9) -> list[int]:
        """Return numbers of reads at which to fail: the first, the last, and some between."""
        reads = self.reads()
        return sorted({1, *(max(1, reads * part // parts) for part in range(1, parts + 1))})
