"""The metrics: what each event does to them. Names and units as Prometheus wants them.

See https://prometheus.io/docs/practices/naming/ and https://prometheus.io/docs/practices/instrumentation/.
"""

from __future__ import annotations

import re
import time
from contextlib import AbstractContextManager, nullcontext

from batchwright.events import (
    BatchRetrying,
    BatchWritten,
    DocumentFinished,
    Event,
    InputCounted,
    OutageEnded,
    OutageStarted,
    RecordRejected,
    RunFinished,
    RunStarted,
)
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from batchwright_prometheus.figures import FIGURES, Figures, Increment
from batchwright_prometheus.last_run import LastRun

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
RECORDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000, 2_000, 5_000)

MOST_VALUES = 50
"""Values that a label may have, at most; those beyond share the value `other`."""

LONGEST_VALUE = 200
"""Characters of an error's name, at most."""

_SQLSTATE = re.compile(r"[0-9A-Z]{5}")


class Metrics:
    """All metrics, in a registry. Counters go on over all runs that are handed to the same object.

    Args:
        registry: Where they are kept. If it has a lock (see `MomentRegistry`), that is held for each event.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str, *labels: str, unit: str = "") -> Counter:
            return Counter(f"batchwright_{name}", text, labels, registry=registry, unit=unit)

        def gauge(name: str, text: str, *labels: str, unit: str = "") -> Gauge:
            return Gauge(f"batchwright_{name}", text, labels, registry=registry, unit=unit)

        self._lock: AbstractContextManager[object] = getattr(registry, "lock", nullcontext())
        self._figures = Figures()
        self._counters = {
            "records": counter("records", "Records by what became of them.", "state"),
            "documents": counter("documents", "Documents by what became of them.", "change"),
            "batches": counter("batches", "Batches by how they ended.", "result"),
            "retries": counter("retries", "Batch writes that were repeated, by SQLSTATE.", "sqlstate"),
            "pruned": counter("pruned_documents", "Documents removed since they are gone from the input."),
            "cleaned": counter(
                "cleaned_characters", "Characters removed or escaped: databases can't hold them."
            ),
            "bytes_read": counter("read_bytes", "Bytes of the documents done with.", unit="bytes"),
        }
        for figure, kinds in FIGURES.items():
            for kind in kinds:
                self._grow(Increment(figure, kind, 0))
        self._rejects = counter("rejects", "Records set aside by this process, by error.", "error")
        self._connection_retries = counter(
            "connection_retries",
            "Calls repeated to open the sink or use its ledger, by SQLSTATE.",
            "sqlstate",
        )
        self._write_seconds = Histogram(
            "batchwright_batch_write_seconds",
            "Time that committed writes took: of a batch, or a part of one.",
            buckets=SECONDS,
            registry=registry,
            unit="seconds",
        )
        self._batch_records = Histogram(
            "batchwright_batch_records", "Records of committed writes.", buckets=RECORDS, registry=registry
        )
        self._outage_seconds = counter(
            "outage_seconds", "Time that the sink was down, up to the end of the last outage.", unit="seconds"
        )
        self._outage = gauge("outage", "1 while the sink is down and batches are held, else 0.")
        self._running = gauge("running", "1 while a run goes on, else 0.")
        self._info = gauge("run_info", "Always 1: the current or last run.", "run_id", "source", "target")
        self._input_documents = gauge("input_documents", "Documents that the run found.")
        self._input_bytes = gauge("input_bytes", "Bytes of the documents that the run found.", unit="bytes")
        self._progress = gauge("progress_ratio", "Share of the input done with, by bytes: 0 to 1.")
        self.last_run = LastRun(registry)
        self._errors = _Values()
        self._states = _Values()
        self._run_started = 0.0
        self._outage_started: float | None = None
        self._size = self._done = 0

    @property
    def running(self) -> bool:
        """Whether a run was started that has not finished."""
        return self._run_started > 0

    def handle(self, event: Event) -> None:
        """Take an event in."""
        with self._lock:
            self._handle(event)

    def _handle(self, event: Event) -> None:
        for increment in self._figures.add(event):
            self._grow(increment)
        match event:
            case RunStarted():
                self._start(event)
            case InputCounted():
                self._size = event.size
                self._input_documents.set(event.documents)
                self._input_bytes.set(event.size)
            case DocumentFinished() if event.change != "deleted":
                self._done += event.size
                self._progress.set(min(1.0, self._done / self._size) if self._size else 0.0)
            case BatchWritten():
                self._write_seconds.observe(event.seconds)
                self._batch_records.observe(event.records)
            case BatchRetrying() if event.batch_index < 0:
                self._connection_retries.labels(self._sqlstate(event.sqlstate)).inc()
            case RecordRejected() if event.position >= 0:
                self._rejects.labels(self._errors.bounded(_encodable(event.error)[:LONGEST_VALUE])).inc()
            case OutageStarted():
                self._outage_started = time.monotonic()
                self._outage.set(1)
            case OutageEnded():
                self._end_outage(event.seconds)
            case RunFinished():
                self._finish(event)
            case _:
                pass

    def abandon(self) -> None:
        """Note that the run ended without an account."""
        seconds = time.monotonic() - self._run_started
        with self._lock:
            self._stop()
            self.last_run.set(success=False, seconds=seconds, account=None)

    def _start(self, event: RunStarted) -> None:
        self._run_started = time.monotonic()
        self._size = self._done = 0
        self._progress.set(0)
        self._info.clear()
        self._info.labels(*map(_encodable, (event.run_id, event.source, event.target))).set(1)
        self._running.set(1)

    def _finish(self, event: RunFinished) -> None:
        self._stop()
        if event.state == "done":
            self._progress.set(1)
        self.last_run.set(success=event.state == "done", seconds=event.account.seconds, account=event.account)

    def _stop(self) -> None:
        if self._outage_started is not None:  # it outlasted the run
            self._end_outage(time.monotonic() - self._outage_started)
        self._run_started = 0.0
        self._running.set(0)

    def _end_outage(self, seconds: float) -> None:
        self._outage_started = None
        self._outage.set(0)
        self._outage_seconds.inc(seconds)

    def _grow(self, increment: Increment) -> None:
        counter = self._counters[increment.figure]
        if increment.figure == "retries":
            counter.labels(self._sqlstate(increment.kind)).inc(increment.amount)
        elif increment.kind:
            counter.labels(increment.kind).inc(increment.amount)
        else:
            counter.inc(increment.amount)

    def _sqlstate(self, state: str | None) -> str:
        """Return the value for a label: without a state an empty one, which is as good as no label."""
        if not state:
            return ""
        return self._states.bounded(state) if _SQLSTATE.fullmatch(state) else "other"


class _Values:
    """The values that a label has had, so that there are never too many."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def bounded(self, value: str) -> str:
        """Return the value, or `other` where there are too many."""
        if value not in self._seen:
            if len(self._seen) >= MOST_VALUES:
                return "other"
            self._seen.add(value)
        return value


def _encodable(text: str) -> str:
    """Replace what UTF-8 can't hold: bytes in a path that are no text."""
    return text.encode("utf-8", "replace").decode("utf-8")
