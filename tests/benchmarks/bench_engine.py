"""The engine alone: batches and records through a writer into a sink that stores nothing.

Run as ``python tests/benchmarks/bench_engine.py [ROUNDS]``. CPU times of one process.
"""

from __future__ import annotations

import json
import statistics
import sys
import threading
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from batchwright import Batch, ErrorRecoveryAction, ProcessedChunk, Receipt, SizeLimits, Verdict
from batchwright.delivery.breaker import Breaker
from batchwright.delivery.courier import Courier
from batchwright.delivery.limit import RejectLimit
from batchwright.delivery.retry import Schedule
from batchwright.delivery.work import Work
from batchwright.delivery.writers import Buffer, Sizer, Writer
from batchwright.delivery.writing import Persistence
from batchwright.failure import Decision
from batchwright.ledger import DocumentVersion
from batchwright.tally import Tally

DOCUMENTS, CHUNKS = 2_000, 8


class Nowhere:
    """Stores nothing; fails the first time for every `flaky`-th batch, and always for a bad record."""

    def __init__(self, flaky: int = 0, bad: int = 0) -> None:
        self.flaky = flaky
        self.bad = bad
        self.writes = 0
        self._failed: set[str] = set()

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt, timeout: float | None) -> None:
        self.writes += 1
        if self.flaky and batch.batch_index % self.flaky == 0 and receipt.batch_id not in self._failed:
            self._failed.add(receipt.batch_id)
            raise TimeoutError
        if self.bad and any(chunk.chunk_token_count % self.bad == 0 for chunk in batch.documents):
            raise ValueError

    def committed(self, batch_id: str, timeout: float | None) -> bool:
        return False

    def probe(self) -> None:
        pass


def works() -> list[Work]:
    """Make documents of eight chunks each."""
    made = []
    for number in range(DOCUMENTS):
        name = f"{number}.md"
        chunks = [
            ProcessedChunk(
                "x" * 100,
                *("hash", "head", name, None, None),
                *(index, CHUNKS, number * CHUNKS + index + 1, {}, f"{number:028d}{index:08x}"),
                *(index * 100, index * 100 + 100),
            )
            for index in range(CHUNKS)
        ]
        made.append(Work(DocumentVersion(name, f"{number:028d}00000000", "h", "s", 800, CHUNKS), chunks))
    return made


def measure(rows: int, store: Nowhere) -> float:
    """Return the CPU seconds that a writer takes for all documents."""
    stop, tally, buffer = threading.Event(), Tally(), Buffer(1 << 40)
    for work in works():
        buffer.put(work)
    buffer.end()

    def decide(error: Exception, number: int, batch: Batch[Any]) -> Decision:
        transient = isinstance(error, TimeoutError)
        action = ErrorRecoveryAction.RETRY if transient else ErrorRecoveryAction.SKIP
        return Decision(Verdict(action), "benchmark")

    courier = Courier(
        run_id="run",
        session="run",
        writer=0,
        persistence=Persistence(
            store, decide, Schedule(base=0.0), 60.0, Breaker(60.0, stop, lambda event: None, str), stop
        ),
        limit=RejectLimit(None, lambda: 0),
        emit=lambda event: None,
        tally=tally,
        on_stored=lambda part, batch: None,
        on_finished=lambda work: writer.finished(work),
    )
    writer = Writer(
        number=0,
        buffer=buffer,
        courier=courier,
        sizer=Sizer(lambda feedback, limits: rows, SizeLimits(5_000), lambda: 0, fixed=rows),
        next_index=count().__next__,
        stop=stop,
        on_end=lambda ending, defect: None,
        tally=tally,
    )
    began = time.process_time()
    writer.run()
    taken = time.process_time() - began
    account = tally.account()
    assert account.records.written + account.records.rejected == DOCUMENTS * CHUNKS
    return taken


def run(rounds: int = 5) -> list[dict[str, Any]]:
    """Measure every case, in turn, `rounds` times."""
    cases: dict[tuple[str, int], Callable[[], Nowhere]] = {
        ("plain", 1): Nowhere,
        ("plain", 32): Nowhere,
        ("plain", 1000): Nowhere,
        ("one batch in ten retried", 32): lambda: Nowhere(flaky=10),
        ("one record in a thousand bad", 1000): lambda: Nowhere(bad=1000),
    }
    taken: dict[tuple[str, int], list[float]] = {case: [] for case in cases}
    for _ in range(rounds):
        for case, make in cases.items():
            taken[case].append(measure(case[1], make()))
    records = DOCUMENTS * CHUNKS
    return [
        {
            "what": what,
            "batch": rows,
            "us_per_batch": round(1e6 * statistics.median(times) * rows / records, 1),
            "us_per_record": round(1e6 * statistics.median(times) / records, 2),
        }
        for (what, rows), times in taken.items()
    ]


def main() -> None:
    """Print a table and JSON."""
    results = run(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
    print(f"{'engine alone':32}{'batch':>6}{'us/batch':>10}{'us/record':>11}")
    for row in results:
        print(f"{row['what']:32}{row['batch']:>6}{row['us_per_batch']:>10}{row['us_per_record']:>11}")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
