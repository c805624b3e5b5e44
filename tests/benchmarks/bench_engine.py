"""The engine alone: batches and records through a writer into a sink that stores nothing. CPU time.

Everything is there that a run has between the reader and the sink: the buffer, the courier, the deadline's
thread, the events, and a reporter that counts them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from batchwright.engine.delivery.connection import Connection
from batchwright.engine.delivery.courier import Courier
from batchwright.engine.delivery.once import Persistence

from batchwright import Batch, ErrorRecoveryAction, ProcessedChunk, Receipt, SizeLimits, Verdict
from batchwright.contracts.events import Event
from batchwright.contracts.failure import Decision
from batchwright.contracts.receipts import DocumentVersion
from batchwright.contracts.reporter import Reporter, ReporterOptions
from batchwright.contracts.sink import Sink, SinkOptions
from batchwright.engine.delivery.breaker import Breaker
from batchwright.engine.delivery.buffer import Buffer
from batchwright.engine.delivery.limit import RejectLimit
from batchwright.engine.delivery.parts import Work
from batchwright.engine.delivery.retry import Schedule
from batchwright.engine.delivery.writer import Sizer, Writer
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.pool import DatabasePool
from batchwright.engine.tally import Tally
from tests.benchmarks.measuring import Case, Cost, Result, in_process
from tests.benchmarks.reporting import report
from tests.benchmarks.scope import Scope

CHUNKS = 8
PLAIN = "1,000 a batch"


@dataclass(frozen=True)
class Faults:
    """What goes wrong: the first write of every `flaky`-th batch, and every write of a bad record."""

    flaky: int = 0
    bad: frozenset[int] = frozenset()


class Nowhere(Sink[SinkOptions]):
    """Stores nothing, and fails as it is told."""

    name, schemes = "nowhere", ("nowhere",)

    def __init__(self, faults: Faults) -> None:
        super().__init__(SinkOptions.model_validate({"url": "nowhere:"}))
        self.faults = faults
        self.writes = 0
        self._failed: set[str] = set()

    def write(self, batch: Batch[ProcessedChunk], receipt: Receipt) -> None:
        self.writes += 1
        faults = self.faults
        if faults.flaky and batch.batch_index % faults.flaky == 0 and receipt.batch_id not in self._failed:
            self._failed.add(receipt.batch_id)
            raise TimeoutError
        if faults.bad and not faults.bad.isdisjoint(chunk.chunk_token_count for chunk in batch.documents):
            raise ValueError


class Way(Connection):
    """The way to a sink that has no ledger, and stored nothing when it failed."""

    def committed(self, batch_id: str, timeout: float | None) -> bool:
        return False


class Hearing(Reporter[ReporterOptions]):
    """Counts events."""

    name = "hearing"
    heard = 0

    def handle(self, event: Event) -> None:
        self.heard += 1


def works(documents: int) -> list[Work]:
    """Make documents of eight chunks each; a chunk's token count is its number."""
    made = []
    for number in range(documents):
        name = f"{number}.md"
        chunks = [
            ProcessedChunk(
                "x" * 100,
                *("hash", "head", name, None, None),
                *(index, CHUNKS, number * CHUNKS + index, {}, f"{number:028d}{index:08x}"),
                *(index * 100, index * 100 + 100),
            )
            for index in range(CHUNKS)
        ]
        made.append(Work(DocumentVersion(name, f"{number:028d}00000000", "h", "s", 800, CHUNKS), chunks))
    return made


def decide(error: Exception, number: int, batch: Batch[Any]) -> Decision:
    """Retry a timeout, skip the rest."""
    transient = isinstance(error, TimeoutError)
    return Decision(
        Verdict(ErrorRecoveryAction.RETRY if transient else ErrorRecoveryAction.SKIP), "benchmark"
    )


def line(sink: Nowhere, size: int, documents: list[Work]) -> tuple[Callable[[], None], Tally]:
    """Return what takes the documents through a writer, and where it counts."""
    stop, tally, buffer = threading.Event(), Tally(), Buffer(1 << 40)
    for work in documents:
        buffer.put(work)
    buffer.end()
    dispatcher = Dispatcher([Hearing(ReporterOptions())])
    connection = Way(DatabasePool(lambda: sink), None)
    courier = Courier(
        run_id="run",
        session="run",
        writer=0,
        persistence=Persistence(
            connection,
            decide,
            Schedule(base=0.0),
            60.0,
            Breaker(60.0, stop, dispatcher.emit, str),
            stop,
        ),
        limit=RejectLimit(None, lambda: 0),
        emit=dispatcher.emit,
        tally=tally,
        on_stored=lambda part, batch: None,
        on_finished=lambda work: writer.finished(work),
    )
    writer = Writer(
        number=0,
        buffer=buffer,
        courier=courier,
        sizer=Sizer(lambda feedback, limits: size, SizeLimits(5_000), lambda: 0, fixed=size),
        next_index=count().__next__,
        stop=stop,
        on_end=lambda ending, defect: connection.close(),
        tally=tally,
    )
    return writer.run, tally


def measure(documents: int, size: int, faults: Faults, writes: list[int] | None = None) -> Cost:
    """Return the cost of all records in batches of `size`; add to `writes` how many there were.

    Raises:
        AssertionError: The account is wrong.
    """
    sink = Nowhere(faults)
    run, tally = line(sink, size, works(documents))
    cost = in_process(run, rows=documents * CHUNKS)
    records = tally.account().records
    if (records.written, records.rejected) != (cost.rows - len(faults.bad), len(faults.bad)):
        raise AssertionError(f"{records} is not the account of {cost.rows} records, {faults}")
    if writes is not None:
        writes.append(sink.writes)
    return cost


def run(scope: Scope) -> Path:
    """Measure; return the file of results."""
    documents = max(250, scope.rows // CHUNKS)
    records = documents * CHUNKS
    far = frozenset(range(0, records, 1_000))
    adjacent = frozenset(start + offset for start in far for offset in range(10))
    spread = frozenset(range(0, records, 100))
    kinds: dict[str, tuple[int, Faults]] = {
        PLAIN: (1_000, Faults()),
        "256 a batch": (256, Faults()),
        "32 a batch": (32, Faults()),
        "1 a batch": (1, Faults()),
        "32 a batch, one batch in ten retried": (32, Faults(flaky=10)),
        "1 bad record among 1,000": (1_000, Faults(bad=far)),
        "10 bad records among 1,000, adjacent": (1_000, Faults(bad=adjacent)),
        "10 bad records among 1,000, far apart": (1_000, Faults(bad=spread)),
    }
    writes: dict[str, list[int]] = {what: [] for what in kinds}
    cases = [
        Case(
            what,
            partial(measure, documents, size, faults, writes[what]),
            None if what == PLAIN else PLAIN,
            clock="cpu",
            facts={"batch": size, "bad": len(faults.bad), "writes": writes[what]},
        )
        for what, (size, faults) in kinds.items()
    ]
    results = scope.measure(cases, times=2)
    prices = {result.case.name: price(result, kinds[result.case.name][0]) for result in results}
    file = report("engine", "Engine alone, CPU time", results, facts=prices, folder=scope.results)
    for what, (a_batch, a_record) in prices.items():
        print(f"{what:40}{a_batch:9.1f} µs a batch {a_record:7.2f} µs a record {writes[what][-1]:6} writes")
    return file


def price(result: Result, size: int) -> tuple[float, float]:
    """Return the microseconds a batch and a record."""
    a_record = 1e6 * result.seconds().median / result.costs[0].rows
    return a_record * size, a_record
