"""The metrics: what each event does to them. Names and units by the semantic conventions.

Events may be lost, or come twice if work is done again; only the account is exact. So the counters of its
figures grow by the account when a run is finished. Those of the run, which go up and down, show the sums of
the events until then.

See https://opentelemetry.io/docs/specs/semconv/general/metrics/ and …/general/naming/.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from batchwright.contracts.events import (
    BatchRetrying,
    BatchWritten,
    Event,
    InputCounted,
    OutageEnded,
    OutageStarted,
    RecordRejected,
    RunFinished,
    RunNotStarted,
    RunStarted,
)
from batchwright.contracts.figures import Figure, Figures
from opentelemetry.metrics import Counter, Histogram, Meter, UpDownCounter

from batchwright_opentelemetry.target import Attributes, database
from batchwright_opentelemetry.text import OTHER, plain

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60)
RECORDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000, 2_000, 5_000)
RUN_SECONDS = (0.1, 1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 7_200, 21_600, 86_400)

MOST_VALUES = 50
"""Errors that a metric distinguishes, at most; further ones share `_OTHER`."""

_STATES = {
    "records": "batchwright.record.state",
    "documents": "batchwright.document.state",
    "batches": "batchwright.batch.result",
    "left_out": "batchwright.left_out.reason",
    "vectors": "batchwright.vector.state",
}
"""The figures that have kinds, and the attribute that names the kind."""


_COUNTERS = {
    "records": ("records", "{record}", "Records by what became of them."),
    "documents": ("documents", "{document}", "Documents by what became of them."),
    "batches": ("batches", "{batch}", "Batches by how they ended."),
    "retries": ("retries", "{retry}", "Batch writes that were repeated."),
    "removed": (
        "removed_documents",
        "{document}",
        "Documents removed since they are gone from the input.",
    ),
    "unfetched": (
        "unfetched_documents",
        "{document}",
        "Unchanged documents that were not fetched, by what their source says.",
    ),
    "bytes_read": ("input.read", "By", "Bytes of the documents read."),
    "left_out": ("left_out", "{item}", "What was left out of the input, by reason."),
    "vectors": ("vectors", "{row}", "Rows by how they came by their vectors, or why they have none."),
    "texts_sent": ("embedder.texts", "{text}", "Texts that were embedded."),
    "tokens_sent": ("embedder.tokens", "{token}", "Tokens of the texts that were embedded."),
}
"""The counter of each figure: its name, unit and description."""

_OF_RUN = {
    "records": ("run.records", "{record}", "Records of the run by what became of them so far."),
    "documents": ("run.documents", "{document}", "Documents of the run by what became of them so far."),
    "batches": ("run.batches", "{batch}", "Batches of the run by how they ended so far."),
    "retries": ("run.retries", "{retry}", "Batch writes that the run repeated so far."),
    "texts_sent": ("run.embedder.texts", "{text}", "Texts that the run had embedded so far."),
}
"""What is shown of the run as it goes on, likewise."""


class Metrics:
    """All instruments, of one meter."""

    def __init__(self, meter: Meter) -> None:
        def counter(name: str, unit: str, text: str) -> Counter:
            return meter.create_counter(f"batchwright.{name}", unit, text)

        def up_down(name: str, unit: str, text: str) -> UpDownCounter:
            return meter.create_up_down_counter(f"batchwright.{name}", unit, text)

        def histogram(name: str, unit: str, text: str, bounds: Sequence[float]) -> Histogram:
            return meter.create_histogram(
                f"batchwright.{name}", unit, text, explicit_bucket_boundaries_advisory=bounds
            )

        self._figures = Figures()
        self._counters = {figure: counter(*made) for figure, made in _COUNTERS.items()}
        self._of_run = {figure: up_down(*made) for figure, made in _OF_RUN.items()}
        self._rejects = counter("rejects", "{record}", "Records set aside, by error.")
        self._faults = counter("faults", "{fault}", "Errors after which a call was repeated.")
        self._write_duration = histogram(
            "batch.write.duration",
            "s",
            "Time that committed writes took: of a batch, or a part of one.",
            SECONDS,
        )
        self._write_records = histogram(
            "batch.write.records", "{record}", "Records of committed writes.", RECORDS
        )
        self._run_duration = histogram("run.duration", "s", "How long runs took.", RUN_SECONDS)
        self._runs = counter("runs", "{run}", "Attempts at a run by exit code, those too that did not begin.")
        self._outage_time = counter(
            "outage.time", "s", "Time that the sink was down, up to the end of the last outage."
        )
        self._active_runs = up_down("active_runs", "{run}", "Runs that go on.")
        self._active_outages = up_down(
            "active_outages", "{outage}", "Sinks that are down, while batches wait."
        )
        self._input_documents = meter.create_gauge(
            "batchwright.input.documents", "{document}", "Documents that the run found."
        )
        self._input_size = meter.create_gauge(
            "batchwright.input.size", "By", "Bytes of the documents that the run found."
        )
        self._shown: dict[Figure, int] = {}
        self._errors: dict[str, set[str]] = {}
        self._database: Attributes = {}
        self._running = False
        self._collection = ""
        self._outage_started: float | None = None

    def handle(self, event: Event) -> None:
        """Count an event."""
        for figure, value in self._figures.add(event).items():
            self._show(figure, value)
        match event:
            case RunStarted():
                self._start(event)
            case InputCounted():
                self._input_documents.set(event.documents)
                self._input_size.set(event.size)
            case BatchWritten() if event.batch_index is not None:  # else an earlier attempt wrote it
                self._write_duration.record(event.seconds, self._database)
                self._write_records.record(event.records, self._database)
            case BatchRetrying():
                phase = event.phase if event.phase in ("read", "embed") else "connection"
                call = phase if event.batch_index is None else "write"
                error = self._error("faults", event.sqlstate or event.error_type or OTHER)
                self._faults.add(1, {"batchwright.call": call, **error})
            case RecordRejected() if event.position is not None:
                self._rejects.add(1, self._error("rejects", event.error))
            case OutageStarted() if self._outage_started is None:
                self._outage_started = time.monotonic()
                self._active_outages.add(1)
            case OutageEnded() if self._outage_started is not None:
                self._end_outage(event.seconds)
            case RunFinished():
                self._count()
                self._count_run(self._collection, event.exit_code)
                self._run_duration.record(
                    event.account.seconds,
                    {"batchwright.collection": self._collection, "batchwright.run.state": event.state},
                )
                self.stop()
            case RunNotStarted():
                self._count_run(plain(event.collection)[:200], event.exit_code)
            case _:
                pass

    def stop(self) -> None:
        """Note that the run is over, and an outage that outlasted it."""
        if self._outage_started is not None:
            self._end_outage(time.monotonic() - self._outage_started)
        if self._running:
            self._running = False
            self._active_runs.add(-1)

    def _start(self, event: RunStarted) -> None:
        self.stop()
        self._running = True
        self._collection = plain(event.collection)[:200]
        system = database(event.target).get("db.system.name")
        self._database = {"db.system.name": system} if system else {}
        self._active_runs.add(1)

    def _count_run(self, collection: str, exit_code: int) -> None:
        self._runs.add(1, {"batchwright.collection": collection, "batchwright.run.exit_code": exit_code})

    def _end_outage(self, seconds: float) -> None:
        self._outage_started = None
        self._active_outages.add(-1)
        self._outage_time.add(seconds)

    def _show(self, figure: Figure, value: int) -> None:
        name, kind = figure
        if name in self._of_run:
            self._of_run[name].add(value - self._shown.get(figure, 0), _kind(name, kind))
            self._shown[figure] = value

    def _count(self) -> None:
        """Have the counters grow by the figures, which are those of the account by now."""
        for (name, kind), value in self._figures.values.items():
            if value:
                self._counters[name].add(value, _kind(name, kind))

    def _error(self, metric: str, value: str) -> Attributes:
        """Return the attribute of an error, with one of few values for each metric."""
        value = plain(value)[:200]
        seen = self._errors.setdefault(metric, set())
        if value not in seen and len(seen) >= MOST_VALUES:
            value = OTHER
        seen.add(value)
        return {"error.type": value}


def _kind(figure: str, kind: str) -> Attributes:
    return {_STATES[figure]: kind} if kind else {}
