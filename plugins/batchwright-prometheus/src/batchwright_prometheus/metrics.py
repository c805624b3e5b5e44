"""The metrics: what each event does to them. Names and units as Prometheus wants them.

Events may be lost, or come twice if work is done again; only the account is exact. So the counters of its
figures grow by the account when a run is finished, and the gauges of the run, which can be corrected, show
what the events add up to until then.

What tells whether runs go well has a label `collection`: the last run of one collection must not hide that
of another. The counters have none, since each collection would multiply their series.

See https://prometheus.io/docs/practices/naming/ and https://prometheus.io/docs/practices/instrumentation/.
"""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from batchwright import Account
from batchwright.contracts import exits
from batchwright.contracts.events import (
    BatchRetrying,
    BatchWritten,
    DocumentsFinished,
    Event,
    InputCounted,
    OutageEnded,
    OutageStarted,
    RecordRejected,
    RunFinished,
    RunNotStarted,
    RunStarted,
)
from batchwright.contracts.figures import Figures
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.samples import Sample

from batchwright_prometheus.last_run import LastRun

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
RECORDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000, 2_000, 5_000)

MOST_VALUES = 50
"""Values that a label may have, at most; those beyond share the value `other`."""

LONGEST_VALUE = 1_000
"""Characters of a label's value, at most."""

CODES = (
    exits.DONE,
    exits.FAILED,
    exits.USAGE,
    exits.REJECTS,
    exits.BUSY,
    exits.interrupted(signal.SIGINT),
    exits.interrupted(signal.SIGTERM),
)
"""Exit codes that are counted from 0, so that `increase` has something to begin with."""

Metric = TypeVar("Metric", bound=MetricWrapperBase)

_SQLSTATE = re.compile(r"[0-9A-Z]{5}")


class Metrics:
    """All metrics, in a registry. Counters add up over all runs that use the same object.

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
            "documents": counter("documents", "Documents by what became of them.", "state"),
            "batches": counter("batches", "Batches by how they ended.", "result"),
            "retries": counter("retries", "Batch writes that were repeated."),
            "removed": counter("removed_documents", "Documents removed since they are gone from the input."),
            "unfetched": counter(
                "unfetched_documents", "Unchanged documents that were not fetched, by what their source says."
            ),
            "bytes_read": counter("read_bytes", "Bytes of the documents read.", unit="bytes"),
            "left_out": counter("left_out", "What was left out of the input, by reason.", "reason"),
            "vectors": counter(
                "vectors", "Rows by how they came by their vectors, or why they have none.", "state"
            ),
            "texts_sent": counter("embedded_texts", "Texts that were embedded."),
            "tokens_sent": counter("embedded_tokens", "Tokens of the texts that were embedded."),
        }
        self._gauges = {
            "records": gauge("run_records", "Records of the run by what became of them so far.", "state"),
            "documents": gauge(
                "run_documents", "Documents of the run by what became of them so far.", "state"
            ),
            "batches": gauge("run_batches", "Batches of the run by how they ended so far.", "result"),
            "retries": gauge("run_retries", "Batch writes that the run repeated so far."),
            "texts_sent": gauge("run_embedded_texts", "Texts that the run had embedded so far."),
        }
        self._rejects = counter("rejects", "Records set aside by this process, by error.", "error")
        self._runs = counter(
            "runs", "Attempts at a run by exit code, those too that did not begin.", "exit_code"
        )
        for code in CODES:
            self._runs.labels(str(code))
        self._faults = counter(
            "faults", "Errors after which a call was repeated, by SQLSTATE or exception.", "call", "error"
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
        self._outage = gauge("outage", "1 while the sink is down and batches wait, else 0.")
        self._run_rejects = gauge("run_rejects", "Records that the run set aside so far, by error.", "error")
        self._run_faults = gauge(
            "run_faults", "Errors so far after which the run repeated a call.", "call", "error"
        )
        self._running = gauge("running", "1 while a run goes on, else 0.", "collection")
        self._last_seen = gauge(
            "last_seen_timestamp_seconds", "When the run was last known to go on, in Unix time.", "collection"
        )
        labels = ("run_id", "collection", "source", "target")
        self._info = gauge("run_info", "Always 1: the current or last run.", *labels)
        self._input_documents = gauge("input_documents", "Documents that the run found.")
        self._input_bytes = gauge("input_bytes", "Bytes of the documents that the run found.", unit="bytes")
        self._progress = gauge("progress_ratio", "Share of the input done with, by bytes: 0 to 1.")
        self.last_run = LastRun(registry)
        self._errors = _Values()
        self._fault_errors = _Values()
        self._collections = _Values()
        self._collection = ""
        self._seen: dict[str, float] = {}
        self._run_started = 0.0
        self._outage_started: float | None = None
        self._size = self._done = 0
        for (figure, kind), value in self._figures.values.items():
            _of_kind(self._counters[figure], kind)  # so that it is there from the start
            self._show(figure, kind, value)

    @property
    def running(self) -> bool:
        """Whether a run was started that has not finished."""
        return self._run_started > 0

    def remember(self, samples: Iterable[Sample]) -> None:
        """Learn the labels' values of an earlier process, so that there are not too many with this one's."""
        known = {
            ("batchwright_rejects_total", "error"): self._errors,
            ("batchwright_faults_total", "error"): self._fault_errors,
            ("batchwright_last_run_success", "collection"): self._collections,
        }
        for sample in samples:
            for label, value in sample.labels.items():
                if (sample.name, label) in known:
                    known[sample.name, label].bounded(value)

    def handle(self, event: Event) -> None:
        """Take an event in."""
        with self._lock:
            self._handle(event)

    def _handle(self, event: Event) -> None:
        for (figure, kind), value in self._figures.add(event).items():
            self._show(figure, kind, value)
        match event:
            case RunStarted():
                self._start(event)
            case InputCounted():
                self._size = event.size
                self._input_documents.set(event.documents)
                self._input_bytes.set(event.size)
            case DocumentsFinished(state="added" | "changed" | "unchanged" | "refused" | "failed"):
                self._done += event.size
                self._progress.set(min(1.0, self._done / self._size) if self._size else 0.0)
            case BatchWritten() if event.batch_index is not None:  # else an earlier attempt wrote it
                self._write_seconds.observe(event.seconds)
                self._batch_records.observe(event.records)
            case BatchRetrying():
                phase = event.phase if event.phase in ("read", "embed") else "connection"
                call = phase if event.batch_index is None else "write"
                error = self._fault_errors.bounded(_error(event))
                self._faults.labels(call, error).inc()
                self._run_faults.labels(call, error).inc()
            case RecordRejected() if event.position is not None:
                error = self._errors.bounded(_encodable(event.error))
                self._rejects.labels(error).inc()
                self._run_rejects.labels(error).inc()
            case OutageStarted():
                self._outage_started = time.monotonic()
                self._outage.set(1)
            case OutageEnded():
                self._end_outage(event.seconds)
            case RunFinished():
                self._finish(event)
            case RunNotStarted():
                self._not_started(event)
            case _:
                pass

    def abandon(self) -> None:
        """Note that the run ended without an account."""
        seconds = time.monotonic() - self._run_started
        with self._lock:
            self._stop()
            self.last_run.set(self._collection, exits.FAILED, seconds)
            self._runs.labels(str(exits.FAILED)).inc()

    def _not_started(self, event: RunNotStarted) -> None:
        """Note an attempt of which nothing came: it did none of what a run does."""
        collection = self._collections.bounded(_encodable(event.collection))
        self.last_run.set(collection, event.exit_code, 0, Account())
        self._runs.labels(str(event.exit_code)).inc()

    def _start(self, event: RunStarted) -> None:
        self._run_started = time.monotonic()
        self._size = self._done = 0
        self._progress.set(0)
        for of_one_run in (self._info, self._run_rejects, self._run_faults):
            of_one_run.clear()
        values = (event.run_id, event.collection, event.source, event.target)
        self._info.labels(*map(_encodable, values)).set(1)
        self._collection = collection = self._collections.bounded(_encodable(event.collection))
        self._running.labels(collection).set(1)
        self._seen.pop(collection, None)
        self._last_seen.labels(collection).set_function(lambda: self._seen.get(collection) or time.time())

    def _finish(self, event: RunFinished) -> None:
        self._stop()
        for (figure, kind), value in self._figures.values.items():  # those of the account, by now
            _of_kind(self._counters[figure], kind).inc(value)
        if event.state == "done":
            self._progress.set(1)
        self._runs.labels(str(event.exit_code)).inc()
        self.last_run.set(self._collection, event.exit_code, event.account.seconds, event.account)

    def _stop(self) -> None:
        if self._outage_started is not None:  # it outlasted the run
            self._end_outage(time.monotonic() - self._outage_started)
        self._run_started = 0.0
        self._seen[self._collection] = time.time()
        self._running.labels(self._collection).set(0)

    def _end_outage(self, seconds: float) -> None:
        self._outage_started = None
        self._outage.set(0)
        self._outage_seconds.inc(seconds)

    def _show(self, figure: str, kind: str, value: int) -> None:
        if figure in self._gauges:
            _of_kind(self._gauges[figure], kind).set(value)


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


def _of_kind(metric: Metric, kind: str) -> Metric:
    return metric.labels(kind) if kind else metric


def _error(event: BatchRetrying) -> str:
    if event.sqlstate:
        return event.sqlstate if _SQLSTATE.fullmatch(event.sqlstate) else "other"
    return _encodable(event.error_type) or "other"


def _encodable(text: str) -> str:
    """Replace what UTF-8 can't hold (bytes in a path that are no text), and cut what is too long."""
    return text.encode("utf-8", "replace").decode("utf-8")[:LONGEST_VALUE]
