"""How the last run ended: gauges, which a run that is over leaves behind in the file.

A counter starts at 0 with every process, so that two runs of 100 records look like one to Prometheus if
no scrape came in between. These don't have that weakness.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from batchwright import Account
from batchwright.contracts.figures import figures_of
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.parser import text_string_to_metric_families

_PREFIX = "batchwright_last_run_"


class LastRun:
    """Gauges of the last run that ended. Not there before there is one: 0 would be a lie."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._known: set[Gauge] = set()
        self._records = _gauge("records", "Records of the last run by what became of them.", "state")
        self._documents = _gauge("documents", "Documents of the last run by what became of them.", "state")
        self._batches = _gauge("batches", "Batches of the last run by how they ended.", "result")
        self._retries = _gauge("retries", "Batch writes that the last run repeated.")
        self._duration = _gauge("duration_seconds", "How long the last run took.")
        self._success = _gauge(
            "success", "1 if the last run did all it should, 0 if it failed or was stopped."
        )
        self._timestamp = _gauge("timestamp_seconds", "When the last run ended, in Unix time.")

    def set(self, *, success: bool, seconds: float, account: Account | None) -> None:
        """Note how a run ended; without an account it ended in no order."""
        if account is not None:
            gauges = {
                "records": self._records,
                "documents": self._documents,
                "batches": self._batches,
                "retries": self._retries,
            }
            for (figure, kind), number in figures_of(account).items():
                if figure in gauges:
                    self._set(gauges[figure], number, *filter(None, [kind]))
        self._set(self._duration, seconds)
        self._set(self._success, int(success))
        self._set(self._timestamp, time.time())

    def restore(self, file: Path) -> None:
        """Take over what an earlier process left in its file, if there is one and it can be read."""
        gauges = (
            self._records,
            self._documents,
            self._batches,
            self._retries,
            self._duration,
            self._success,
            self._timestamp,
        )
        names = {family.name: gauge for gauge in gauges for family in gauge.describe()}
        with suppress(OSError, ValueError):  # none, or not one of ours
            for family in text_string_to_metric_families(file.read_text("utf-8")):
                for sample in family.samples:
                    if sample.name in names:
                        self._set(names[sample.name], sample.value, *sample.labels.values())

    def _set(self, gauge: Gauge, value: float, *labels: str) -> None:
        (gauge.labels(*labels) if labels else gauge).set(value)
        if gauge not in self._known:
            self._known.add(gauge)
            self._registry.register(gauge)


def _gauge(name: str, text: str, *labels: str) -> Gauge:
    return Gauge(_PREFIX + name, text, labels, registry=None)
