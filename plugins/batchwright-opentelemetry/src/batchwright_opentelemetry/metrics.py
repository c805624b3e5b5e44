"""The metrics: what each event does to them. Names and units by the semantic conventions.

Events may be lost, or come twice if work is done again; only the account is exact. So the counters of its
figures grow by the account when a run is finished. Those of the run, which go up and down, show the sums of
the events until then.

See https://opentelemetry.io/docs/specs/semconv/general/metrics/ and …/general/naming/.
"""

from __future__ import annotations

import time
from collections import Counter

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
from opentelemetry.metrics import Meter

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


class Metrics:
    """All instruments, of one meter."""

    def __init__(self, meter: Meter) -> None:
        self._figures = Figures()
        self._counters = {
            "records": meter.create_counter(
                "batchwright.records", "{record}", "Records by what became of them."
            ),
            "documents": meter.create_counter(
                "batchwright.documents", "{document}", "Documents by what became of them."
            ),
            "batches": meter.create_counter("batchwright.batches", "{batch}", "Batches by how they ended."),
            "retries": meter.create_counter(
                "batchwright.retries", "{retry}", "Batch writes that were repeated."
            ),
            "removed": meter.create_counter(
                "batchwright.removed_documents",
                "{document}",
                "Documents removed since they are gone from the input.",
            ),
            "unfetched": meter.create_counter(
                "batchwright.unfetched_documents",
                "{document}",
                "Unchanged documents that were not fetched, by what their source says.",
            ),
            "bytes_read": meter.create_counter(
                "batchwright.input.read", "By", "Bytes of the documents read."
            ),
            "left_out": meter.create_counter(
                "batchwright.left_out", "{item}", "What was left out of the input, by reason."
            ),
            "vectors": meter.create_counter(
                "batchwright.vectors",
                "{row}",
                "Rows by how they came by their vectors, or why they have none.",
            ),
            "texts_sent": meter.create_counter(
                "batchwright.embedder.texts", "{text}", "Texts that were embedded."
            ),
            "tokens_sent": meter.create_counter(
                "batchwright.embedder.tokens", "{token}", "Tokens of the texts that were embedded."
            ),
        }
        self._of_run = {
            "records": meter.create_up_down_counter(
                "batchwright.run.records", "{record}", "Records of the run by what became of them so far."
            ),
            "documents": meter.create_up_down_counter(
                "batchwright.run.documents",
                "{document}",
                "Documents of the run by what became of them so far.",
            ),
            "batches": meter.create_up_down_counter(
                "batchwright.run.batches", "{batch}", "Batches of the run by how they ended so far."
            ),
            "retries": meter.create_up_down_counter(
                "batchwright.run.retries", "{retry}", "Batch writes that the run repeated so far."
            ),
            "texts_sent": meter.create_up_down_counter(
                "batchwright.run.embedder.texts", "{text}", "Texts that the run had embedded so far."
            ),
        }
        self._rejects = meter.create_counter(
            "batchwright.rejects", "{record}", "Records set aside, by error."
        )
        self._faults = meter.create_counter(
            "batchwright.faults", "{fault}", "Errors after which a call was repeated."
        )
        self._write_duration = meter.create_histogram(
            "batchwright.batch.write.duration",
            "s",
            "Time that committed writes took: of a batch, or a part of one.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._write_records = meter.create_histogram(
            "batchwright.batch.write.records",
            "{record}",
            "Records of committed writes.",
            explicit_bucket_boundaries_advisory=RECORDS,
        )
        self._run_duration = meter.create_histogram(
            "batchwright.run.duration",
            "s",
            "How long runs took.",
            explicit_bucket_boundaries_advisory=RUN_SECONDS,
        )
        self._runs = meter.create_counter(
            "batchwright.runs", "{run}", "Attempts at a run by exit code, those too that did not begin."
        )
        self._outage_time = meter.create_counter(
            "batchwright.outage.time", "s", "Time that the sink was down, up to the end of the last outage."
        )
        self._active_runs = meter.create_up_down_counter(
            "batchwright.active_runs", "{run}", "Runs that go on."
        )
        self._active_outages = meter.create_up_down_counter(
            "batchwright.active_outages", "{outage}", "Sinks that are down, while batches wait."
        )
        self._input_documents = meter.create_gauge(
            "batchwright.input.documents", "{document}", "Documents that the run found."
        )
        self._input_size = meter.create_gauge(
            "batchwright.input.size", "By", "Bytes of the documents that the run found."
        )
        self._shown: Counter[Figure] = Counter()
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
            self._of_run[name].add(value - self._shown[figure], _kind(name, kind))
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
