"""Checks: workers in processes of their own, each with a sink of its own.

Where `limits.writers` is 1, the processes take turns; else they write at the same time.
"""

# ruff: noqa: S101 - the kit's checks are pytest tests

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from batchwright.testing.records import COLLECTION, Sample, receipt, sample
from batchwright.testing.sinks.rig import Rig, SinkChecks
from batchwright.testing.worker import Job, Worker, Write

_DOCUMENTS = 6
_MOST_PROCESSES = 3


class ProcessChecks(SinkChecks):
    """What runs on several processors, or machines, rests on."""

    def test_class_and_options_are_enough_for_another_process(self, rig: Rig) -> None:
        """Fails: a worker can't make the sink, or writes elsewhere. Take all from options; pickle them."""
        one = sample("a.md")
        self._work(rig, [_writes([one])])
        rig.expect(one.chunks, "after another process wrote")
        store = rig.open()
        known = store.ledger is None or store.ledger.document(COLLECTION, "a.md")
        assert known, "the ledger is not shared"

    def test_processes_that_write_lose_nothing(self, rig: Rig) -> None:
        """Fails: what one process wrote is gone after another one did. Lock, or lower `limits.writers`."""
        processes = max(2, min(self._writers(rig), _MOST_PROCESSES))
        work = [
            [sample(f"{process}/{number}.md", 4) for number in range(_DOCUMENTS)]
            for process in range(processes)
        ]
        everything = [_writes(samples) for samples in work]
        self._work(rig, everything)
        samples = [one for some in work for one in some]
        rig.expect([chunk for one in samples for chunk in one.chunks], f"after {processes} processes wrote")
        ledger = rig.open().ledger
        if ledger is not None:
            assert all(ledger.committed(written.batch_id) for some in everything for _, written in some)
            known = {document.version.key for document in ledger.documents(COLLECTION)}
            assert known == {one.version.key for one in samples}, "the ledger lacks documents"
            assert ledger.pending(COLLECTION) == []

    def test_processes_that_write_the_same_batches_store_them_once(self, rig: Rig) -> None:
        """Fails: a batch that was given to two workers is there twice. Let the target say what is stored."""
        samples = [sample(f"{number}.md", 4) for number in range(_DOCUMENTS)]
        writes = _writes(samples)
        self._work(rig, [writes, writes])
        rig.expect([chunk for one in samples for chunk in one.chunks], "after two processes wrote the same")

    def _writers(self, rig: Rig) -> int:
        return self.concurrent_writers or rig.limits.writers

    def _work(self, rig: Rig, work: Sequence[Sequence[Write]]) -> None:
        """Let a process write each: all at once as far as `limits` lets them, else one after another."""
        sink = rig.make()
        jobs = [Job(type(sink), sink.options, writes) for writes in work]
        at_once = min(self._writers(rig), len(jobs))
        for start in range(0, len(jobs), at_once):
            with ExitStack() as stack:
                some = jobs[start : start + at_once]
                workers = [stack.enter_context(Worker(job, rig.patience)) for job in some]
                for worker in workers:
                    worker.wait_until_ready()
                for worker in workers:
                    worker.begin()
                for worker in workers:
                    worker.finish()


def _writes(samples: Sequence[Sample]) -> list[Write]:
    """Return two writes a document, the second of which publishes it."""
    writes: list[Write] = []
    for one in samples:
        half = len(one.chunks) // 2
        writes.append((one.chunks[:half], receipt(half, begun=(one.version,))))
        publication = one.publication()
        writes.append((one.chunks[half:], receipt(len(one.chunks) - half, publications=(publication,))))
    return writes
