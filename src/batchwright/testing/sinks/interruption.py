"""Checks: writes that hang and are cancelled; several writers at a time."""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from batchwright.contracts.receipts import Receipt
from batchwright.contracts.sink import Store
from batchwright.testing.calls import Call, within
from batchwright.testing.fuses import Fuse, Gate
from batchwright.testing.records import COLLECTION, Sample, batch, receipt, sample
from batchwright.testing.sinks.rig import Block, Rig, SinkChecks

_UNDER_WAY = 0.3
"""Seconds after which a write that hangs has surely begun to."""

_CANCELLED = "kit: to be cancelled"
_MOST_WRITERS = 4
_BATCHES = 6


class InterruptionChecks(SinkChecks):
    """`cancel`, and writers side by side."""

    def test_cancel_ends_a_write_that_hangs(self, rig: Rig, block: Block | None) -> None:
        """Fails: `cancel` doesn't reach the write. The engine calls it when a batch used up its time."""
        _, _, call = _hanging(rig, block)
        assert call.error is not None, "the write was cancelled, yet it returned as if all were stored"
        rig.expect([], "after a write was cancelled")
        ledger = rig.open().ledger
        assert ledger is None or not ledger.committed(_CANCELLED), "cancelled, but committed"

    def test_the_sink_is_usable_after_a_cancelled_write(self, rig: Rig, block: Block | None) -> None:
        """Fails: the cancellation lasts, or the connection is gone. Forget it when the next write begins."""
        store, one, _ = _hanging(rig, block)
        for again in (one, sample("b.md")):
            within(rig.patience, "a write after a cancelled one", partial(rig.publish, store, again))
        rig.expect([*one.chunks, *sample("b.md").chunks], "after a cancelled write, and two good ones")

    def test_cancel_returns_at_once(self, rig: Rig) -> None:
        """Fails: `cancel` waits for the write, as by taking its lock. Signal, and return."""
        store, one = rig.open(), sample("a.md", 12)
        fuse = Fuse()
        reads = sample("reads.md", 12)
        rig.write(store, fuse.fit(reads.chunks), begun=(reads.version,))
        gate = Gate(max(1, fuse.reads // 2), patience=rig.patience + 20)
        write = Call(partial(_write, store, gate, one))
        gate.reached.wait(rig.patience)
        try:
            within(rig.patience / 2, "`cancel` during a write", store.cancel)
        finally:
            gate.open()
        assert write.ends_within(rig.patience), "the write doesn't end after `cancel`"
        rows = [row["id"] for row in rig.rows()]
        whole = [chunk.id for chunk in one.chunks]
        assert rows == ([] if write.error else whole), (
            f"{len(rows)} rows of 12, and the write's error: {write.error!r}"
        )

    def test_cancel_of_an_idle_sink_does_no_harm(self, rig: Rig) -> None:
        """Fails: a `cancel` that comes too late ends the next write. Only the one under way may end."""
        store, one, other = rig.open(), sample("a.md"), sample("b.md")
        rig.publish(store, one)
        store.cancel()
        rig.publish(store, other)
        rig.expect([*one.chunks, *other.chunks], "after an idle sink was cancelled")
        store.close()
        store.cancel()

    def test_as_many_writers_as_declared_lose_nothing(self, rig: Rig) -> None:
        """Fails: writers get into each other's way. Lower `limits.writers`, or use transactions."""
        declared = self.concurrent_writers or rig.limits.writers
        writers = min(declared, _MOST_WRITERS)
        if writers < 2:
            pytest.skip("the sink takes one writer at a time")
        stores = [rig.open() for _ in range(writers)]
        work = [
            [sample(f"{writer}/{number}.md", 4) for number in range(_BATCHES)] for writer in range(writers)
        ]
        _together(rig, [partial(_load, rig, store, some) for store, some in zip(stores, work, strict=True)])
        rig.expect(
            [c for some in work for one in some for c in one.chunks], f"after {writers} writers at a time"
        )
        if stores[0].ledger is not None:
            assert len(stores[0].ledger.documents(COLLECTION)) == writers * _BATCHES, (
                "documents are missing in the ledger"
            )
            assert stores[0].ledger.pending(COLLECTION) == []

    def test_writers_of_the_same_batch_store_it_once(self, rig: Rig) -> None:
        """Fails: two writers find no receipt and both store. Let a unique key decide."""
        if min(self.concurrent_writers or rig.limits.writers, _MOST_WRITERS) < 2:
            pytest.skip("the sink takes one writer at a time")
        stores = [rig.open(), rig.open()]
        expected: list[Any] = []
        for number in range(_BATCHES):
            one = sample(f"{number}.md", 4)
            written = receipt(4, publications=(one.publication(),))
            _together(rig, [partial(_again, store, one, written) for store in stores])
            expected += one.chunks
            rig.expect(expected, "after two writers wrote the same batch at once")


def _hanging(rig: Rig, block: Block | None) -> tuple[Store, Sample, Call[None]]:
    """Return a write that hung and was cancelled, while it hung."""
    if block is None:
        pytest.skip("the fixture `block` is not supplied")
    store, one = rig.open(), sample("a.md")
    written = receipt(3, batch_id=_CANCELLED, publications=(one.publication(),))
    with block():
        call = Call(partial(store.write, batch(one.chunks), written))
        assert not call.ends_within(_UNDER_WAY), "the write doesn't hang; is the fixture `block` wired to it?"
        within(rig.patience / 2, "`cancel`", store.cancel)
        assert call.ends_within(rig.patience), f"the write still hangs {rig.patience:g} s after `cancel`"
    return store, one, call


def _write(store: Store, gate: Gate, one: Sample) -> None:
    store.write(batch(gate.fuse.fit(one.chunks)), receipt(12, publications=(one.publication(),)))


def _load(rig: Rig, store: Store, samples: Sequence[Sample]) -> None:
    for one in samples:
        rig.write(store, one.chunks[:2], begun=(one.version,))
        rig.write(store, one.chunks[2:], publications=(one.publication(),))


def _again(store: Store, one: Sample, written: Receipt) -> None:
    """Write as the engine does: what fails for the other writer's sake is tried again."""
    for attempt in range(5):
        try:
            store.write(batch(one.chunks), written)
        except Exception:
            if attempt == 4:
                raise
            time.sleep(0.05)
        else:
            return


def _together(rig: Rig, tasks: Sequence[partial[None]]) -> None:
    barrier = threading.Barrier(len(tasks))

    def run(task: partial[None]) -> None:
        barrier.wait(rig.patience)
        task()

    for call in [Call(partial(run, task)) for task in tasks]:
        call.result(rig.patience * 3, "a writer")
