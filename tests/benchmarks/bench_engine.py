"""The engine alone: batches and records through a writer into a store that keeps nothing. CPU time.

Everything is there that a run has between the reader and the store: the buffer, the deliverer, the deadline's
thread, the judge, the events and the account, and a reporter that counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

from batchwright import (
    Batch,
    BatchConfig,
    ErrorRecoveryAction,
    ProcessedChunk,
    Receipt,
    SizeLimits,
    hookimpl,
)
from batchwright.contracts.events import Event
from batchwright.contracts.failure import Failure
from batchwright.contracts.receipts import DocumentVersion
from batchwright.contracts.records import RecordType
from batchwright.contracts.reporter import Reporter, ReporterOptions
from batchwright.contracts.sink import AnySink, Sink, SinkOptions, Store
from batchwright.engine.delivery.buffer import Buffer
from batchwright.engine.delivery.sizer import Sizer
from batchwright.engine.delivery.work import Work
from batchwright.engine.delivery.writer import Writer
from batchwright.engine.dispatch import Dispatcher
from batchwright.engine.session import Session
from batchwright.engine.setup import Setup
from batchwright.engine.store.policy import DeliveryPolicy
from batchwright.engine.store.retry import Schedule
from batchwright.engine.tally import Tally
from batchwright.plugins.manager import PluginManager
from tests.benchmarks.measuring import Case, Cost, Result, in_process
from tests.benchmarks.reporting import report
from tests.benchmarks.scope import Scope
from tests.support.memory import Database, MemoryLedger

CHUNKS = 8
PLAIN = "1,000 a batch"


@dataclass(frozen=True)
class Faults:
    """What goes wrong: the first write of every `flaky`-th batch, and every write of a bad record."""

    flaky: int = 0
    bad: frozenset[int] = frozenset()


class EmptyLedger(MemoryLedger):
    """Knows of nothing."""

    def committed(self, batch_id: str) -> bool:
        return False


class Nowhere(Store):
    """Keeps nothing, and fails as the script says."""

    ledger = EmptyLedger(Database())

    def __init__(self, faults: Faults) -> None:
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


class NowhereSink(Sink[SinkOptions]):
    """Opens one store, always the same."""

    name, schemes = "nowhere", ("nowhere",)
    store: Nowhere

    def open(self, record_type: RecordType | None = None, *, create: bool = True) -> Nowhere:
        return self.store


class Plugin:
    """Offers the sink, and classifies: retry a timeout, skip the rest."""

    name = "benchmark"

    def __init__(self, store: Nowhere) -> None:
        self.store = store

    @hookimpl
    def register_sinks(self) -> Iterable[type[AnySink]]:
        return [type("TheSink", (NowhereSink,), {"store": self.store})]

    @hookimpl
    def classify_error(self, failure: Failure) -> ErrorRecoveryAction:
        transient = isinstance(failure.error, TimeoutError)
        return ErrorRecoveryAction.RETRY if transient else ErrorRecoveryAction.SKIP


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


def line(store: Nowhere, size: int, documents: list[Work]) -> tuple[Callable[[], None], Tally]:
    """Return what takes the documents through a writer, and where it counts."""
    buffer = Buffer(1 << 40)
    for work in documents:
        buffer.put(work)
    buffer.end()
    dispatcher = Dispatcher([Hearing(ReporterOptions())])
    setup = Setup(
        BatchConfig(input_dir=Path(), to="nowhere:"),
        PluginManager.load([Plugin(store)], scan=False),
        DeliveryPolicy(retries=Schedule(base=0.0), batch_timeout=60.0),
        dispatcher,
    )
    session = Session(setup).open()
    writer = Writer(
        session,
        0,
        buffer,
        Sizer(lambda feedback, limits: size, SizeLimits(5_000), lambda: 0, fixed=size),
        count().__next__,
        lambda ending, defect, cause: session.close(),
    )
    writer.open()
    return writer.run, dispatcher.tally


def measure(documents: int, size: int, faults: Faults, writes: list[int] | None = None) -> Cost:
    """Return the cost of all records in batches of `size`; add to `writes` how many there were.

    Raises:
        AssertionError: The account is wrong.
    """
    store = Nowhere(faults)
    run, tally = line(store, size, works(documents))
    cost = in_process(run, rows=documents * CHUNKS)
    records = tally.account().records
    if (records.written, records.rejected) != (cost.rows - len(faults.bad), len(faults.bad)):
        raise AssertionError(f"{records} is not the account of {cost.rows} records, {faults}")
    if writes is not None:
        writes.append(store.writes)
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
